"""Where the verification of a book begins, and what stood there: taken as it was verified before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psycopg

from ledger_core.store.blocks import ZERO_HASH
from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.proof.block_tree import Frontier
from ledger_core.store.proof.signing import StoredCheckpoint, signed_checkpoints
from ledger_core.store.verify.snapshot import BookEnd
from ledger_core.store.verify.trust import Since, Trust


@dataclass(slots=True, frozen=True)
class Start:
    """The last block of a book that is not verified again, 0 for none; and the book's signed checkpoints."""

    block_number: int = 0
    position: int = 0
    checkpoints: Sequence[StoredCheckpoint] = ()
    tree: Frontier = field(default_factory=Frontier)
    """The tree over blocks, at or before this start, as it was signed."""


def signed_tree(stored: StoredCheckpoint) -> Frontier | None:
    """The tree that the next checkpoint goes on from, when it is the one that was signed."""
    try:
        tree = Frontier.from_bytes(stored.signed.checkpoint.block_number, stored.frontier)
    except ValueError:
        return None
    return tree if tree.root() == stored.signed.checkpoint.tree_root else None


def find_start(connection: psycopg.Connection[Any], book: BookEnd, since: Since, trust: Trust) -> Start:
    """Where verification of a book begins. A checkpoint that does not count, or is none, is nothing to begin from."""
    checkpoints = signed_checkpoints(connection, book.code)
    good = [one for one in checkpoints if trust.accepts(one) and signed_tree(one) is not None]
    if since.checkpoint:
        good = [one for one in good if one.signed.checkpoint.block_number <= book.block_number]
        last = good[-1].signed.checkpoint if good else None
        block_number, position = (last.block_number, last.position) if last else (0, 0)
    else:
        block_number, position = _block_before(connection, book, since.position)
    trees = [signed_tree(one) for one in good if one.signed.checkpoint.block_number <= block_number]
    return Start(block_number, position, checkpoints, (trees[-1] if trees else None) or Frontier())


def _block_before(connection: psycopg.Connection[Any], book: BookEnd, position: int) -> tuple[int, int]:
    """Number and end of the block before the one that holds a position."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    if position <= 1:
        return 0, 0
    row = connection.execute(queries["block_before"], (book.book_id, position)).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


@dataclass(slots=True, frozen=True)
class Before:
    """What stood in a book just before a start: taken as it is, to go on from."""

    voucher_no: int
    block_hash: bytes
    sequences: Int64s
    running: Int64s


def read_before(connection: psycopg.Connection[Any], book: BookEnd, start: Start, account_ids: Int64s) -> Before:
    """The last block and voucher up to a start, and the last entry of each account; all nothing before the first."""
    sequences = np.zeros(len(account_ids), dtype=np.int64)
    running = np.zeros(len(account_ids), dtype=np.int64)
    if not start.block_number:
        return Before(0, ZERO_HASH, sequences, running)
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    voucher = connection.execute(queries["voucher_no_before"], (book.book_id, start.position)).fetchone()
    block = connection.execute(queries["block_hash"], (book.book_id, start.block_number), binary=True).fetchone()
    with connection.cursor(binary=True) as cursor:
        row = cursor.execute(
            queries["entries_before"], {"book_id": book.book_id, "position": start.position}
        ).fetchone()
    if row is not None and row[0] is not None:
        ids, last_sequences, last_running = row
        place = np.searchsorted(account_ids, ids)
        sequences[place], running[place] = last_sequences, last_running
    return Before(int(voucher[0]) if voucher else 0, block[0] if block else b"", sequences, running)
