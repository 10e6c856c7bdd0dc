"""Append events that are no vouchers: a locked book, a block, its events.

The recorder, account opening and book creation write through here; the posting transaction writes its own
blocks, by the same functions of `blocks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg

from ledger_core.store.blocks import block_hash, leaf_hash, leaf_marks, merkle_root

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

LOCK_BOOK: Final = """
SELECT position, block_number, block_hash, greatest(recorded_at, clock_timestamp())
FROM ledger.book WHERE book_id = %s FOR NO KEY UPDATE"""

RAISE_BOOK: Final = """
UPDATE ledger.book SET position = %s, block_number = %s, block_hash = %s, recorded_at = %s
WHERE book_id = %s"""

INSERT_BLOCK: Final = """
INSERT INTO ledger.block
    (book_id, number, batch_id, first_position, last_position, recorded_at, merkle_root, previous_hash, hash,
     leaf_marks)
VALUES (%s, %s, coalesce(%s, nextval('ledger.batch_id')), %s, %s, %s, %s, %s, %s, %s)"""

COPY_EVENTS: Final = """
COPY ledger.event (book_id, position, originator_version, originator_id, type, order_key, state)
FROM STDIN (FORMAT BINARY)"""


@dataclass(slots=True, frozen=True)
class NewEvent:
    """An event on its way into a book's log. Its position comes from the book, its time from the block.

    `originator_id` and `originator_version` are set for events of aggregates only.
    """

    type: str
    state: bytes
    order_key: str = ""
    originator_id: UUID | None = None
    originator_version: int | None = None


class BookMissingError(LookupError):
    """There is no book of this id: nothing was written."""


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970-01-01 UTC; exact, no float on the way."""
    return (moment - EPOCH) // _MICROSECOND


def instant(moment_us: int) -> datetime:
    """The moment that many whole microseconds after 1970-01-01 UTC."""
    return EPOCH + moment_us * _MICROSECOND


def append_events(
    connection: psycopg.Connection, book_id: int, events: Sequence[NewEvent], batch_id: int | None = None
) -> range:
    """Append one block of events to a book, inside the caller's transaction; the answer is their positions.

    Locks the book until COMMIT. Heads that the events are about must have been locked before (lock order:
    heads, then books). Nothing is written for no events.
    """
    if not events:
        return range(0)
    leaves = [leaf_hash(e.type, e.order_key, e.originator_id, e.originator_version, e.state) for e in events]
    root = merkle_root(leaves)
    with connection.cursor() as cursor:
        # From here to COMMIT the book is serial.
        book = cursor.execute(LOCK_BOOK, (book_id,), binary=True).fetchone()
        if book is None:
            raise BookMissingError(f"book {book_id} does not exist")
        position, block_number, previous_hash, recorded_at = book
        positions = range(position + 1, position + 1 + len(events))
        first, last = positions[0], positions[-1]
        sealed = block_hash(previous_hash, root, book_id, first, last, microseconds(recorded_at))
        cursor.execute(RAISE_BOOK, (last, block_number + 1, sealed, recorded_at, book_id))
        hashes = (root, previous_hash, sealed, leaf_marks(leaves))
        cursor.execute(INSERT_BLOCK, (book_id, block_number + 1, batch_id, first, last, recorded_at, *hashes))
        with cursor.copy(COPY_EVENTS) as copy:
            copy.set_types(["int4", "int8", "int4", "uuid", "text", "text", "bytea"])
            for place, event in zip(positions, events, strict=True):
                originator = (event.originator_version, event.originator_id)
                copy.write_row((book_id, place, *originator, event.type, event.order_key, event.state))
    return positions
