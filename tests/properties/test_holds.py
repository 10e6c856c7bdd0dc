"""Holds end where a few lines of plain Python say, in whatever batches their events come, expiries between them.

All are of one account, which may be overdrawn so far and no further, by what was captured and what is held together.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deploy.demo.messages import Message
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_holds
from tests.models.holds import OVERDRAFT, Capture, Expire, Model, Place, Release, Sent, Step
from tests.support.databases import TestDatabase
from tests.support.postings import CHART, event
from tests.support.streams import Stream, streams

pytestmark = pytest.mark.postgres

IDS = ("h1", "h2", "h3")
NEVER = "9999-12-30T00:00:00Z"
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
BUYER = "wallet:buyer:1"
LIMITED = {
    "pattern": BUYER,
    "type": "liability",
    "limits": {"overdraft_minor": str(OVERDRAFT), "policy": "deny"},
}
CHART_WITH_LIMIT = {**CHART, "templates": [LIMITED, {"pattern": "wallet:seller:*", "type": "liability"}]}


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


class Run(Stream):
    """An expiry ends a batch, and so does every place in `cuts`."""

    def play(self, stream: Sequence[Step], cuts: set[int]) -> Model:
        with connect(self.scene.dsn, Role.POSTER) as connection:
            create_book(connection, self.book, CHART_WITH_LIMIT)
        model = Model()
        for place, step in enumerate(stream):
            if isinstance(step, Expire):
                self.end_batch(model)
                self.expire(step.hold)
                model.expire(step.hold)
            else:
                self.batch.append(message(f"e{place}", step, self.book))
                model.take(f"e{place}", step)
            if place in cuts:
                self.end_batch(model)
        self.end_batch(model)
        return model

    def end_batch(self, model: Model) -> None:
        self.send()
        model.end_batch()

    def expire(self, hold: str) -> None:
        with connect(self.scene.dsn, Role.POSTER) as connection:
            row = connection.execute("SELECT book_id FROM ledger.book WHERE code = %s", (self.book,)).fetchone()
            assert row is not None
            expire_holds(connection, row[0], [hold], END_OF_TIME)

    def holds(self) -> dict[str, tuple[object, ...]]:
        return {row[0]: row[1:] for row in self.rows("""
            SELECT hold_id, amount_minor, captured_minor, released_minor, status
            FROM ledger.hold JOIN ledger.book USING (book_id) WHERE book.code = %s""")}  # fmt: skip

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
    with streams(database.dsn(), Run) as begin:
        yield begin


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
@example(stream=[Release("h1"), Place("h1", 100, 0), Place("h2", 60, 0)], cuts=set())
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
