"""Transfers through the store: deposits, gates that hold a settlement back by name, compensation by exact mirrors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest
from psycopg import errors

from deploy.demo.messages import Message
from ledger_core.store.batch import BatchResult
from ledger_core.store.verify import verify
from tests.support.corruptions import sql
from tests.support.databases import TestDatabase
from tests.support.hold_events import placed
from tests.support.postings import CHART, Scene, captured, event, outcomes, void_requested
from tests.support.story_books import StoryBooks, story_books
from tests.support.tampering import recompute_running, rewrite_states, tampering

pytestmark = pytest.mark.postgres

T, SELLER, CLEARING, TRANSIT, CASH = (
    "t-1", "wallet:seller:1", "clearing:processor:EUR", "clearing:transfers:EUR", "cash:bank:EUR"
)  # fmt: skip


def step(which: str, minor: int = 0, *, event_id: str = "", **data: object) -> Message:
    """An event of the transfer `t-1`."""
    kind = "transaction.compensated" if which == "compensated" else f"transfer.{which}"
    body: dict[str, object] = {"transfer_id": T, **data}
    if minor:
        body |= {"amount_minor": str(minor), "currency": "EUR"}
    return event(f"{kind}.v1", T, event_id or f"{which}-{data.get('inflow_id', '')}", body)


def deposit(minor: int, inflow_id: str = "d-1", origin: str = "") -> Message:
    come_from: dict[str, Any] = {"origin": origin} if origin else {}
    return step("inflow.received", minor, inflow_id=inflow_id, **come_from)


def back(inflow_id: str = "d-1", event_id: str = "") -> Message:
    return step("inflow.compensated", inflow_id=inflow_id, reason="recalled", event_id=event_id)


def approved(by: str) -> Message:
    return step("approved", approved_by=by, event_id=f"approved by {by}")


def customer(status: str, event_id: str = "") -> Message:
    return event("verification.changed.v1", "c-1", event_id or status, {"customer": "c-1", "status": status})


@pytest.fixture(scope="module")
def books(postgres_server: str) -> Iterator[StoryBooks]:
    with story_books(postgres_server) as books:
        yield books


@dataclass(frozen=True, slots=True)
class Shelf:
    """One book among many of one ledger."""

    books: StoryBooks
    book: str

    def post(self, *messages: Message) -> BatchResult:
        return self.books.post(self.book, *messages)

    def balances(self, *accounts: str) -> list[int]:
        return [self.books.scene.balance_minor(account, self.book) for account in accounts]

    def waits(self) -> list[tuple[str, str]]:
        rows = self.books.scene.rows(
            """SELECT event_id, waits_for FROM ledger.dead_letter JOIN ledger.book USING (book_id)
            WHERE book.code = %s AND resolved_position IS NULL AND outcome = 'PARKED' ORDER BY dead_letter.position""",
            self.book,
        )
        return [(event_id, waits_for) for event_id, waits_for in rows]

    def asks(self, **transfers: object) -> None:
        self.books.scene.apply_chart({**CHART, "transfers": transfers}, self.book)


@pytest.fixture
def shelf(books: StoryBooks) -> Shelf:
    return Shelf(books, books.new())


REQUESTED = step("requested", 100)
SETTLED = step("settled", 100, to=SELLER, customer="c-1")
TAKEN_BACK = step("compensated", reason="returned")
FUNDED = [REQUESTED, deposit(60), deposit(40, "d-2")]
STORIES: list[tuple[str, list[Message], dict[str, int]]] = [
    ("two deposits and a settlement", [*FUNDED, SETTLED], {CLEARING: 100, TRANSIT: 0, SELLER: -100}),
    ("a deposit in its stages, from a wallet", [
        REQUESTED, step("inflow.announced", 100, inflow_id="d-1"), deposit(100, origin="wallet:buyer:1"), SETTLED,
    ], {"wallet:buyer:1": 100, TRANSIT: 0, SELLER: -100}),
    ("all of it is taken back", [*FUNDED, SETTLED, TAKEN_BACK, back(), back("d-2")],
     {CLEARING: 0, TRANSIT: 0, SELLER: 0}),
    ("one that fails gives its deposits back", [*FUNDED, step("failed", failure_reason="no_luck"), back("d-2")],
     {CLEARING: 60, TRANSIT: -60}),
    ("one that is blocked gives its deposits back", [
        *FUNDED, step("monitoring.flagged"), step("monitoring.blocked"), back(), back("d-2"),
    ], {CLEARING: 0, TRANSIT: 0}),
]  # fmt: skip


@pytest.mark.parametrize(("messages", "balances"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_a_story_comes_to_its_balances(
    shelf: Shelf, one_by_one: bool, messages: Sequence[Message], balances: dict[str, int]
) -> None:
    batches = [[message] for message in messages] if one_by_one else [messages]
    said = list(chain.from_iterable(outcomes(shelf.post(*batch)) for batch in batches))
    assert set(said) <= {"POSTED", "RECORDED"}
    assert shelf.balances(*balances) == list(balances.values())


@pytest.mark.parametrize("one_by_one", [True, False], ids=["one by one", "in one batch"])
def test_a_story_told_backwards_comes_to_the_same(shelf: Shelf, one_by_one: bool) -> None:
    story = [*FUNDED, step("review.opened"), step("review.cleared"), SETTLED, TAKEN_BACK]
    for batch in [[message] for message in story[::-1]] if one_by_one else [story[::-1]]:
        shelf.post(*batch)
    assert shelf.waits() == []
    assert shelf.balances(CLEARING, TRANSIT, SELLER) == [100, -100, 0]
    assert shelf.books.scene.vouchers(shelf.book) == 4


def test_a_recall_that_comes_before_its_deposit_takes_it_back_at_once(shelf: Shelf) -> None:
    """Whatever else waits: what settles waits for another deposit then."""
    shelf.post(back(), SETTLED, *FUNDED)
    assert shelf.waits() == [("settled-", "transfer.inflow.received")]
    assert shelf.balances(CLEARING, TRANSIT, SELLER) == [40, -40, 0]


GATES: list[tuple[str, dict[str, Any], list[Message], str, list[Message]]] = [
    ("a verdict", {"monitoring": "required"}, [], "gate:monitoring", [step("monitoring.passed")]),
    ("a doubt, whatever the chart asks", {}, [step("monitoring.flagged")], "gate:monitoring_review",
     [step("monitoring.passed")]),
    ("two persons", {"approvals": 2}, [approved("Anna")], "gate:approval:2:EUR:100", [approved("ben")]),
    ("two persons from its amount on", {"approvals": 2, "approvals_from": {"EUR": "100"}}, [approved("Anna")],
     "gate:approval:2:EUR:100", [approved("ben")]),
    ("a customer", {"verification": "required"}, [customer("PENDING")], "gate:verification:c-1",
     [customer("VERIFIED")]),
    ("the flag", {}, [step("review.opened", opened_by="anna")], "gate:review", [step("review.cleared")]),
    ("all of them, one after the other", {"monitoring": "required", "verification": "required", "approvals": 1},
     [step("review.opened")], "gate:review",
     [approved("anna"), customer("VERIFIED"), step("monitoring.passed"), step("review.cleared")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "before", "gate", "opens"), [row[1:] for row in GATES], ids=[row[0] for row in GATES]
)
def test_what_settles_waits_for_its_gate_by_name_and_posts_when_it_opens(
    shelf: Shelf, asked: dict[str, Any], before: Sequence[Message], gate: str, opens: Sequence[Message]
) -> None:
    shelf.asks(**asked)
    shelf.post(*FUNDED, *before)
    assert outcomes(shelf.post(SETTLED)) == ["TRANSFER_GATE_CLOSED"]
    assert shelf.waits() == [("settled-", gate)]
    healed: list[Any] = []
    for message in opens:
        result = shelf.post(message)
        assert outcomes(result) == ["RECORDED"]
        healed += result.healed
        for book, name in result.woke:
            healed += shelf.books.worker.poster.heal(book, name).healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED"]
    assert shelf.balances(SELLER) == [-100]


def test_nobody_is_asked_about_less_than_the_chart_says(shelf: Shelf) -> None:
    shelf.asks(approvals=2, approvals_from={"EUR": "101"})
    shelf.post(*FUNDED)
    assert outcomes(shelf.post(SETTLED)) == ["POSTED"]


def test_a_verdict_a_recall_or_a_failure_is_not_kept_behind_what_waits(shelf: Shelf) -> None:
    """Else an approval would settle what was blocked, or recalled, before it."""
    shelf.asks(approvals=1)
    shelf.post(*FUNDED)
    assert outcomes(shelf.post(SETTLED)) == ["TRANSFER_GATE_CLOSED"]
    assert outcomes(shelf.post(back("d-2"))) == ["POSTED"]
    assert outcomes(shelf.post(approved("anna"))) == ["RECORDED"]
    assert shelf.waits() == [("settled-", "transfer.inflow.received")]
    result = shelf.post(step("monitoring.blocked"))
    assert [decided.code for _, decided in result.healed] == ["TRANSFER_BLOCKED"]
    assert shelf.balances(SELLER) == [0]


def test_under_review_no_money_moves(shelf: Shelf) -> None:
    shelf.post(REQUESTED, deposit(60), step("review.opened"))
    assert outcomes(shelf.post(deposit(40, "d-2"), back(), SETTLED)) == [
        "TRANSFER_GATE_CLOSED", "TRANSFER_GATE_CLOSED", "PREDECESSOR_ABSENT"
    ]  # fmt: skip
    healed = shelf.post(step("review.cleared")).healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED", "POSTED"]
    assert shelf.balances(TRANSIT) == [-40]


def test_what_is_on_no_story_of_a_transfer_keeps_its_place_in_the_queue(shelf: Shelf) -> None:
    shelf.post(*FUNDED, event("weather.changed.v1", T, "unknown", {}))
    assert outcomes(shelf.post(SETTLED)) == ["ORDER_KEY_PARKED"]


@pytest.mark.parametrize(
    ("before", "late", "code"),
    [
        ([REQUESTED], step("requested", 100, event_id="again"), "TRANSFER_STATE_INVALID"),
        (FUNDED, deposit(1, "d-3"), "INFLOW_EXCEEDS_TRANSFER"),
        ([REQUESTED, step("inflow.announced", 60, inflow_id="d-1")], deposit(59), "AMOUNT_DIFFERS"),
        ([*FUNDED, back()], back(event_id="again"), "ALREADY_COMPENSATED"),
        ([*FUNDED, SETTLED, TAKEN_BACK], step("compensated", reason="again", event_id="again"), "ALREADY_COMPENSATED"),
        ([*FUNDED, SETTLED], back(), "PREDECESSOR_ABSENT"),
        ([*FUNDED, SETTLED], step("failed", failure_reason="late"), "TRANSFER_STATE_INVALID"),
        ([*FUNDED, SETTLED, TAKEN_BACK], step("settled", 100, to=SELLER, event_id="again"), "TRANSFER_STATE_INVALID"),
        (FUNDED, step("settled", 99, to=SELLER), "AMOUNT_DIFFERS"),
        ([REQUESTED, approved("Anna")], approved(" anna "), "APPROVAL_NOT_DISTINCT"),
        ([*FUNDED, SETTLED], void_requested(T, of="settled-"), "STEP_NOT_VOIDABLE"),
        ([], event("transfer.requested.v1", "t-2", "other", {"transfer_id": T, "amount_minor": "1",
         "currency": "EUR"}), "DATA_INVALID"),
    ],
)  # fmt: skip
def test_a_step_that_can_not_be_is_refused_by_name(
    shelf: Shelf, before: Sequence[Message], late: Message, code: str
) -> None:
    assert set(outcomes(shelf.post(*before))) <= {"POSTED", "RECORDED"}
    assert outcomes(shelf.post(late)) == [code]


def test_a_book_that_asks_for_verified_customers_wants_to_know_whose(shelf: Shelf) -> None:
    shelf.asks(verification="required")
    assert outcomes(shelf.post(*FUNDED, step("settled", 100, to=SELLER)))[-1] == "DATA_INVALID"


LINKED = """
    SELECT original.voucher_no, convert_from(original.state, 'UTF8')::jsonb -> 'lines',
        convert_from(mirror.state, 'UTF8')::jsonb -> 'lines', convert_from(mirror.state, 'UTF8')::jsonb -> 'compensates'
    FROM ledger.compensation
    JOIN ledger.event AS original USING (book_id)
    JOIN ledger.event AS mirror USING (book_id)
    WHERE original.position = compensated_position AND mirror.position = compensating_position
    ORDER BY compensating_position"""


def test_a_compensation_is_the_mirror_of_what_was_posted_and_linked_to_it(scene: Scene) -> None:
    scene.post(*FUNDED, SETTLED, TAKEN_BACK, back("d-2"))
    rows = scene.rows(LINKED)
    assert [(number, links[0]["voucher_no"], links[0]["event_type"]) for number, _, _, links in rows] == [
        (3, 3, "transfer.settled.v1"), (2, 2, "transfer.inflow.received.v1")
    ]  # fmt: skip
    for _, lines, mirrored, _ in rows:
        other = {"D": "C", "C": "D"}
        assert mirrored == [[line[0], other[line[1]], *line[2:4], "reversal"] for line in lines]


def test_of_a_settlement_and_a_recall_at_once_one_comes_first(scene: Scene) -> None:
    scene.post(*FUNDED)
    first, second = scene.worker(1), scene.worker(2)
    scene.topic.send(SETTLED, partition=1)
    scene.topic.send(back(), partition=2)
    one, other = first.prepare(1), second.prepare(2)
    assert outcomes(first.poster.post(one)) + outcomes(second.poster.post(other)) == ["POSTED", "PREDECESSOR_ABSENT"]
    assert scene.balance_minor(TRANSIT) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.subject_part SET told = told + (1 << 8) WHERE kind = 'transfer'",
        "UPDATE ledger.subject_part SET told = told + (1 << 16) WHERE kind = 'transfer'",
        "UPDATE ledger.subject_part SET told = told + (2 << 16) WHERE kind = 'inflow'",
        "UPDATE ledger.subject_part SET told = told + 1 WHERE kind = 'approval'",
    ],
)
def test_the_database_refuses_a_second_end_and_a_second_voice_whoever_writes(shelf: Shelf, statement: str) -> None:
    shelf.post(*FUNDED, approved("anna"), SETTLED)
    with pytest.raises(errors.CheckViolation):
        shelf.books.scene.change(statement)


def test_verify_finds_a_compensation_that_takes_back_something_else(database: TestDatabase) -> None:
    """All sums agree: what one gave back too little the other gave too much."""
    with Scene(database.dsn()) as scene:
        scene.post(*FUNDED, back(), back("d-2"))
    with tampering(database) as connection:
        for inflow_id, minor in (("d-1", 60), ("d-2", 40)):
            of_event = f"""position('"event_id":"inflow.compensated-{inflow_id}"'::bytea IN state) > 0"""
            rewrite_states(connection, of_event, f'"{minor}"', '"50"')
            connection.execute(
                f"""UPDATE ledger.entry SET amount_minor = 50 FROM ledger.event
                WHERE event.book_id = entry.book_id AND event.position = entry.position AND {of_event}"""
            )
        for account in (CLEARING, TRANSIT):
            recompute_running(connection, account)
    assert [check.name for check in verify(database.dsn()).checks if not check.ok] == ["compensations"]


@pytest.mark.parametrize("kind", ["transfer", "inflow", "monitoring", "approval"])
def test_verify_finds_a_part_that_was_told_otherwise(kind: str, database: TestDatabase) -> None:
    with Scene(database.dsn()) as scene:
        scene.post(*FUNDED, step("monitoring.flagged"), approved("anna"))
        assert verify(database.dsn()).ok
    with tampering(database) as connection:
        connection.execute("ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_approval")
        sql(f"UPDATE ledger.subject_part SET told = told + (1::bigint << 40) WHERE kind = '{kind}'")(connection)
    assert [check.name for check in verify(database.dsn()).checks if not check.ok] == ["parts"]


# Sweeps -------------------------------------------------------------------------------------------


def sweep(number: int, rule: str = "daily") -> Message:
    name = f"s-{number}"
    return event("sweep.requested.v1", name, name, {"sweep_id": name, "rule": rule, "currency": "EUR"})


def sweeping(**rule: object) -> dict[str, object]:
    return {"sweeps": [{"name": "daily", "currency": "EUR", **rule}]}


def test_a_sweep_leaves_what_its_rule_keeps_and_what_holds_keep_back(shelf: Shelf) -> None:
    shelf.asks(**sweeping(**{"from": SELLER, "to": "control:CASH", "keep_minor": "30"}))
    shelf.post(captured("o-1", 100))
    shelf.post(placed("h-1", 20, of=SELLER))
    assert outcomes(shelf.post(sweep(1), sweep(2))) == ["POSTED", "RECORDED"]
    assert shelf.balances(SELLER, CASH) == [-50, -50]


def test_what_stands_on_the_debit_side_is_swept_from_there(shelf: Shelf) -> None:
    shelf.asks(**sweeping(**{"from": "control:PROCESSOR_CLEARING", "to": "control:CASH"}))
    shelf.post(captured("o-1", 100))
    assert outcomes(shelf.post(sweep(1), captured("o-2", 7), sweep(2))) == ["POSTED"] * 3
    assert shelf.balances(CLEARING, CASH) == [0, 107]


def test_a_sweep_of_another_currency_than_its_rule_is_refused(shelf: Shelf) -> None:
    shelf.asks(**sweeping(**{"from": SELLER, "to": "control:CASH"}))
    dollars = event("sweep.requested.v1", "s", "s", {"sweep_id": "s", "rule": "daily", "currency": "USD"})
    assert outcomes(shelf.post(dollars)) == ["CURRENCY_MISMATCH"]
