"""The log against what was signed of it: as the database keeps it, and as it is kept where nobody here can reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from ledger_core.store.named_sql import load_queries
from ledger_core.store.proof.block_tree import Frontier
from ledger_core.store.proof.checkpoint import Checkpoint
from ledger_core.store.proof.signing import CHECKPOINT_SIGNED, checkpoint_state
from ledger_core.store.verify.marks import first_changed
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd
from ledger_core.store.verify.start import Start, signed_tree
from ledger_core.store.verify.trust import Trust

SIGNED_CHECKPOINTS: Final = "signed_checkpoints"


@dataclass(slots=True, frozen=True)
class _Block:
    position: int
    hash: bytes
    recorded_at_us: int


def check_checkpoints(
    connection: psycopg.Connection[Any],
    book: BookEnd,
    start: Start,
    trust: Trust,
    events: Sequence[int],
    tally: Tally,
) -> None:
    """Every checkpoint of a book against its blocks; `events` are the positions where checkpoints were published."""
    kept = [one for one in trust.kept if one.book == book.code]
    tally.count(SIGNED_CHECKPOINTS, len(start.checkpoints) + len(kept))
    _check_signatures(book, start, trust, tally)
    claims = sorted([one.signed.checkpoint for one in start.checkpoints] + kept, key=lambda one: one.block_number)
    _check_claims(connection, book, start, claims, tally)
    _check_events(connection, book, start, events, tally)


def check_absent_books(trust: Trust, books: Sequence[BookEnd], tally: Tally) -> None:
    """A book of which a checkpoint is kept elsewhere is there, and among those that are verified."""
    codes = {book.code for book in books}
    for kept in trust.kept:
        if kept.book not in codes:
            tally.count(SIGNED_CHECKPOINTS, 1)
            tally.bad(
                SIGNED_CHECKPOINTS,
                f"book {kept.book}: block {kept.block_number} was signed, and no such book is verified",
            )


def _check_signatures(book: BookEnd, start: Start, trust: Trust, tally: Tally) -> None:
    for stored in start.checkpoints:
        number = stored.signed.checkpoint.block_number
        if not stored.signed.is_genuine:
            tally.bad(SIGNED_CHECKPOINTS, f"book {book.code}: block {number}, the checkpoint's signature is wrong")
        elif not trust.accepts(stored):
            label = stored.signed.key.label
            tally.bad(
                SIGNED_CHECKPOINTS,
                f"book {book.code}: block {number}, the checkpoint is signed by another key, {label}",
            )
        elif signed_tree(stored) is None:
            tally.bad(
                SIGNED_CHECKPOINTS,
                f"book {book.code}: block {number}, the checkpoint's frontier is not that of its tree",
            )


def _check_events(
    connection: psycopg.Connection[Any], book: BookEnd, start: Start, events: Sequence[int], tally: Tally
) -> None:
    """What is kept was published, and the reverse."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    positions = [stored.event_position for stored in start.checkpoints]
    found = dict(connection.execute(queries["states"], (book.book_id, positions, CHECKPOINT_SIGNED)).fetchall())
    for stored in start.checkpoints:
        if found.get(stored.event_position) != checkpoint_state(stored.signed):
            tally.bad(
                SIGNED_CHECKPOINTS,
                f"book {book.code}: the event at position {stored.event_position} is not the checkpoint",
            )
    for position in events:
        if position not in found:
            tally.bad(SIGNED_CHECKPOINTS, f"book {book.code}: the checkpoint at position {position} is not kept")


def _check_claims(
    connection: psycopg.Connection[Any], book: BookEnd, start: Start, claims: Sequence[Checkpoint], tally: Tally
) -> None:
    """Claims in the order of their blocks; the tree is folded along, from where it was signed before the start."""
    blocks = _blocks(connection, book, [claim.block_number for claim in claims])
    agreed, last_agreed = "none before it agrees", 0
    for claim, tree_root in zip(claims, _tree_roots(connection, book, start, claims), strict=True):
        where = f"book {book.code}: block {claim.block_number}, up to position {claim.position},"
        block = blocks.get(claim.block_number)
        if claim.block_number > book.block_number or block is None:
            end = f"position {book.position}, block {book.block_number}"
            tally.bad(SIGNED_CHECKPOINTS, f"{where} was signed, and the log ends at {end}")
        elif not _is_same(claim, block) or tree_root not in {None, claim.tree_root}:
            what = f"{where} is not the one that was signed; {agreed}"
            if SIGNED_CHECKPOINTS not in tally.first_bad:
                what += _changed(connection, book, last_agreed, claim.block_number)
            tally.bad(SIGNED_CHECKPOINTS, what)
        elif claim.log_epoch > book.log_epoch:
            tally.bad(
                SIGNED_CHECKPOINTS, f"{where} was signed in epoch {claim.log_epoch}, the log is in {book.log_epoch}"
            )
        else:
            agreed = f"the last that agrees is block {claim.block_number}, up to position {claim.position}"
            last_agreed = claim.block_number


def _changed(connection: psycopg.Connection[Any], book: BookEnd, after: int, up_to: int) -> str:
    """Which event it is, where whoever sealed the blocks again has left the marks of their leaves."""
    position = first_changed(connection, book.book_id, after, up_to)
    return "" if position is None else f"; the first event that is not as it was sealed is at position {position}"


def _is_same(claim: Checkpoint, block: _Block) -> bool:
    return (claim.position, claim.block_hash, claim.recorded_at_us) == (
        block.position,
        block.hash,
        block.recorded_at_us,
    )


def _blocks(connection: psycopg.Connection[Any], book: BookEnd, numbers: Sequence[int]) -> dict[int, _Block]:
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    rows = connection.execute(queries["blocks_by_number"], (book.book_id, list(numbers)), binary=True)
    return {number: _Block(*content) for number, *content in rows}


def _tree_roots(
    connection: psycopg.Connection[Any], book: BookEnd, start: Start, claims: Sequence[Checkpoint]
) -> Iterator[bytes | None]:
    """The root of the tree at each claim's block; None for what lies before the tree that is begun from."""
    tree = Frontier(start.tree.size, list(start.tree.peaks))
    began = tree.size
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    with connection.cursor(name="block_hashes", binary=True) as cursor:
        cursor.itersize = 10_000
        last = claims[-1].block_number if claims else 0
        cursor.execute(queries["block_hashes"], (book.book_id, began, last))
        for claim in claims:
            while tree.size < claim.block_number and (row := cursor.fetchone()) is not None:
                tree.append(row[0])
            yield tree.root() if tree.size == claim.block_number else None
