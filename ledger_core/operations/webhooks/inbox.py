"""Stores webhooks before they are answered: what was acknowledged is durable, in order, and masked.

The number of a webhook is given under the lock of its feed, which is held to COMMIT: numbers are gapless and in commit
order. A webhook that came before is found by the processor's own id of it, counted and dropped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger_core.operations.webhooks.health import Aspect, change_health
from ledger_core.store.connection import PASSING, Role, dsn_for_role
from schemas.card_data import Keeps, by_name, mask_document
from schemas.events.members import keeps_of_event

BOOK: Final[LiteralString] = "SELECT book_id FROM ledger.book_directory WHERE code = %s AND book_id > 0"
CREATE_FEED: Final[LiteralString] = """
    INSERT INTO webhook.feed (book_id, endpoint, processor) VALUES (%s, %s, %s)
    ON CONFLICT (book_id, endpoint) DO NOTHING
"""
LOCK_FEED: Final[LiteralString] = """
    SELECT received, processor FROM webhook.feed WHERE book_id = %s AND endpoint = %s FOR NO KEY UPDATE
"""
PROCESSOR: Final[LiteralString] = "SELECT processor FROM webhook.feed WHERE book_id = %s AND endpoint = %s"
KNOWN: Final[LiteralString] = """
    SELECT event_id, number FROM webhook.received WHERE book_id = %s AND endpoint = %s AND event_id = ANY(%s::text[])
"""
INSERT: Final[LiteralString] = """
    INSERT INTO webhook.received (book_id, endpoint, number, event_id, type, masked, body)
    SELECT %s, %s, new.* FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::integer[], %s::bytea[]) AS new
"""
DROP_DUPLICATE: Final[LiteralString] = """
    INSERT INTO webhook.duplicate (book_id, endpoint, number, copy)
    SELECT %(book_id)s, %(endpoint)s, %(number)s, coalesce(max(copy), 1) + 1 FROM webhook.duplicate
    WHERE book_id = %(book_id)s AND endpoint = %(endpoint)s AND number = %(number)s
"""
MOVE_FEED: Final[LiteralString] = "UPDATE webhook.feed SET received = %s WHERE book_id = %s AND endpoint = %s"


CLOUD_EVENTS: Final = "cloudevents"
"""The processor of endpoints whose webhooks are events of ours, as one's own services send them."""


class InboxError(Exception):
    """A webhook is not stored, so it must not be acknowledged; the text names no secret.

    InboxUnavailableError, BookAbsentError, FeedDiffersError
    """


class InboxUnavailableError(InboxError):
    """The store can't be reached now: the processor will send again."""


class BookAbsentError(InboxError):
    """The endpoint's book does not exist yet."""


class FeedDiffersError(InboxError):
    """Webhooks of another processor were stored under this endpoint before."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Where the webhooks of an endpoint are kept."""

    book: str
    endpoint: str
    processor: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook as it came: a JSON document, the processor's id of it, and its type."""

    event_id: str
    event_type: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """Where it stands: it, or the first of its kind."""

    number: int
    duplicate: bool


def open_inbox_pool(dsn: str, *, size: int, wait_seconds: float, timeout_ms: int) -> ConnectionPool:
    """Connections as the inbox's role; opened, but it does not wait for the server. Their commits are durable."""
    options = str(conninfo_to_dict(dsn).get("options") or "")
    options += f" -c synchronous_commit=on -c lock_timeout={timeout_ms} -c statement_timeout={timeout_ms}"
    pool = ConnectionPool(
        dsn_for_role(make_conninfo(dsn, options=options.strip()), Role.INBOX),
        min_size=1,
        max_size=size,
        timeout=wait_seconds,
        check=ConnectionPool.check_connection,
        kwargs={"application_name": "ledger-webhooks"},
        open=False,
    )
    pool.open(wait=False)
    return pool


class WebhookInbox:
    """Stores webhooks of any feed. Safe to use from several threads."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._book_ids: dict[Feed, int] = {}

    def store(self, feed: Feed, webhooks: Sequence[Webhook]) -> list[Stored]:
        """Durable when it returns, all or none. Raises `InboxError`."""
        with self._transaction() as connection:
            book_id = self._enter(connection, feed)
            received = _lock(connection, feed, book_id)
            known = _known(connection, feed, book_id, webhooks)
            stored: list[Stored] = []
            new: list[tuple[int, Webhook]] = []
            for webhook in webhooks:
                number = known.get(webhook.event_id)
                stored.append(Stored(number or received + len(new) + 1, number is not None))
                if number is None:
                    known[webhook.event_id] = received + len(new) + 1
                    new.append((known[webhook.event_id], webhook))
            _insert(connection, feed, book_id, new)
            for one in stored:
                if one.duplicate:
                    place = {"book_id": book_id, "endpoint": feed.endpoint, "number": one.number}
                    connection.execute(DROP_DUPLICATE, place)
            if new:
                connection.execute(MOVE_FEED, (received + len(new), book_id, feed.endpoint))
        self._book_ids[feed] = book_id
        return stored

    def report_health(self, feed: Feed, aspect: Aspect, *, healthy: bool, reason: str = "") -> bool:
        """Says how an endpoint does; True when that has changed. Raises `InboxError`."""
        with self._transaction() as connection:
            book_id = self._enter(connection, feed)
            return change_health(connection, book_id, feed.endpoint, aspect, healthy=healthy, reason=reason)

    def check(self, feeds: Sequence[Feed]) -> dict[str, str]:
        """What keeps these from storing, by endpoint. Raises `InboxUnavailableError` when nothing can be stored."""
        faults: dict[str, str] = {}
        with self._transaction() as connection:
            connection.execute(BOOK, ("",))
            for feed in feeds:
                row = connection.execute(BOOK, (feed.book,)).fetchone()
                if row is None:
                    faults[feed.endpoint] = f"there is no book {feed.book}"
                    continue
                held = connection.execute(PROCESSOR, (row[0], feed.endpoint)).fetchone()
                if held is not None and held[0] != feed.processor:
                    faults[feed.endpoint] = f"endpoint {feed.endpoint} holds webhooks of {held[0]}"
        return faults

    @contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        try:
            with self._pool.connection() as connection, connection.transaction():
                yield connection
        except (PoolTimeout, *PASSING) as error:
            raise InboxUnavailableError("the store cannot be reached") from error

    def _enter(self, connection: psycopg.Connection, feed: Feed) -> int:
        """The book's id, with the feed's row in place."""
        book_id = self._book_ids.get(feed)
        if book_id is None:
            row = connection.execute(BOOK, (feed.book,)).fetchone()
            if row is None:
                raise BookAbsentError(f"there is no book {feed.book}")
            book_id = int(row[0])
            connection.execute(CREATE_FEED, (book_id, feed.endpoint, feed.processor))
        return book_id


def _lock(connection: psycopg.Connection, feed: Feed, book_id: int) -> int:
    row = connection.execute(LOCK_FEED, (book_id, feed.endpoint)).fetchone()
    assert row is not None  # entered before
    if row[1] != feed.processor:
        raise FeedDiffersError(f"endpoint {feed.endpoint} holds webhooks of {row[1]}")
    return int(row[0])


def _known(connection: psycopg.Connection, feed: Feed, book_id: int, webhooks: Sequence[Webhook]) -> dict[str, int]:
    """In a statement of its own, after the lock: it must see what it waited for."""
    event_ids = [webhook.event_id for webhook in webhooks]
    return dict(connection.execute(KNOWN, (book_id, feed.endpoint, event_ids)).fetchall())


def _insert(connection: psycopg.Connection, feed: Feed, book_id: int, new: Sequence[tuple[int, Webhook]]) -> None:
    """Nothing of a document is written but what is left of it after the masking."""
    if not new:
        return
    masked = [mask_document(webhook.document, _keeps(feed, webhook)) for _, webhook in new]
    columns = (
        [number for number, _ in new],
        [webhook.event_id for _, webhook in new],
        [webhook.event_type for _, webhook in new],
        [one.values for one in masked],
        [one.document for one in masked],
    )
    connection.execute(INSERT, (book_id, feed.endpoint, *columns))


def _keeps(feed: Feed, webhook: Webhook) -> Keeps:
    """Events of ours keep their order keys and account codes, which their schema knows; processors' go by names."""
    return keeps_of_event(webhook.event_type) if feed.processor == CLOUD_EVENTS else by_name
