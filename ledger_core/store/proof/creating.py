"""Makes inclusion proofs from the store. A proof is checked as a stranger would check it before it is handed out."""

from typing import Any, Final

import psycopg

from ledger_core.store.blocks import inclusion_path
from ledger_core.store.named_sql import load_queries
from ledger_core.store.proof.block_tree import HASH_BYTES, block_leaf
from ledger_core.store.proof.inclusion import InclusionProof, ProofError, ProvenBlock, ProvenEvent, check_proof
from ledger_core.store.proof.signing import signed_checkpoints

QUERIES: Final = load_queries("ledger_core.store.proof", "proof.sql")


class NotInLogError(LookupError):
    """What is to be proven does not stand in the log. `what` is book, voucher, event or position."""

    def __init__(self, what: str, message: str) -> None:
        super().__init__(message)
        self.what = what


class CheckpointMissingError(Exception):
    """No checkpoint was signed at or after the event's block: sign one, then ask again."""


def find_book(connection: psycopg.Connection[Any], code: str) -> int:
    """Raises NotInLogError."""
    row = connection.execute(QUERIES["book"], (code,)).fetchone()
    if row is None:
        raise NotInLogError("book", f"there is no book {code!r}")
    return int(row[0])


def position_of_voucher(connection: psycopg.Connection[Any], book: str, voucher_no: int) -> int:
    """Raises NotInLogError."""
    row = connection.execute(QUERIES["position_of_voucher"], (find_book(connection, book), voucher_no)).fetchone()
    if row is None:
        raise NotInLogError("voucher", f"book {book} has no voucher {voucher_no}")
    return int(row[0])


def position_of_upstream_event(connection: psycopg.Connection[Any], book: str, source: str, event_id: str) -> int:
    """Where the outcome of an upstream event stands. Raises NotInLogError."""
    parameters = (find_book(connection, book), source, event_id)
    row = connection.execute(QUERIES["position_of_upstream_event"], parameters).fetchone()
    if row is None:
        raise NotInLogError("event", f"book {book} never decided on event {event_id!r} of {source!r}")
    return int(row[0])


def create_proof(connection: psycopg.Connection[Any], book: str, position: int) -> InclusionProof:
    """The proof that an event stands at a position, up to the first checkpoint that was signed after it.

    Raises NotInLogError, CheckpointMissingError, and ProofError where the log is not what was signed: run verify.
    """
    book_id = find_book(connection, book)
    row = connection.execute(
        QUERIES["block_of_position"], {"book_id": book_id, "position": position}, binary=True
    ).fetchone()
    if row is None:
        raise NotInLogError("position", f"book {book} has nothing at position {position}")
    block = ProvenBlock(*row)
    found = signed_checkpoints(connection, book, from_block=block.number, limit=1)
    if not found:
        raise CheckpointMissingError(f"book {book}: nothing was signed since position {position} was written")
    signed = found[0].signed
    events = _events(connection, book_id, block)
    leaves = [event.leaf() for event in events]
    index = position - block.first_position
    proof = InclusionProof(
        book=book,
        book_id=book_id,
        position=position,
        event=events[index],
        leaf_hash=leaves[index],
        block=block,
        block_path=inclusion_path(leaves, index),
        tree_path=_tree_path(connection, book_id, block.number, signed.checkpoint.block_number),
        checkpoint=signed.note,
        public_key=signed.key,
    )
    check_proof(proof)
    return proof


def _events(connection: psycopg.Connection[Any], book_id: int, block: ProvenBlock) -> list[ProvenEvent]:
    rows = connection.execute(
        QUERIES["events_of_block"], (book_id, block.first_position, block.last_position), binary=True
    ).fetchall()
    if len(rows) != block.last_position - block.first_position + 1:
        raise ProofError(f"block: events of block {block.number} are missing")
    return [ProvenEvent(*row) for row in rows]


def _tree_path(connection: psycopg.Connection[Any], book_id: int, number: int, size: int) -> list[bytes]:
    """The path of a block in the tree that was signed. Reads every block hash up to it: a million take a second."""
    row = connection.execute(QUERIES["block_hashes"], (book_id, size), binary=True).fetchone()
    hashes: bytes = row[0] if row else b""
    if len(hashes) != size * HASH_BYTES:
        raise ProofError(f"chain: of {size} blocks {len(hashes) // HASH_BYTES} are there")
    leaves = [block_leaf(hashes[at : at + HASH_BYTES]) for at in range(0, len(hashes), HASH_BYTES)]
    return inclusion_path(leaves, number - 1)
