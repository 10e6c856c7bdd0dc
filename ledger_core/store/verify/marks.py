"""Blocks against their events: whether a root is right; if not, from which event on, by the marks of its leaves."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Final

import psycopg

from ledger_core.store.blocks import MARK_BYTES, leaf_hashes, leaf_marks, merkle_root
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.rows import Block, Events
from ledger_core.store.verify.snapshot import Span

MERKLE_ROOTS: Final = "merkle_roots"
LEAF_MARKS: Final = "leaf_marks"


class BlockScan:
    """The blocks of a run beside its events, which come in order, some of them at a time."""

    def __init__(self, connection: psycopg.Connection[Any], span: Span, blocks: Sequence[Block], tally: Tally) -> None:
        self._connection = connection
        self._queries = load_queries("ledger_core.store.verify", "checks.sql")
        self._span = span
        self._blocks: Iterator[Block] = iter(blocks)
        self._block = next(self._blocks, None)
        self._tally = tally
        self._positions: list[int] = []
        self._leaves: list[bytes] = []

    def take(self, events: Events, last: int) -> None:
        """The events up to a position: compares all blocks that end there or before; what is left over waits."""
        marks = self._marks(last)
        at = 0
        while self._block is not None and self._block.last <= last:
            end = bisect_left(events.positions, self._block.last + 1)
            positions, leaves = self._positions + events.positions[at:end], self._leaves + events.leaves[at:end]
            self._compare(self._block, positions, leaves, marks.get(self._block.number))
            self._positions, self._leaves = [], []
            at = end
            self._block = next(self._blocks, None)
        self._positions += events.positions[at:]
        self._leaves += events.leaves[at:]

    def _marks(self, last: int) -> dict[int, bytes]:
        """By block; of a run of positions at a time, for all of them would be as many as there are events."""
        if self._block is None:
            return {}
        with self._connection.cursor(binary=True) as cursor:
            parameters = (self._span.book_id, self._block.number, self._span.last_block, last)
            return dict(cursor.execute(self._queries["leaf_marks"], parameters, prepare=True).fetchall())

    def _compare(self, block: Block, positions: list[int], leaves: list[bytes], marks: bytes | None) -> None:
        where = f"block {block.number}, positions {block.first} to {block.last}"
        differs = None
        if marks is not None:
            self._tally.count(LEAF_MARKS, 1)
            differs = first_difference(range(block.first, block.last + 1), marks, positions, leaves)
        if merkle_root(leaves) != block.root:
            event = "" if differs is None else f"event at position {differs}, "
            self._tally.bad(MERKLE_ROOTS, f"book {self._span.book}: {event}{where}")
        elif differs is not None and len(leaves) == block.last - block.first + 1:  # else it is said that one is missing
            self._tally.bad(LEAF_MARKS, f"book {self._span.book}: the mark of position {differs}, {where}")


def first_difference(block: range, marks: bytes, positions: Sequence[int], leaves: Sequence[bytes]) -> int | None:
    """The first position of a block where no event stands that has its mark; None where all of them agree.

    `positions` and `leaves` are those of the events that were found.
    """
    if len(leaves) == len(block) and leaf_marks(leaves) == marks:
        return None
    found = dict(zip(positions, leaves, strict=True))
    for place, position in enumerate(block):
        if found.get(position, b"")[:MARK_BYTES] != marks[place * MARK_BYTES : (place + 1) * MARK_BYTES]:
            return position
    return None if len(marks) == len(block) * MARK_BYTES else block[-1]


def first_changed(connection: psycopg.Connection[Any], book_id: int, after: int, up_to: int) -> int | None:
    """The first position in the blocks after one and up to another whose event has not the mark that it was sealed
    with. Reads events: for when blocks are known not to be what they were."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    with connection.cursor(name="marked_blocks", binary=True) as blocks:
        blocks.itersize = 100
        blocks.execute(queries["marked_blocks"], (book_id, after, up_to))
        for first, last, marks in blocks:
            with connection.cursor(binary=True) as cursor:
                rows = cursor.execute(queries["events"], (book_id, first, last)).fetchall()
            positions, _, types, order_keys, originators, versions, states = (
                map(list, zip(*rows, strict=True)) if rows else ([] for _ in range(7))
            )
            leaves = leaf_hashes(types, order_keys, list(zip(originators, versions, strict=True)), states)
            differs = first_difference(range(first, last + 1), marks, positions, leaves)
            if differs is not None:
                return differs
    return None
