"""Our recorder passes the tests that eventsourcing has for recorders, and keeps the ledger's promises."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase
from psycopg_pool import ConnectionPool

from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.connection import Role
from ledger_core.store.recorder import LedgerRecorder, Transactions
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.postgres

BOOK = 7
NEW_BOOK = """
WITH named AS (INSERT INTO ledger.book_directory (code, book_id) VALUES ('recorded', 7))
INSERT INTO ledger.book (book_id, code, chart_version) VALUES (7, 'recorded', 1)"""


@pytest.fixture
def transactions(database: TestDatabase) -> Iterator[Transactions]:
    """A pool as the poster, and an empty book: notifications begin at 1, as eventsourcing's tests expect."""
    pool = ConnectionPool(database.dsn(Role.POSTER), min_size=1, max_size=14, open=True)
    with pool:
        with pool.connection() as connection:
            connection.execute(NEW_BOOK)
        yield pool.connection


@pytest.fixture
def recorder(transactions: Transactions) -> LedgerRecorder:
    return LedgerRecorder(transactions, BOOK, poll_interval_seconds=0.01)


class TestEventsourcingsOwnTests(ApplicationRecorderTestCase[LedgerRecorder]):
    """Ten writers at once, conflicts, ranges, topics, subscriptions: as that library tests its own."""

    @pytest.fixture(autouse=True)
    def _given(self, recorder: LedgerRecorder) -> None:
        self.recorder = recorder

    def create_recorder(self) -> LedgerRecorder:
        return self.recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


def stored(version: int = 1, originator_id: Any = None, topic: str = "account.opened") -> StoredEvent:
    return StoredEvent(originator_id or uuid4(), version, topic, b'{"code":"a"}')


def test_positions_are_shared_with_events_that_have_no_originator(
    recorder: LedgerRecorder, transactions: Transactions
) -> None:
    with transactions() as connection:
        append_events(connection, BOOK, [NewEvent("voucher.posted", b"{}"), NewEvent("fact.recorded", b"{}")])
    assert recorder.insert_events([stored()]) == [3]
    with transactions() as connection:
        append_events(connection, BOOK, [NewEvent("event.parked", b"{}")])
    assert recorder.insert_events([stored(), stored()]) == [5, 6]

    assert [notification.id for notification in recorder.select_notifications(None, 10)] == [3, 5, 6]
    assert recorder.max_notification_id() == 6


def test_an_event_carries_the_time_of_its_block(recorder: LedgerRecorder, transactions: Transactions) -> None:
    event = stored()
    recorder.insert_events([event])
    with transactions() as connection:
        row = connection.execute("SELECT recorded_at FROM ledger.block").fetchone()
    assert row is not None
    assert getattr(recorder.select_events(event.originator_id)[0], "recorded_at", None) == row[0]


def test_a_taken_version_writes_neither_its_events_nor_a_block(
    recorder: LedgerRecorder, transactions: Transactions
) -> None:
    event = stored()
    recorder.insert_events([event])
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(), stored(1, event.originator_id)])
    with transactions() as connection:
        counts = connection.execute("SELECT position, block_number FROM ledger.book WHERE book_id = 7").fetchone()
    assert counts == (1, 1)


def test_what_a_transaction_wrote_is_seen_inside_it_and_gone_after_its_rollback(
    recorder: LedgerRecorder,
) -> None:
    event = stored()
    with recorder.transaction() as connection:
        recorder.insert_events([event])
        assert len(recorder.select_events(event.originator_id)) == 1
        connection.rollback()
    assert recorder.select_events(event.originator_id) == []
    assert recorder.max_notification_id() is None


def test_another_books_events_do_not_show(recorder: LedgerRecorder, transactions: Transactions) -> None:
    event = stored()
    recorder.insert_events([event])
    other = LedgerRecorder(transactions, 0)
    assert other.select_events(event.originator_id) == []
    assert other.select_notifications(None, 10) == []


def test_an_unknown_book_is_refused(transactions: Transactions) -> None:
    with pytest.raises(LookupError, match="book 99 does not exist"):
        LedgerRecorder(transactions, 99).insert_events([stored()])


def test_a_conflict_of_any_other_kind_is_not_called_a_version_conflict(
    recorder: LedgerRecorder, transactions: Transactions
) -> None:
    with transactions() as connection:
        # A book whose counter was set back by hand would issue position 1 again.
        append_events(connection, BOOK, [NewEvent("book.created", b"{}")])
        connection.execute("UPDATE ledger.book SET position = 0, block_number = 0 WHERE book_id = 7")
    with pytest.raises(psycopg.errors.UniqueViolation):
        recorder.insert_events([stored()])
