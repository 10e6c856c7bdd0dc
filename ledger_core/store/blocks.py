"""How the log is sealed: leaves, Merkle roots and proofs (RFC 6962), and the hash that chains the blocks.

Three kinds of hashes, three first bytes (leaf 0, node 1, block 2), so that none can pass for another.
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

import numpy as np

ZERO_HASH = bytes(32)
"""What the first block of a book is chained to."""

MARK_BYTES = 4

_AGGREGATE = struct.Struct(">c16si")
_BLOCK = struct.Struct(">c32s32sqqqq")


def leaf_hash(
    event_type: str, order_key: str, originator_id: UUID | None, originator_version: int | None, state: bytes
) -> bytes:
    """The leaf of one event: every stored column that is known before the book is locked.

    Unambiguous because PostgreSQL's text holds no NUL, and what stands between the third NUL and the state
    has the length that its first byte says. Position and voucher number are not in it: the leaf's place in
    the block gives both.
    """
    if originator_id is None:
        return plain_leaf(leaf_prefix(event_type), order_key.encode(), state)
    originator = _AGGREGATE.pack(b"\x01", originator_id.bytes, originator_version or 0)
    return sha256(f"\0{event_type}\0{order_key}\0".encode() + originator + state).digest()


def leaf_prefix(event_type: str) -> bytes:
    """What the leaves of all events of a type begin with."""
    return f"\0{event_type}\0".encode()


def plain_leaf(prefix: bytes, order_key: bytes, state: bytes) -> bytes:
    """`leaf_hash` of an event without originator, for those that come by the million."""
    return sha256(b"".join((prefix, order_key, b"\0\0", state))).digest()


def leaf_hashes(
    event_types: Sequence[str],
    order_keys: Sequence[str],
    originators: Sequence[tuple[UUID | None, int | None]],
    states: Sequence[bytes],
) -> list[bytes]:
    """`leaf_hash` of many events, in half the time."""
    prefixes = {event_type: leaf_prefix(event_type) for event_type in set(event_types)}
    columns = zip(event_types, order_keys, originators, states, strict=True)
    return [
        sha256(b"".join((prefixes[event_type], order_key.encode(), b"\0\0", state))).digest()
        if originator[0] is None
        else leaf_hash(event_type, order_key, *originator, state)
        for event_type, order_key, originator, state in columns
    ]


def _level_above(level: list[bytes]) -> list[bytes]:
    nodes = iter(level)
    above = [sha256(b"\x01" + left + right).digest() for left, right in zip(nodes, nodes, strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """Root of the tree over the leaves, level by level; an odd node is promoted as it is, never repeated.

    Equal to the recursive definition of RFC 6962 section 2.1, whose split at the largest power of two
    puts the same pairs together.
    """
    if not leaves:
        return sha256(b"").digest()
    level = list(leaves)
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the root, lowest first (RFC 6962 section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} of {len(leaves)}")
    path: list[bytes] = []
    level = list(leaves)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _level_above(level)
        index >>= 1
    return path


def root_by_path(leaf: bytes, index: int, leaf_count: int, path: Sequence[bytes]) -> bytes:
    """The root that a proof leads to; a proof holds when this equals the block's root. Needs no database."""
    if not 0 <= index < leaf_count:
        raise ValueError(f"leaf {index} of {leaf_count}")
    node, steps = leaf, iter(path)
    while leaf_count > 1:
        if index % 2:
            node = sha256(b"\x01" + next(steps, b"") + node).digest()
        elif index + 1 < leaf_count:
            node = sha256(b"\x01" + node + next(steps, b"")).digest()
        index, leaf_count = index >> 1, (leaf_count + 1) >> 1
    if next(steps, None) is not None:
        raise ValueError("the path is longer than the tree is high")
    return node


def leaf_marks(leaves: Sequence[bytes]) -> bytes:
    """The first `MARK_BYTES` of each leaf, in order: where a block's root is wrong, they say from which event on.

    They are no part of the block's hash: whoever changes an event can change its mark, too, and the root tells.
    """
    return np.frombuffer(b"".join(leaves), dtype="V4").reshape(len(leaves), -1)[:, 0].tobytes()


def block_hash(
    previous: bytes, root: bytes, book_id: int, first_position: int, last_position: int, recorded_at_us: int
) -> bytes:
    """Hash of a block: the block before it, its events, its book, its place in the log, its recorded time."""
    return sha256(_BLOCK.pack(b"\x02", previous, root, book_id, first_position, last_position, recorded_at_us)).digest()
