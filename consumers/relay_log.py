"""What the relay reads from the log, and its checkpoints in the database."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final, LiteralString, NamedTuple, cast

import psycopg

from consumers.ledger_messages import SealedBlock, encode_events
from consumers.transport.ports import Outgoing

STREAMED_EVENTS = 100
"""Rows taken from the connection at a time while the server goes on producing them."""

EventRow = tuple[int, int, str, str, bytes]
"""Position, voucher_no, type, order key, state."""


class Reached(NamedTuple):
    """How far a book's events are on their way, in which epoch of its log."""

    log_epoch: int
    position: int


@dataclass(frozen=True, slots=True)
class RelaySpan:
    """Events first..last of one book, and the checkpoint that the relay holds before them."""

    book_id: int
    book: str
    log_epoch: int
    first: int
    last: int
    checkpoint_epoch: int
    """Epoch that the stored checkpoint has; the position it must have is first - 1."""


@dataclass(slots=True)
class Chunk:
    """One round of the relay: its messages in position order per book, and what to do after their acks."""

    spans: list[RelaySpan] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)
    waiting: int = 0
    """Events committed by then that are not in this chunk."""
    last_in_turn: int = -1
    """The book to go on after in the next chunk."""

    def reached(self) -> dict[int, Reached]:
        """Where each book stands once this chunk is sent."""
        return {span.book_id: Reached(span.log_epoch, span.last) for span in self.spans}


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """Bounds of one round. A book with much news must not keep the others waiting."""

    of_one_book: int = 5_000
    of_all_books: int = 20_000
    of_bytes: int = 16 * 1024 * 1024
    """The chunk ends with the event whose state exceeds this; two chunks are in memory at a time."""


NEWS: Final[LiteralString] = """
SELECT
    book.book_id, book.code, book.log_epoch, book.position,
    coalesce(relayed.position, 0), coalesce(relayed.log_epoch, book.log_epoch)
FROM ledger.book
LEFT JOIN ledger.relay_checkpoint AS relayed ON relayed.book_id = book.book_id
WHERE book.position > coalesce(relayed.position, 0)
ORDER BY book.book_id
"""

BLOCKS: Final[LiteralString] = """
SELECT
    span.book_id, block.first_position, block.last_position, block.number, encode(block.hash, 'hex'),
    to_char(block.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS span (book_id, first, last, turn)
CROSS JOIN LATERAL (
    (
        SELECT * FROM ledger.block
        WHERE block.book_id = span.book_id AND block.last_position BETWEEN span.first AND span.last
    )
    UNION ALL
    (
        SELECT * FROM ledger.block
        WHERE block.book_id = span.book_id AND block.last_position > span.last
        ORDER BY block.last_position LIMIT 1
    )
) AS block
WHERE block.first_position <= span.last
ORDER BY span.turn, block.number
"""

EVENTS: Final[LiteralString] = """
SELECT event.position, event.voucher_no, event.type, event.order_key, event.state
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[]) WITH ORDINALITY AS span (book_id, first, last, turn)
CROSS JOIN LATERAL (
    SELECT * FROM ledger.event
    WHERE event.book_id = span.book_id AND event.position BETWEEN span.first AND span.last
) AS event
ORDER BY span.turn, event.position
"""

CREATE_CHECKPOINTS: Final[LiteralString] = """
INSERT INTO ledger.relay_checkpoint (book_id, position, log_epoch)
SELECT book_id, 0, log_epoch FROM unnest(%s::integer[], %s::integer[]) AS book (book_id, log_epoch)
ORDER BY book_id
ON CONFLICT DO NOTHING
"""

# Locked in a statement of its own, in key order: UPDATE ... FROM does not lock in order.
LOCK_CHECKPOINTS: Final[LiteralString] = """
SELECT FROM ledger.relay_checkpoint WHERE book_id = ANY(%s::integer[]) ORDER BY book_id FOR NO KEY UPDATE
"""

MOVE_CHECKPOINTS: Final[LiteralString] = """
UPDATE ledger.relay_checkpoint AS relayed SET position = moved.last, log_epoch = moved.log_epoch
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::integer[], %s::integer[])
    AS moved (book_id, first, last, log_epoch, checkpoint_epoch)
WHERE relayed.book_id = moved.book_id
    AND relayed.position = moved.first - 1 AND relayed.log_epoch = moved.checkpoint_epoch
RETURNING relayed.book_id
"""


class LogHasHole(Exception):
    """The store lacks events below a book's position: run verify. Nothing is published beyond a hole."""


def read_chunk(
    connection: psycopg.Connection,
    topic: str,
    *,
    ahead: Mapping[int, Reached],
    after_book: int,
    limits: ChunkLimits,
) -> Chunk:
    """The next events to publish, of books in turn from the one after `after_book`, in one snapshot.

    `ahead` tells what is being sent already. The connection is in REPEATABLE READ, outside a transaction.
    """
    with connection.transaction():
        chunk = _chunk_of_news(connection, ahead, after_book, limits)
        if chunk.spans:
            blocks = connection.execute(BLOCKS, _columns(chunk.spans), binary=True).fetchall()
            events = _read_events(connection, chunk.spans, limits.of_bytes)
            _cut(chunk, len(events))
            chunk.messages = list(_messages(topic, chunk.spans, blocks, events))
    return chunk


def _chunk_of_news(
    connection: psycopg.Connection, ahead: Mapping[int, Reached], after_book: int, limits: ChunkLimits
) -> Chunk:
    """A chunk without messages yet."""
    news = connection.execute(NEWS, binary=True).fetchall()
    in_turn = [row for row in news if row[0] > after_book] + [row for row in news if row[0] <= after_book]
    chunk = Chunk(last_in_turn=after_book)
    room = limits.of_all_books
    for book_id, code, log_epoch, position, relayed, checkpoint_epoch in in_turn:
        first, epoch_before = relayed + 1, checkpoint_epoch
        sending = ahead.get(book_id)
        if sending is not None and sending.log_epoch == log_epoch and sending.position >= first:
            first, epoch_before = sending.position + 1, log_epoch
        last = min(position, first - 1 + min(room, limits.of_one_book))
        if last >= first:
            chunk.spans.append(RelaySpan(book_id, code, log_epoch, first, last, epoch_before))
            chunk.last_in_turn = book_id
            room -= last - first + 1
        chunk.waiting += position - max(last, first - 1)
    return chunk


def _read_events(connection: psycopg.Connection, spans: Sequence[RelaySpan], max_bytes: int) -> list[EventRow]:
    """The events of all spans, or as many of them as fit."""
    events: list[EventRow] = []
    wanted = sum(span.last - span.first + 1 for span in spans)
    room = max_bytes
    with connection.cursor() as cursor:
        rows = cast("Generator[EventRow]", cursor.stream(EVENTS, _columns(spans), binary=True, size=STREAMED_EVENTS))
        with closing(rows):
            for row in rows:
                events.append(row)
                room -= len(row[-1])
                if room < 0:
                    return events
    if len(events) != wanted:
        raise LogHasHole(f"{wanted - len(events)} events are missing in books {_names(spans)}")
    return events


def _columns(spans: Sequence[RelaySpan]) -> tuple[list[int], list[int], list[int]]:
    return [span.book_id for span in spans], [span.first for span in spans], [span.last for span in spans]


def _names(spans: Sequence[RelaySpan]) -> str:
    return ", ".join(span.book for span in spans)


def _cut(chunk: Chunk, events: int) -> None:
    """Shorten the spans, which are in turn, to the number of events that were read."""
    kept: list[RelaySpan] = []
    for span in chunk.spans:
        wanted = span.last - span.first + 1
        taken = min(wanted, events)
        events -= taken
        chunk.waiting += wanted - taken
        if taken:
            kept.append(replace(span, last=span.first + taken - 1))
    chunk.spans = kept
    chunk.last_in_turn = kept[-1].book_id if kept else chunk.last_in_turn


def _messages(
    topic: str,
    spans: Sequence[RelaySpan],
    blocks: Sequence[tuple[int, int, int, int, str, str]],
    events: Sequence[EventRow],
) -> Iterator[Outgoing]:
    """Blocks and events are in the order of the spans and of positions, so they are walked side by side."""
    of_book = {span.book_id: span for span in spans}
    at = 0
    for book_id, first_position, last_position, number, hash_hex, recorded_at in blocks:
        span = of_book.get(book_id)
        if span is None or first_position > span.last:
            continue  # the chunk was cut before this block
        count = min(last_position, span.last) - max(first_position, span.first) + 1
        part = events[at : at + count]
        if len(part) != count or part[-1][0] != min(last_position, span.last):
            raise LogHasHole(f"events of book {span.book} are missing in block {number}")
        block = SealedBlock(span.book, span.log_epoch, number, hash_hex, recorded_at)
        yield from encode_events(topic, block, part)
        at += count
    if at != sum(span.last - span.first + 1 for span in spans):
        raise LogHasHole(f"blocks of books {_names(spans)} do not cover their events")


def move_checkpoints(connection: psycopg.Connection, spans: Sequence[RelaySpan]) -> set[int]:
    """Compare and set; returns the books whose checkpoint had been moved by another relay."""
    books = [span.book_id for span in spans]
    epochs = [span.log_epoch for span in spans]
    with connection.transaction():
        locked = connection.execute(LOCK_CHECKPOINTS, (books,)).rowcount
        if locked < len(books):
            connection.execute(CREATE_CHECKPOINTS, (books, epochs))
        moved = connection.execute(
            MOVE_CHECKPOINTS,
            (
                books,
                [span.first for span in spans],
                [span.last for span in spans],
                epochs,
                [span.checkpoint_epoch for span in spans],
            ),
        )
        return set(books) - {book_id for (book_id,) in moved}
