"""The tree over a book's block hashes (RFC 6962): one root says which blocks stand where, from the first to the last.

Its leaves are the blocks in their order, so the tree of n blocks holds every tree before it, and a path from any
block to any later root is as long as the number of blocks has bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

HASH_BYTES: Final = 32


def block_leaf(block_hash: bytes) -> bytes:
    """The leaf of one block."""
    return sha256(b"\0" + block_hash).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The roots of the full subtrees of the blocks so far, largest first: all that it takes to go on."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def from_bytes(cls, size: int, peaks: bytes) -> Self:
        """Raises ValueError for bytes that are no frontier of so many blocks."""
        if size < 0 or len(peaks) != HASH_BYTES * size.bit_count():
            raise ValueError(f"{len(peaks)} bytes are no frontier of {size} blocks")
        return cls(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])

    def to_bytes(self) -> bytes:
        """The peaks one after another; `from_bytes` reads them."""
        return b"".join(self.peaks)

    def append(self, block_hash: bytes) -> None:
        """Add the next block: two subtrees of one size become one."""
        node, full = block_leaf(block_hash), self.size
        while full & 1:
            node = _node(self.peaks.pop(), node)
            full >>= 1
        self.peaks.append(node)
        self.size += 1

    def extend(self, block_hashes: Iterable[bytes]) -> None:
        """Add blocks in their order."""
        for block_hash in block_hashes:
            self.append(block_hash)

    def root(self) -> bytes:
        """Root of the tree over all blocks so far."""
        if not self.peaks:
            return sha256(b"").digest()
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = _node(peak, node)
        return node
