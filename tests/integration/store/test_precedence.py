"""One order of precedence: of any two faults in one event, the one whose code comes first is the answer.

The pairs are generated from `tests/support/faults` and posted together: what comes before them in one batch, then
all of them in another. A code that can be put into no event fails here, and so does a fault that is none.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations

import pytest

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.connection import Role, connect
from tests.support.databases import create_database, drop_database
from tests.support.faults.exchanges import EXCHANGE_CHART
from tests.support.faults.record import DROPPED_BOOK, EARLY, fits, with_header
from tests.support.faults.splits import MARKET_BOOK, MARKET_CHART
from tests.support.faults.table import APART, CARRIERS
from tests.support.faults.telling import FILLED, MISSING_ROLE, POLICY, SEEN, TEMPLATES, Telling, in_book
from tests.support.faults.transfers import SWEEPS
from tests.support.merchants import drop_book
from tests.support.postings import BOOK, Scene, outcomes

pytestmark = pytest.mark.postgres

PLACE = {code: place for place, code in enumerate(Code)}
ELSEWHERE = {
    Code.BOOK_MISMATCH, Code.GROUP_MEMBER_REFUSED, Code.CAPTURE_PROOF_MISSING, Code.CAPTURE_TOO_SOON,
    Code.CAPTURE_EXCEEDS_AUTHORIZED,
    Code.SELLER_BALANCE_INSUFFICIENT,
}  # fmt: skip
"""What only another consumer says, what is said of the members that are not at fault, and what only a book says whose
chart asks something of payments: `test_payment_policies` has their pairs."""
LARGE = (Code.RECORD_TOO_LARGE,)
Asked = tuple[str, tuple[Code, ...]]
"""A carrier, and what is wrong with it."""


def tellings() -> dict[Asked, Telling]:
    """Each carrier as it should be, with each of its faults, and with each two of them that can meet."""
    made: dict[Asked, Telling] = {}
    for name, (make, faults) in CARRIERS.items():
        pairs = [pair for pair in combinations(faults, 2) if frozenset(pair) not in APART.get(name, ())]
        for codes in [(), *((code,) for code in faults), *pairs]:
            telling = make(len(made))
            for code in codes:
                faults[code](telling)
            made[name, codes] = telling
    return made


def with_early(telling: Message, number: int, *codes: Code) -> Message:
    message = with_header(telling, "ce_id", f"early:{number}")
    for code in sorted(codes, key=PLACE.__getitem__, reverse=True):
        message = EARLY[code](message)
    return message


def records(made: Mapping[Asked, Telling]) -> dict[Asked, Message]:
    """Two early faults in a voucher and a capture; each early fault in every event that is wrong otherwise."""
    asked: dict[Asked, Message] = {}
    for name in ("a voucher", "a capture"):
        for pair in combinations(EARLY, 2):
            if frozenset(pair) not in APART["the record"]:
                asked[name, pair] = with_early(made[name, ()].message(), len(asked), *pair)
    for (name, codes), telling in made.items():
        if len(codes) == 1:
            message = telling.message()
            for code in EARLY:
                if code not in LARGE and code not in codes and fits(code, message):
                    asked[name, (code, *codes)] = with_early(message, len(asked), code)
    return asked


@pytest.fixture(scope="module")
def answers(postgres_server: str) -> Iterator[dict[Asked, str]]:
    """What became of each, all of it in one ledger."""
    made = tellings()
    database = create_database(postgres_server)
    with Scene(database.dsn()) as scene:
        controls = [row for row in scene.chart()["controls"] if f"control:{row['role']}" != MISSING_ROLE]
        asked = {"controls": controls, "templates": TEMPLATES, "sources": POLICY, "transfers": SWEEPS}
        scene.apply_chart({**scene.chart(), **asked, "exchange": EXCHANGE_CHART})
        scene.create_books([DROPPED_BOOK, MARKET_BOOK])
        scene.apply_chart(MARKET_CHART, MARKET_BOOK)
        scene.post(*FILLED, SEEN, with_header(SEEN, "ce_source", "/stranger"), in_book(SEEN, MARKET_BOOK))
        scene.post(*(message for telling in made.values() for message in telling.before))
        drop_book(scene.dsn, DROPPED_BOOK)
        PeriodLifecycle(lambda: connect(scene.dsn, Role.POSTER), BOOK).close(date(2020, 12, 31), reason="year end")
        said = outcomes(scene.post(*(telling.message() for telling in made.values())))
        early = records(made)
        said += outcomes(scene.post(*early.values()))
        yield dict(zip([*made, *early], said, strict=True))
        scene.assert_whole()
    drop_database(database)


def first(codes: tuple[Code, ...]) -> str:
    return min(codes, key=PLACE.__getitem__).value


def test_every_code_can_be_put_into_some_event() -> None:
    assert set(Code) - set(EARLY) - {code for _, faults in CARRIERS.values() for code in faults} == ELSEWHERE


def test_only_pairs_that_exist_are_kept_apart() -> None:
    for name, pairs in APART.items():
        faults = EARLY if name == "the record" else CARRIERS[name][1]
        assert set().union(*pairs) <= set(faults), name


@pytest.mark.parametrize("carrier", CARRIERS)
def test_an_event_without_a_fault_is_accepted(carrier: str, answers: dict[Asked, str]) -> None:
    assert answers[carrier, ()] in ("POSTED", "RECORDED")


@pytest.mark.parametrize("carrier", CARRIERS)
def test_of_two_faults_the_one_whose_code_comes_first_is_the_answer(carrier: str, answers: dict[Asked, str]) -> None:
    ours = {codes: said for (name, codes), said in answers.items() if name == carrier and codes}
    assert {codes: said for codes, said in ours.items() if said != first(codes)} == {}
