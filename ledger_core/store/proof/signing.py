"""Signs checkpoints and keeps them: a row, and an event in the log, which the relay publishes with the rest."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import orjson
import psycopg

from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.blocks import ZERO_HASH, block_hash
from ledger_core.store.named_sql import load_queries
from ledger_core.store.proof.block_tree import Frontier
from ledger_core.store.proof.checkpoint import Checkpoint, SignedCheckpoint
from ledger_core.store.proof.notes import PublicKey, SigningKey

CHECKPOINT_SIGNED: Final = "checkpoint.signed"
QUERIES: Final = load_queries("ledger_core.store.proof", "proof.sql")
BLOCKS_AT_ONCE: Final = 10_000


class BrokenChainError(Exception):
    """The blocks do not follow each other as they should: nothing is signed. Run verify."""


@dataclass(slots=True, frozen=True)
class StoredCheckpoint:
    """A signed checkpoint as it is kept, with what the next one goes on from."""

    signed: SignedCheckpoint
    frontier: bytes
    event_position: int


class _End(NamedTuple):
    book_id: int
    checkpoint: Checkpoint


def checkpoint_state(signed: SignedCheckpoint) -> bytes:
    """State of the event that publishes a checkpoint."""
    checkpoint = signed.checkpoint
    return orjson.dumps({
        "block_number": checkpoint.block_number, "position": checkpoint.position, "key": signed.key.label,
        "note": signed.note,
    })  # fmt: skip


def signed_checkpoints(
    connection: psycopg.Connection[Any], book: str, *, from_block: int = 1, limit: int | None = None
) -> list[StoredCheckpoint]:
    """Signed checkpoints that hold this block, first to last."""
    parameters = {"book": book, "from_block": from_block, "limit": limit}
    rows = connection.execute(QUERIES["signed_checkpoints"], parameters, binary=True)
    return [_stored(row) for row in rows]


def last_signed_checkpoint(connection: psycopg.Connection[Any], book: str) -> StoredCheckpoint | None:
    """The latest signed checkpoint of a book."""
    row = connection.execute(QUERIES["last_signed_checkpoint"], (book,), binary=True).fetchone()
    return _stored(row) if row else None


def _stored(row: tuple[Any, ...]) -> StoredCheckpoint:
    *content, key_name, public_key, signature, frontier, event_position = row
    signed = SignedCheckpoint(Checkpoint(*content), PublicKey(key_name, public_key), signature)
    return StoredCheckpoint(signed, frontier, event_position)


def books_to_sign(connection: psycopg.Connection[Any]) -> list[str]:
    """Codes of the books that have anything to sign."""
    return [row[0] for row in connection.execute(QUERIES["books"])]


def sign_book(connection: psycopg.Connection[Any], book: str, key: SigningKey) -> tuple[StoredCheckpoint | None, bool]:
    """Sign the end of a book's log; the answer is its latest checkpoint, and whether it is new.

    Nothing is signed where nothing but our own last checkpoint came since it was signed, and nothing of a book without
    events (None). Two who sign one block with one key make one checkpoint. The connection is the poster's and
    commits by itself; raises LookupError for an unknown book, BrokenChainError.
    """
    last = last_signed_checkpoint(connection, book)
    end = _read_end(connection, book)
    if end is None:
        return None, False
    if last is not None and last.signed.key == key.public:
        since = end.checkpoint.position - last.signed.checkpoint.position
        if since <= 1:
            return last, False
    frontier = _frontier(connection, end, last)
    checkpoint = Checkpoint(
        book=book,
        block_number=end.checkpoint.block_number,
        position=end.checkpoint.position,
        block_hash=end.checkpoint.block_hash,
        tree_root=frontier.root(),
        recorded_at=end.checkpoint.recorded_at,
        log_epoch=end.checkpoint.log_epoch,
    )
    signed = SignedCheckpoint.sign(checkpoint, key)
    try:
        return _keep(connection, end.book_id, signed, frontier), True
    except psycopg.errors.UniqueViolation:  # somebody signed the same block meanwhile
        return last_signed_checkpoint(connection, book), False


def _read_end(connection: psycopg.Connection[Any], book: str) -> _End | None:
    row = connection.execute(QUERIES["end_of_book"], (book,), binary=True).fetchone()
    if row is None:
        known = connection.execute("SELECT FROM ledger.book WHERE code = %s", (book,)).fetchone()
        if known is None:
            raise LookupError(f"no such book: {book}")
        return None
    book_id, number, position, block_hash, recorded_at, log_epoch = row
    return _End(book_id, Checkpoint(book, number, position, block_hash, b"", recorded_at, log_epoch))


def _frontier(connection: psycopg.Connection[Any], end: _End, last: StoredCheckpoint | None) -> Frontier:
    """The tree up to the end of the book, from where the last checkpoint left it; blocks must follow each other.

    So a key never signs two histories of one book, whatever became of the database since it signed last.
    """
    frontier = Frontier()
    if last is not None:
        frontier = Frontier.from_bytes(last.signed.checkpoint.block_number, last.frontier)
        if frontier.root() != last.signed.checkpoint.tree_root or not last.signed.is_genuine:
            raise BrokenChainError(f"book {end.checkpoint.book}: the last checkpoint is not what was signed")
    before = last.signed.checkpoint.block_hash if last else ZERO_HASH
    while frontier.size < end.checkpoint.block_number:
        first = frontier.size + 1
        last_number = min(first + BLOCKS_AT_ONCE - 1, end.checkpoint.block_number)
        rows = connection.execute(QUERIES["chain"], (end.book_id, first, last_number), binary=True).fetchall()
        for number, previous, root, *place, sealed in rows:
            if (
                number != frontier.size + 1
                or previous != before
                or block_hash(previous, root, end.book_id, *place) != sealed
            ):
                break
            frontier.append(sealed)
            before = sealed
        if frontier.size != last_number:
            where = f"book {end.checkpoint.book}: block {frontier.size + 1}"
            raise BrokenChainError(f"{where} is not there, or does not follow the one before")
    return frontier


def _keep(
    connection: psycopg.Connection[Any], book_id: int, signed: SignedCheckpoint, frontier: Frontier
) -> StoredCheckpoint:
    """The event and its row, in one transaction."""
    checkpoint = signed.checkpoint
    with connection.transaction():
        positions = append_events(connection, book_id, [NewEvent(CHECKPOINT_SIGNED, checkpoint_state(signed))])
        stored = StoredCheckpoint(signed, frontier.to_bytes(), positions[0])
        connection.execute(
            QUERIES["insert_signed_checkpoint"],
            (
                book_id, checkpoint.block_number, checkpoint.position, stored.event_position, checkpoint.log_epoch,
                checkpoint.recorded_at, signed.key.name, signed.key.raw, checkpoint.block_hash, checkpoint.tree_root,
                stored.frontier, signed.signature,
            ),
        )  # fmt: skip
    return stored
