"""Whatever comes, in whatever batches, the store ends where a small ledger in plain Python does."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deploy.demo.messages import Message
from ledger_core.store.verify import verify
from tests.models import payments as plain
from tests.support.databases import TestDatabase
from tests.support.postings import event
from tests.support.streams import Stream, streams

pytestmark = pytest.mark.postgres

SELLERS = ("wallet:seller:1", "wallet:seller:2", "wallet:seller:3")
VAULTS = ("vault:1", "vault:2")
TYPES = {
    "authorize": "payment.authorized.v1",
    "capture": "payment.captured.v1",
    "refund": "payment.refunded.v1",
    "void": "payment.voided.v1",
    "payout": "payout.paid.v1",
}


@dataclass(frozen=True)
class Freeze:
    account: str


@dataclass(frozen=True)
class Unfreeze:
    account: str


@dataclass(frozen=True)
class Open:
    account: str


Step = plain.Event | Freeze | Unfreeze | Open


@st.composite
def events(draw: st.DrawFn) -> plain.Event:
    """From few orders, ids, amounts and accounts, so that duplicates, conflicts and refusals abound."""
    kind = draw(st.sampled_from(["capture", "capture", "refund", "refund", "authorize", "void", "payout"]))
    order = draw(st.sampled_from(["o-1", "o-2", "o-3"]))
    event_id = f"{kind}-{order}-{draw(st.integers(1, 3))}"
    if kind == "void":
        return plain.Event(kind, order, event_id)
    amount = draw(st.sampled_from([1, 40, 60, 100]))
    currency = draw(st.sampled_from(["EUR"] * 9 + ["USD"]))
    if kind == "authorize":
        return plain.Event(kind, order, event_id, amount, currency)
    to = draw(st.sampled_from([*SELLERS, *SELLERS, *VAULTS])) + ("" if currency == "EUR" else ":usd")
    if kind == "payout":
        return plain.Event(kind, order, event_id, amount, currency, to)
    part, bps = draw(st.sampled_from([(amount, 0), (amount, 1_000), (amount - 1, 0), (amount + 5, 333), (1, 10_000)]))
    payer = draw(st.sampled_from(["", "", "", "wallet:seller:1"]))
    return plain.Event(kind, order, event_id, amount, currency, to if part else "", part, bps, payer)


def steps() -> st.SearchStrategy[list[Step]]:
    frozen = st.sampled_from(SELLERS)
    commands: Sequence[st.SearchStrategy[Step]] = [
        st.builds(Freeze, frozen),
        st.builds(Unfreeze, frozen),
        st.builds(Open, st.sampled_from(VAULTS)),
    ]
    return st.lists(st.one_of(*[events()] * 12, *commands), min_size=1, max_size=30)


def message(one: plain.Event, book: str) -> Message:
    data: dict[str, object] = {"payment_id": one.order}
    if one.kind == "payout":
        data = {"payout_id": one.event_id, "account": one.to}
    if one.kind != "void":
        data |= {"amount_minor": str(one.amount), "currency": one.currency}
    if one.kind in ("authorize", "capture"):
        data["method"] = "card"
    if one.kind == "refund":
        data["refund_id"] = one.event_id
    if one.part:
        share = {"account": one.to, "amount_minor": str(one.part), "commission_bps": one.bps}
        data["beneficiaries"] = [share]
    if one.payer:
        data["payer"] = one.payer
    return event(TYPES[one.kind], one.order, one.event_id, data, book=book)


@dataclass
class Run(Stream):
    """Each command ends a batch, and so does every place in `cuts`; those in `exact` are decided one by one."""

    cuts: frozenset[int] = frozenset()
    exact: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.scene.create_book(self.book)
        self.accounts = self.scene.accounts(self.book)
        for seller in SELLERS:
            self.accounts.open_account(seller, account_type="liability", currency="EUR")

    def play(self, stream: Sequence[Step]) -> None:
        for place, step in enumerate(stream):
            if isinstance(step, plain.Event):
                self.batch.append(message(step, self.book))
            else:
                self.send(exact=place in self.exact)
                self.command(step)
            if place in self.cuts:
                self.send(exact=place in self.exact)
        self.send(exact=len(stream) in self.exact)

    def command(self, step: Freeze | Unfreeze | Open) -> None:
        match step:
            case Freeze(account):
                self.accounts.freeze(account, reason="test")
            case Unfreeze(account):
                self.accounts.unfreeze(account, reason="test")
                self.worker.poster.heal(self.book, f"account:{account}")
            case Open(account):
                self.accounts.open_account(account, account_type="liability", currency="EUR")
                self.worker.poster.heal(self.book, f"account:{account}")

    def conflicts(self) -> int:
        return int(self.rows("""
            SELECT count(*) FROM ledger.inbox JOIN ledger.book USING (book_id)
            WHERE book.code = %s AND inbox.event_id LIKE '%%#%%'""")[0][0])  # fmt: skip

    def balances(self) -> dict[str, int]:
        return dict(self.rows("""
            SELECT account.code, (debits_posted - credits_posted)::bigint FROM ledger.account_head
            JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
            WHERE book.code = %s AND posting_sequence > 0"""))  # fmt: skip

    def subjects(self) -> dict[str, tuple[int, int, int, bool, int]]:
        return {row[0]: row[1:] for row in self.rows("""
            SELECT order_key, authorised_minor, captured_minor, refunded_minor, voided, parked
            FROM ledger.subject JOIN ledger.book USING (book_id) WHERE book.code = %s
            AND (authorised_minor, captured_minor, refunded_minor, parked) <> (0, 0, 0, 0)""")}  # fmt: skip


def played_plainly(stream: Sequence[Step]) -> plain.Model:
    ledger = plain.Model(accounts=dict.fromkeys(SELLERS, "EUR"))
    for step in stream:
        match step:
            case Freeze(account):
                ledger.frozen.add(account)
            case Unfreeze(account):
                ledger.unfreeze(account)
            case Open(account):
                ledger.open(account, "EUR")
            case plain.Event():
                ledger.take(step)
    return ledger


Start = Callable[..., Run]


@pytest.fixture
def start(database: TestDatabase) -> Iterator[Start]:
    """Runs in books of their own, by one worker."""

    def begin(cuts: Iterable[int] = (), exact: Iterable[int] = ()) -> Run:
        run = start_one()
        run.cuts, run.exact = frozenset(cuts), frozenset(exact)
        return run

    with streams(database.dsn(), Run) as start_one:
        yield begin


SLOW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def assert_as_the_model(run: Run, ledger: plain.Model) -> None:
    assert run.outcomes() == ledger.outcomes
    assert run.conflicts() == len(ledger.conflicts)
    expected = ledger.balances()
    assert {code: amount for code, amount in run.balances().items() if amount} == {
        code: amount for code, amount in expected.items() if amount
    }
    assert run.balances().keys() == expected.keys()
    known = {
        order: (p.authorised, p.captured, p.refunded, p.voided, len(p.queue)) for order, p in ledger.payments.items()
    }
    assert run.subjects() == {order: state for order, state in known.items() if any(state)}
    assert sum(run.balances().values()) == 0
    report = verify(run.scene.dsn, books=[run.book], processes=1)
    assert report.ok, [check for check in report.checks if not check.ok]


# Rare streams that once went wrong: what comes between heal and drain; a queue whose head comes to wait for something
# else; a capture parked behind its own refund; a capture behind a healed refund that must wait itself; a repeat of a
# capture that hides what its refund must know.
VOID, AUTHORIZE = plain.Event("void", "o-1", "void"), plain.Event("authorize", "o-1", "authorize", 100)
CAPTURE = plain.Event("capture", "o-1", "capture", 100, to=SELLERS[1], part=100)
REFUND, REFUND_MORE = (
    plain.Event("refund", "o-1", name, 60, to=SELLERS[0], part=60) for name in ("refund", "refund-more")
)
REFUND_OF_OTHER = plain.Event("refund", "o-1", "refund-other", 60, to=SELLERS[1], part=60)
REFUND_TO_MISSING = plain.Event("refund", "o-1", "refund-missing", 60, to=VAULTS[0], part=60)
TO_FROZEN = plain.Event("capture", "o-1", "capture-more", 100, to=SELLERS[0], part=100)
FROZEN, THAWED = Freeze(SELLERS[0]), Unfreeze(SELLERS[0])


@SLOW
@example(stream=[VOID, AUTHORIZE, CAPTURE], cuts=set(), exact=set())
@example(stream=[REFUND, FROZEN, CAPTURE, THAWED, REFUND_MORE], cuts=set(), exact=set())
@example(stream=[Freeze(SELLERS[1]), REFUND, CAPTURE, Unfreeze(SELLERS[1])], cuts=set(), exact=set())
@example(stream=[REFUND_OF_OTHER, FROZEN, CAPTURE, TO_FROZEN], cuts=set(), exact=set())
@example(stream=[REFUND_TO_MISSING, CAPTURE], cuts=set(), exact=set())
@example(stream=[CAPTURE, CAPTURE, REFUND, CAPTURE, REFUND_MORE], cuts={0, 2}, exact=set())
@given(stream=steps(), cuts=st.sets(st.integers(0, 30), max_size=10), exact=st.sets(st.integers(0, 30), max_size=3))
def test_the_store_ends_where_the_model_does(start: Start, stream: list[Step], cuts: set[int], exact: set[int]) -> None:
    run = start(cuts, exact)
    run.play(stream)
    assert_as_the_model(run, played_plainly(stream))


@settings(SLOW, max_examples=25)
@given(stream=st.lists(events(), min_size=1, max_size=20), cuts=st.sets(st.integers(0, 20), max_size=6))
def test_posting_everything_again_changes_nothing(start: Start, stream: list[plain.Event], cuts: set[int]) -> None:
    run = start(cuts)
    run.play(stream)
    position, balances = run.scene.position(run.book), run.balances()
    run.play(stream)
    assert (run.scene.position(run.book), run.balances()) == (position, balances)


@settings(SLOW, max_examples=25)
@example(stream=[REFUND_TO_MISSING, CAPTURE], cuts={0})
@given(stream=st.lists(events(), min_size=2, max_size=20), cuts=st.sets(st.integers(0, 20), max_size=20))
def test_how_a_stream_is_cut_into_batches_does_not_matter(
    start: Start, stream: list[plain.Event], cuts: set[int]
) -> None:
    whole, pieces = start(), start(cuts)
    whole.play(stream)
    pieces.play(stream)
    assert whole.outcomes() == pieces.outcomes()
    assert whole.balances() == pieces.balances()
    assert whole.subjects() == pieces.subjects()
