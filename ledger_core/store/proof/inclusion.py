"""Proof that one event stands in a book's log, for someone who has the proof, a public key, and nothing else.

What is proven goes up in four steps, and each has a claim of its own in the file, so that a check says which one fails:

    content ─► leaf ─► root of its block ─► hash of the block ─► root of the tree over blocks ─► signature
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ledger_core.store.blocks import block_hash, leaf_hash, root_by_path
from ledger_core.store.proof.block_tree import block_leaf
from ledger_core.store.proof.checkpoint import Checkpoint, open_checkpoint
from ledger_core.store.proof.notes import NoteError, PublicKey


class ProofError(ValueError):
    """The proof does not hold, or is none. The message says exactly what is wrong."""


@dataclass(slots=True, frozen=True)
class ProvenEvent:
    """An event as it is stored: everything that its leaf covers."""

    type: str
    order_key: str
    originator_id: UUID | None
    originator_version: int | None
    state: bytes

    def leaf(self) -> bytes:
        return leaf_hash(self.type, self.order_key, self.originator_id, self.originator_version, self.state)


@dataclass(slots=True, frozen=True)
class ProvenBlock:
    """A block's header: what its hash covers, and that hash. Its time is in microseconds since 1970-01-01 UTC."""

    number: int
    first_position: int
    last_position: int
    recorded_at_us: int
    merkle_root: bytes
    previous_hash: bytes
    hash: bytes


@dataclass(slots=True, frozen=True)
class InclusionProof:
    """That `event` stands at `position` of `book`. Everything else is the way to the signature."""

    book: str
    book_id: int
    position: int
    event: ProvenEvent
    leaf_hash: bytes
    block: ProvenBlock
    block_path: Sequence[bytes]
    tree_path: Sequence[bytes]
    checkpoint: str
    """The signed note."""
    public_key: PublicKey
    """Who signed it. Worth as much as the way by which it came: pin a key that came by another."""


def path_length(index: int, leaf_count: int) -> int:
    """How many hashes lead from a leaf to the root; a node without a sibling is promoted and needs none."""
    length = 0
    while leaf_count > 1:
        length += index % 2 or index + 1 < leaf_count
        index, leaf_count = index >> 1, (leaf_count + 1) >> 1
    return length


def check_proof(proof: InclusionProof, pinned: Sequence[PublicKey] = ()) -> Checkpoint:
    """The signed checkpoint under which the event stands in the log. Raises ProofError with the first thing wrong.

    Without `pinned` keys the key in the proof is taken at its word: the proof then shows that it is whole, and not
    by whom it was signed.
    """
    checkpoint = _check_signature(proof, pinned)
    _check_leaf(proof)
    _check_block(proof)
    _check_tree(proof, checkpoint)
    return checkpoint


def _check_signature(proof: InclusionProof, pinned: Sequence[PublicKey]) -> Checkpoint:
    if pinned and proof.public_key not in pinned:
        wanted = " or ".join(key.label for key in pinned)
        raise ProofError(f"other key: the proof is signed by {proof.public_key.label}, pinned is {wanted}")
    try:
        checkpoint, _ = open_checkpoint(proof.checkpoint, [proof.public_key])
    except NoteError as error:
        raise ProofError(f"signature: {error}") from None
    if checkpoint.book != proof.book:
        raise ProofError(f"book: the proof is of book {proof.book}, the checkpoint of book {checkpoint.book}")
    return checkpoint


def _check_leaf(proof: InclusionProof) -> None:
    if proof.event.leaf() != proof.leaf_hash:
        raise ProofError("leaf: the event's content is not what its leaf hash says")


def _check_block(proof: InclusionProof) -> None:
    block = proof.block
    if not block.first_position <= proof.position <= block.last_position:
        held = f"{block.first_position} to {block.last_position}"
        raise ProofError(f"position: {proof.position} is not in block {block.number}, which holds {held}")
    index, leaf_count = proof.position - block.first_position, block.last_position - block.first_position + 1
    root = _root("path in the block", proof.leaf_hash, index, leaf_count, proof.block_path)
    if root != block.merkle_root:
        raise ProofError(f"path in the block: it does not lead from the leaf to the root of block {block.number}")
    place = (proof.book_id, block.first_position, block.last_position, block.recorded_at_us)
    if block_hash(block.previous_hash, block.merkle_root, *place) != block.hash:
        raise ProofError(f"block: the header of block {block.number} does not have the hash that it says")


def _check_tree(proof: InclusionProof, checkpoint: Checkpoint) -> None:
    block = proof.block
    if block.number > checkpoint.block_number:
        raise ProofError(f"chain: block {block.number} is not among the {checkpoint.block_number} that were signed")
    if block.number == checkpoint.block_number and block.hash != checkpoint.block_hash:
        raise ProofError(f"chain: block {block.number} is not the one that was signed")
    leaf = block_leaf(block.hash)
    root = _root("chain", leaf, block.number - 1, checkpoint.block_number, proof.tree_path)
    if root != checkpoint.tree_root:
        raise ProofError(f"chain: the path from block {block.number} does not lead to the root that was signed")


def _root(what: str, leaf: bytes, index: int, leaf_count: int, path: Sequence[bytes]) -> bytes:
    needed = path_length(index, leaf_count)
    if len(path) != needed:
        how = "cut" if len(path) < needed else "too long"
        raise ProofError(f"{what}: the path is {how}, {len(path)} hashes where {needed} are needed")
    return root_by_path(leaf, index, leaf_count, path)
