"""Checkpoints: how far each projection has durably applied each book's log."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from ledger_core.store.arrays import integers, texts
from projections.projection import Projection
from projections.store_log import BlockMark


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The ACTIVE version of one projection of one book, locked. `position` 0: nothing applied yet."""

    book_id: int
    projection: str
    version: int
    fold_version: int
    position: int
    log_epoch: int
    block: BlockMark
    stopped_code: str


@dataclass(frozen=True, slots=True)
class Move:
    """A checkpoint's new place: a position, and the block that holds it."""

    checkpoint: Checkpoint
    position: int
    log_epoch: int
    block: BlockMark


LOCK: Final[LiteralString] = """
SELECT book_id, projection, version, fold_version, position, log_epoch, block_number, block_hash, stopped_code
FROM projections.checkpoint
WHERE state = 'ACTIVE' AND book_id = ANY(%s::integer[]) AND projection = ANY(%s::text[])
ORDER BY book_id, projection
FOR NO KEY UPDATE
"""

CREATE: Final[LiteralString] = """
INSERT INTO projections.checkpoint (book_id, projection, version, state, fold_version)
SELECT book_id, projection, 1, 'ACTIVE', fold_version
FROM unnest(%s::integer[]) AS book (book_id)
CROSS JOIN unnest(%s::text[], %s::integer[]) AS model (projection, fold_version)
ORDER BY book_id, projection
ON CONFLICT DO NOTHING
"""

MOVE: Final[LiteralString] = """
UPDATE projections.checkpoint SET
    position = move.position, log_epoch = move.log_epoch, block_number = move.number, block_hash = move.hash
FROM unnest(
    %s::integer[], %s::text[], %s::integer[], %s::bigint[], %s::integer[], %s::bigint[], %s::bytea[]
) AS move (book_id, projection, version, position, log_epoch, number, hash)
WHERE checkpoint.book_id = move.book_id AND checkpoint.projection = move.projection
    AND checkpoint.version = move.version
"""

STOP: Final[LiteralString] = """
UPDATE projections.checkpoint SET stopped_code = %s, stopped_detail = %s
WHERE book_id = %s AND projection = ANY(%s::text[]) AND state = 'ACTIVE'
"""


LAG: Final[LiteralString] = """
SELECT projection, sum(lag_positions)::bigint FROM projections.progress GROUP BY projection
"""


def lock_checkpoints(
    connection: psycopg.Connection, book_ids: Iterable[int], projections: Sequence[Projection]
) -> dict[int, list[Checkpoint]]:
    """Lock the checkpoints of these books in key order, creating those that are missing at position 0."""
    books = sorted(book_ids)
    found = _lock(connection, books, projections)
    if any(len(found.get(book_id, ())) < len(projections) for book_id in books):
        names = texts([projection.name for projection in projections])
        fold_versions = integers([projection.fold_version for projection in projections])
        connection.execute(CREATE, (integers(books), names, fold_versions))
        found = _lock(connection, books, projections)
    return found


def _lock(
    connection: psycopg.Connection, books: list[int], projections: Sequence[Projection]
) -> dict[int, list[Checkpoint]]:
    found: dict[int, list[Checkpoint]] = {}
    names = texts([projection.name for projection in projections])
    for book_id, name, version, fold, position, epoch, number, block_hash, stopped in connection.execute(
        LOCK, (integers(books), names), binary=True
    ):
        checkpoint = Checkpoint(book_id, name, version, fold, position, epoch, BlockMark(number, block_hash), stopped)
        found.setdefault(book_id, []).append(checkpoint)
    return found


def move_checkpoints(connection: psycopg.Connection, moves: Sequence[Move]) -> None:
    """Move locked checkpoints."""
    if not moves:
        return
    checkpoints = [move.checkpoint for move in moves]
    connection.execute(
        MOVE,
        (
            integers([checkpoint.book_id for checkpoint in checkpoints]),
            texts([checkpoint.projection for checkpoint in checkpoints]),
            integers([checkpoint.version for checkpoint in checkpoints]),
            integers([move.position for move in moves]),
            integers([move.log_epoch for move in moves]),
            integers([move.block.number for move in moves]),
            texts([f"\\x{move.block.hash.hex()}" for move in moves]),
        ),
    )


def stop_projections(
    connection: psycopg.Connection, book_id: int, names: Iterable[str], code: str, detail: str
) -> None:
    """Mark projections of a book as stopped: they take nothing more until a rebuild."""
    connection.execute(STOP, (code, detail, book_id, texts(sorted(names))))


def read_lag(connection: psycopg.Connection) -> dict[str, int]:
    """Committed events that each projection has still to apply, over all books."""
    return dict(connection.execute(LAG))
