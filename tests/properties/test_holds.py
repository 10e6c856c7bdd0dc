"""Holds end where a few lines of plain Python say, in whatever batches their events come, expiries between them.

All are of one account, which may be overdrawn so far and no further, by what was captured and what is held together.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.demo.messages import Message
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_holds
from tests.support.databases import TestDatabase
from tests.support.postings import CHART, Scene, Worker, event

pytestmark = pytest.mark.postgres

IDS = ("h1", "h2", "h3")
NEVER = "9999-12-30T00:00:00Z"
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
BUYER = "wallet:buyer:1"
OVERDRAFT = 150
LIMITED = {
    "pattern": BUYER,
    "type": "liability",
    "limits": {"overdraft_minor": str(OVERDRAFT), "policy": "deny"},
}
CHART_WITH_LIMIT = {**CHART, "templates": [LIMITED, {"pattern": "wallet:seller:*", "type": "liability"}]}


@dataclass(frozen=True)
class Place:
    hold: str
    amount: int
    bps: int


@dataclass(frozen=True)
class Capture:
    hold: str
    amount: int
    final: bool


@dataclass(frozen=True)
class Release:
    hold: str


@dataclass(frozen=True)
class Expire:
    hold: str


Step = Place | Capture | Release | Expire
Sent = Place | Capture | Release


@dataclass
class Known:
    amount: int
    bps: int
    captured: int = 0
    released: int = 0
    status: str = "PLACED"

    @property
    def held(self) -> int:
        return max(self.amount - self.captured - self.released, 0)

    def close(self, status: str) -> None:
        self.released, self.status = self.released + self.held, status


@dataclass
class Model:
    """What should come of hold events, one at a time. Nothing of the product is in it."""

    holds: dict[str, Known] = field(default_factory=dict)
    waiting: dict[str, list[tuple[str, Sent]]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, sent: Sent) -> None:
        queue = self.waiting.setdefault(sent.hold, [])
        if queue and not isinstance(sent, Place):
            self.outcomes[name] = "ORDER_KEY_PARKED"
            queue.append((name, sent))
            return
        self.outcomes[name] = self.decide(sent)
        if self.outcomes[name] == "HOLD_UNKNOWN":
            queue.append((name, sent))
        while queue and sent.hold in self.holds:
            parked, waited = queue.pop(0)
            self.outcomes[parked] = self.decide(waited)

    def decide(self, sent: Sent) -> str:
        known = self.holds.get(sent.hold)
        if isinstance(sent, Place):
            if known is not None:
                return "HOLD_EXISTS"
            if self.used() + sent.amount > OVERDRAFT:
                return "INSUFFICIENT_AVAILABLE"
            self.holds[sent.hold] = Known(sent.amount, sent.bps)
            return "RECORDED"
        if known is None:
            return "HOLD_UNKNOWN"
        if known.status in ("CAPTURED", "RELEASED", "EXPIRED"):
            return f"HOLD_{known.status}"
        if isinstance(sent, Release):
            known.close("RELEASED")
            return "RECORDED"
        if known.captured + sent.amount > known.amount + known.amount * known.bps // 10_000:
            return "CAPTURE_EXCEEDS_HOLD"
        freed = known.held if sent.final else min(known.held, sent.amount)
        if sent.amount > freed and self.used() - freed + sent.amount > OVERDRAFT:
            return "LIMIT_MINIMUM"
        known.captured, known.status = known.captured + sent.amount, "PARTIALLY_CAPTURED"
        if sent.final or not known.held:
            known.close("CAPTURED")
        return "POSTED"

    def used(self) -> int:
        """What was taken of the account, and what is held of it."""
        return sum(known.captured + known.held for known in self.holds.values())

    def expire(self, hold: str) -> None:
        known = self.holds.get(hold)
        if known is not None and known.status in ("PLACED", "PARTIALLY_CAPTURED"):
            known.close("EXPIRED")


def message(name: str, sent: Sent, book: str) -> Message:
    data: dict[str, object] = {"hold_id": sent.hold}
    if isinstance(sent, Place):
        data |= {"account": BUYER, "amount_minor": str(sent.amount), "currency": "EUR", "expires_at": NEVER}
        data["capture_tolerance_bps"] = sent.bps
        return event("hold.placed.v1", sent.hold, name, data, book=book)
    if isinstance(sent, Capture):
        data |= {"to": [{"account": "wallet:seller:1", "amount_minor": str(sent.amount)}], "final": sent.final}
        return event("hold.captured.v1", sent.hold, name, data, book=book)
    return event("hold.released.v1", sent.hold, name, data, book=book)


@dataclass
class Run:
    """One stream in one book: an expiry ends a batch, and so does every place in `cuts`."""

    scene: Scene
    worker: Worker
    book: str

    def play(self, stream: Sequence[Step], cuts: set[int]) -> Model:
        with connect(self.scene.dsn, Role.POSTER) as connection:
            create_book(connection, self.book, CHART_WITH_LIMIT)
        model = Model()
        batch: list[Message] = []
        for place, step in enumerate(stream):
            if isinstance(step, Expire):
                self.send(batch)
                self.expire(step.hold)
                model.expire(step.hold)
            else:
                batch.append(message(f"e{place}", step, self.book))
                model.take(f"e{place}", step)
            if place in cuts:
                self.send(batch)
        self.send(batch)
        return model

    def send(self, batch: list[Message]) -> None:
        if batch:
            self.scene.topic.send(*batch)
            self.worker.work()
            batch.clear()

    def expire(self, hold: str) -> None:
        with connect(self.scene.dsn, Role.POSTER) as connection:
            row = connection.execute("SELECT book_id FROM ledger.book WHERE code = %s", (self.book,)).fetchone()
            assert row is not None
            expire_holds(connection, row[0], [hold], END_OF_TIME)

    def outcomes(self) -> dict[str, str]:
        return dict(self.scene.rows("""
            SELECT DISTINCT ON (inbox.event_id) inbox.event_id, CASE event.type
                WHEN 'voucher.posted' THEN 'POSTED' WHEN 'fact.recorded' THEN 'RECORDED'
                ELSE convert_from(event.state, 'UTF8')::jsonb ->> 'code' END
            FROM ledger.inbox JOIN ledger.block USING (book_id, batch_id) JOIN ledger.book USING (book_id)
            JOIN ledger.event ON event.book_id = inbox.book_id AND event.position = first_position + ordinal
            WHERE book.code = %s ORDER BY inbox.event_id, revision DESC""", self.book))  # fmt: skip

    def holds(self) -> dict[str, tuple[object, ...]]:
        return {row[0]: row[1:] for row in self.scene.rows("""
            SELECT hold_id, amount_minor, captured_minor, released_minor, status
            FROM ledger.hold JOIN ledger.book USING (book_id) WHERE book.code = %s""", self.book)}  # fmt: skip

    def buyer(self) -> tuple[int, int]:
        """Balance and what is held of it."""
        rows = self.scene.rows("""
            SELECT debits_posted - credits_posted, debits_pending FROM ledger.account_head
            JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
            WHERE book.code = %s AND account.code = %s""", self.book, BUYER)  # fmt: skip
        return rows[0] if rows else (0, 0)


Start = Callable[[], Run]


@pytest.fixture
def start(database: TestDatabase) -> Iterator[Start]:
    """Runs in books of their own, by one worker."""
    numbers = count()
    with Scene(database.dsn()) as scene:
        worker = scene.worker(0)
        yield lambda: Run(scene, worker, f"b{next(numbers)}")
        scene.assert_whole()


ids = st.sampled_from(IDS)
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.builds(Place, ids, st.sampled_from([1, 60, 100]), st.sampled_from([0, 0, 333, 1_000])),
        *[st.builds(Capture, ids, st.sampled_from([1, 30, 40, 60, 100, 110]), st.sampled_from([False, False, True]))]
        * 3,
        st.builds(Release, ids),
        st.builds(Expire, ids),
    ),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stream=steps, cuts=st.sets(st.integers(0, 25), max_size=10))
def test_holds_end_where_the_model_does(start: Start, stream: list[Step], cuts: set[int]) -> None:
    run = start()
    model = run.play(stream, cuts)
    assert run.outcomes() == model.outcomes
    assert run.holds() == {
        hold: (known.amount, known.captured, known.released, known.status) for hold, known in model.holds.items()
    }
    assert run.buyer() == (
        sum(known.captured for known in model.holds.values()),
        sum(known.held for known in model.holds.values()),
    )
