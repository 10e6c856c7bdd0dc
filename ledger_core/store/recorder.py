"""The recorder of eventsourcing over the ledger's own log: one per book, one log for aggregates and vouchers.

A notification's id is the event's position in its book. Notifications list the events of aggregates only:
a voucher has no originator, and who follows the whole log reads positions or the `ledger.events` topic.
The ids rise in commit order, because a book is serial from its lock to COMMIT; they have gaps where other
events stand.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)
from psycopg.rows import class_row

from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.mapper import LoggedEvent

Transactions = Callable[[], AbstractContextManager[psycopg.Connection]]
"""Opens a transaction that commits at the end and rolls back on an error, such as a pool's `connection`."""

_LOGGED_EVENT: Final = """
SELECT event.position AS id, event.originator_id, event.originator_version, event.type AS topic, event.state,
       block.recorded_at
FROM ledger.event CROSS JOIN LATERAL (
    SELECT recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) block
WHERE event.book_id = %(book_id)s"""

_OF_ONE_AGGREGATE: Final = """
AND event.originator_id = %(originator_id)s
AND (%(gt)s::integer IS NULL OR event.originator_version > %(gt)s)
AND (%(lte)s::integer IS NULL OR event.originator_version <= %(lte)s)"""

SELECT_EVENTS: Final = _LOGGED_EVENT + _OF_ONE_AGGREGATE + " ORDER BY event.originator_version LIMIT %(limit)s"
SELECT_EVENTS_LAST_FIRST: Final = (
    _LOGGED_EVENT + _OF_ONE_AGGREGATE + " ORDER BY event.originator_version DESC LIMIT %(limit)s"
)

SELECT_NOTIFICATIONS: Final = (
    _LOGGED_EVENT
    + """
AND event.originator_id IS NOT NULL AND event.position >= %(first)s
AND (%(stop)s::bigint IS NULL OR event.position <= %(stop)s)
AND (%(topics)s::text[] = '{}' OR event.type = ANY (%(topics)s))
ORDER BY event.position LIMIT %(limit)s"""
)

MAX_NOTIFICATION_ID: Final = """
SELECT position FROM ledger.event WHERE book_id = %s AND originator_id IS NOT NULL
ORDER BY position DESC LIMIT 1"""


class LedgerRecorder(ApplicationRecorder):
    """Records and reads the aggregate events of one book.

    Never retries: after a lost connection a second insert would report a conflict with itself.
    """

    def __init__(self, transactions: Transactions, book_id: int, *, poll_interval_seconds: float = 0.2) -> None:
        self.book_id = book_id
        self._transactions = transactions
        self._poll_interval_seconds = poll_interval_seconds
        self._open = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """One transaction for everything this thread does inside; what is nested joins it.

        So a command locks its rows, reads its aggregate and saves it in one transaction.
        """
        joined: psycopg.Connection | None = getattr(self._open, "connection", None)
        if joined is not None:
            yield joined
            return
        with self._transactions() as connection:
            self._open.connection = connection
            try:
                yield connection
            finally:
                del self._open.connection

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Append the events as one block; the answer is their positions, None for no events.

        Raises IntegrityError when a version of an aggregate is taken; the transaction is then lost.
        """
        if not stored_events:
            return None
        try:
            with self.transaction() as connection:
                return list(append_events(connection, self.book_id, [_new_event(e) for e in stored_events]))
        except psycopg.errors.UniqueViolation as error:
            if error.diag.constraint_name == "event_originator":
                raise IntegrityError("another writer recorded this version of the aggregate first") from error
            raise

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        parameters = {
            "book_id": self.book_id,
            "originator_id": originator_id,
            "gt": gt,
            "lte": lte,
            "limit": limit,
        }
        with (
            self.transaction() as connection,
            connection.cursor(row_factory=class_row(LoggedEvent)) as cursor,
        ):
            return cursor.execute(SELECT_EVENTS_LAST_FIRST if desc else SELECT_EVENTS, parameters).fetchall()

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        parameters = {
            "book_id": self.book_id,
            "first": (start or 0) + (0 if inclusive_of_start else 1),
            "stop": stop,
            "topics": list(topics),
            "limit": limit,
        }
        with (
            self.transaction() as connection,
            connection.cursor(row_factory=class_row(LoggedEvent)) as cursor,
        ):
            return cursor.execute(SELECT_NOTIFICATIONS, parameters).fetchall()

    def max_notification_id(self) -> int | None:
        with self.transaction() as connection:
            row = connection.execute(MAX_NOTIFICATION_ID, (self.book_id,)).fetchone()
        return row[0] if row else None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Notifications after `gt` as they come; by polling, for posting transactions notify nobody."""
        return PollingSubscription(self, gt, topics, self._poll_interval_seconds)


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Blocks until there is a next notification; `stop` ends the wait at once."""

    SELECT_LIMIT = 500

    def __init__(
        self,
        recorder: ApplicationRecorder,
        gt: int | None,
        topics: Sequence[str],
        poll_interval_seconds: float,
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._poll_interval_seconds = poll_interval_seconds
        self._stopped = threading.Event()
        self._ready: Iterator[Notification] = iter(())

    def stop(self) -> None:
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            notification = next(self._ready, None)
            if notification is not None:
                self._last_notification_id = notification.id
                return notification
            found = self._recorder.select_notifications(
                self._last_notification_id, self.SELECT_LIMIT, topics=self._topics, inclusive_of_start=False
            )
            self._ready = iter(found)
            if not found:
                self._stopped.wait(self._poll_interval_seconds)
        raise StopIteration


def _new_event(stored_event: StoredEvent) -> NewEvent:
    originator_id = stored_event.originator_id
    return NewEvent(
        type=stored_event.topic,
        state=stored_event.state,
        originator_id=originator_id if isinstance(originator_id, UUID) else UUID(originator_id),
        originator_version=stored_event.originator_version,
    )
