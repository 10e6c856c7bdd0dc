"""What the publisher reads of the stored webhooks, and what it writes about them.

Numbers of a feed are gapless and in commit order, so everything after `published` is everything that is waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, LiteralString

import psycopg
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from consumers.webhooks.mapping import Processed


@dataclass(frozen=True, slots=True)
class Feed:
    """The webhooks of one endpoint of one book."""

    book_id: int
    book: str
    endpoint: str
    processor: str


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """One webhook, to be published for the first time (attempt 1) or again."""

    number: int
    attempt: int
    body: bytes


@dataclass(slots=True)
class Chunk:
    """Webhooks of one feed, in their order. `replay`: asked for again, and the feed's place is not involved."""

    feed: Feed
    replay: bool
    webhooks: list[StoredWebhook] = field(default_factory=list)
    waiting: int = 0
    """Webhooks of the feed that are not in this chunk."""


CHUNK_WEBHOOKS: Final = 200
CHUNK_BYTES: Final = 8 * 1024 * 1024

NEWS: Final[LiteralString] = """
    SELECT feed.book_id, directory.code, feed.endpoint, feed.processor, feed.published, feed.received
    FROM webhook.feed JOIN ledger.book_directory AS directory USING (book_id)
    WHERE feed.published < feed.received ORDER BY feed.book_id, feed.endpoint
"""
WEBHOOKS: Final[LiteralString] = """
    SELECT number, body FROM (
        SELECT number, body, sum(octet_length(body)) OVER (ORDER BY number) - octet_length(body) AS bytes_before
        FROM webhook.received
        WHERE book_id = %s AND endpoint = %s AND number > %s AND number <= %s
    ) AS chunk
    WHERE bytes_before < %s ORDER BY number
"""
REPLAYS: Final[LiteralString] = """
    SELECT replay.book_id, directory.code, replay.endpoint, feed.processor, replay.number, replay.attempt, received.body
    FROM webhook.replay
    JOIN ledger.book_directory AS directory USING (book_id)
    JOIN webhook.feed USING (book_id, endpoint)
    JOIN webhook.received USING (book_id, endpoint, number)
    WHERE NOT replay.done AND replay.number <= feed.published
    ORDER BY replay.book_id, replay.endpoint, replay.number, replay.attempt LIMIT %s
"""
LOCK_FEED: Final[LiteralString] = """
    SELECT published FROM webhook.feed WHERE book_id = %s AND endpoint = %s FOR NO KEY UPDATE
"""
MOVE_FEED: Final[LiteralString] = "UPDATE webhook.feed SET published = %s WHERE book_id = %s AND endpoint = %s"
FINISH_REPLAY: Final[LiteralString] = """
    UPDATE webhook.replay SET done = true
    WHERE book_id = %s AND endpoint = %s AND number = %s AND attempt = %s AND NOT done
"""
INSERT: Final[LiteralString] = """
    INSERT INTO webhook.processed (book_id, endpoint, number, attempt, outcome, code, detail, events)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
SCALES: Final[LiteralString] = "SELECT code, scale FROM ledger.asset"


def read_scales(connection: psycopg.Connection) -> Mapping[str, int]:
    """Digits of the ledger's assets, by code."""
    return dict(connection.execute(SCALES).fetchall())


def read_chunks(connection: psycopg.Connection) -> list[Chunk]:
    """What is waiting: of each feed its next webhooks, then what somebody asked for again. Autocommit."""
    chunks = []
    for book_id, book, endpoint, processor, published, received in connection.execute(NEWS).fetchall():
        last = min(received, published + CHUNK_WEBHOOKS)
        bounds = (book_id, endpoint, published, last, CHUNK_BYTES)
        found = [StoredWebhook(number, 1, body) for number, body in connection.execute(WEBHOOKS, bounds)]
        waiting = received - published - len(found)
        chunks.append(Chunk(Feed(book_id, book, endpoint, processor), False, found, waiting))
    return chunks + _read_replays(connection)


def _read_replays(connection: psycopg.Connection) -> list[Chunk]:
    chunks: dict[Feed, Chunk] = {}
    for book_id, book, endpoint, processor, number, attempt, body in connection.execute(REPLAYS, (CHUNK_WEBHOOKS,)):
        feed = Feed(book_id, book, endpoint, processor)
        chunks.setdefault(feed, Chunk(feed, True)).webhooks.append(StoredWebhook(number, attempt, body))
    return list(chunks.values())


def settle(connection: psycopg.Connection, chunk: Chunk, processed: Sequence["Processed"]) -> bool:
    """Writes what became of a chunk; False when another publisher was faster, and nothing is written then."""
    with connection.transaction():
        return _settle_replays(connection, chunk, processed) if chunk.replay else _settle(connection, chunk, processed)


def _settle(connection: psycopg.Connection, chunk: Chunk, processed: Sequence["Processed"]) -> bool:
    feed = chunk.feed
    row = connection.execute(LOCK_FEED, (feed.book_id, feed.endpoint)).fetchone()
    if row is None or row[0] != chunk.webhooks[0].number - 1:
        return False
    _insert(connection, feed, processed)
    connection.execute(MOVE_FEED, (chunk.webhooks[-1].number, feed.book_id, feed.endpoint))
    return True


def _settle_replays(connection: psycopg.Connection, chunk: Chunk, processed: Sequence["Processed"]) -> bool:
    feed = chunk.feed
    ours = []
    for one in processed:
        place = (feed.book_id, feed.endpoint, one.webhook.number, one.webhook.attempt)
        if connection.execute(FINISH_REPLAY, place).rowcount:
            ours.append(one)
    _insert(connection, feed, ours)
    return bool(ours)


def _insert(connection: psycopg.Connection, feed: Feed, processed: Sequence["Processed"]) -> None:
    rows = [
        (
            feed.book_id, feed.endpoint, one.webhook.number, one.webhook.attempt, one.outcome, one.code, one.detail,
            Jsonb(list(one.events)),
        )
        for one in processed
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)
