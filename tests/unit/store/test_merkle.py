"""Blocks: the fast tree equals the recursive definition of RFC 6962, and proofs prove nothing else."""

import hashlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_core.store.blocks import (
    ZERO_HASH,
    block_hash,
    inclusion_path,
    leaf_hash,
    leaf_hashes,
    merkle_root,
    root_by_path,
)


def root_of_rfc_6962(leaves: list[bytes]) -> bytes:
    """Section 2.1, word by word, over leaves that are hashed already."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = root_of_rfc_6962(leaves[:split]), root_of_rfc_6962(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaves_of(count: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


@pytest.mark.parametrize("count", [*range(70), 127, 128, 129, 1999, 2000, 2048, 2049])
def test_the_root_is_that_of_the_recursive_definition(count: int) -> None:
    assert merkle_root(leaves_of(count)) == root_of_rfc_6962(leaves_of(count))


def test_the_root_of_the_test_vectors_of_certificate_transparency() -> None:
    data = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(item)).digest() for item in data]
    assert merkle_root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert merkle_root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"


@given(st.integers(1, 70), st.data())
def test_every_leaf_has_a_proof(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = data.draw(st.integers(0, count - 1))
    path = inclusion_path(leaves, index)
    assert root_by_path(leaves[index], index, count, path) == merkle_root(leaves)


@given(st.integers(2, 40), st.data())
def test_a_proof_fails_at_any_other_place_or_for_any_other_leaf(count: int, data: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = data.draw(st.integers(0, count - 1))
    other = data.draw(st.integers(0, count - 1).filter(lambda number: number != index))
    root, path = merkle_root(leaves), inclusion_path(leaves, index)
    assert root_by_path(leaves[other], index, count, path) != root
    assert root_by_path(leaves[index], index, count, path[:-1]) != root
    with pytest.raises(ValueError, match="longer than the tree"):
        root_by_path(leaves[index], index, count, [*path, ZERO_HASH])


def test_a_proof_outside_the_block_is_refused() -> None:
    with pytest.raises(IndexError):
        inclusion_path(leaves_of(3), 3)
    with pytest.raises(ValueError, match="leaf 3 of 3"):
        root_by_path(ZERO_HASH, 3, 3, [])


def test_a_repeated_last_leaf_changes_the_root() -> None:
    # The tree of Bitcoin gives both the same root; that is why the odd leaf is promoted here.
    leaves = leaves_of(3)
    assert merkle_root(leaves) != merkle_root([*leaves, leaves[-1]])


ORIGINATOR = UUID("11111111-2222-3333-4444-555555555555")
LEAVES = {
    "plain": leaf_hash("a", "b", None, None, b"c"),
    "bytes moved from state to key": leaf_hash("a", "bc", None, None, b""),
    "bytes moved from key to type": leaf_hash("ab", "", None, None, b"c"),
    "empty key": leaf_hash("a", "", None, None, b"bc"),
    "aggregate": leaf_hash("a", "b", ORIGINATOR, 1, b"c"),
    "next version": leaf_hash("a", "b", ORIGINATOR, 2, b"c"),
    "originator inside the state": leaf_hash("a", "b", None, None, b"\x01" + ORIGINATOR.bytes + b"\0\0\0\x01" + b"c"),
}


def test_many_leaves_at_once_are_the_same_leaves() -> None:
    events = [("a", "k", None, None, b"s"), ("b", "ключ", None, None, b""), ("c", "", ORIGINATOR, 3, b"{}")]
    types, keys, ids, versions, states = zip(*events, strict=True)
    many = leaf_hashes(types, keys, list(zip(ids, versions, strict=True)), states)
    assert many == [leaf_hash(*event) for event in events]


def test_no_two_events_share_a_leaf() -> None:
    assert len(set(LEAVES.values())) == len(LEAVES)


def test_leaf_and_block_hashes_stay_as_they_were_published() -> None:
    # Proofs that left the system must hold for ever: these values never change.
    leaf = leaf_hash("voucher.posted", "pay-1", None, None, b'{"kind":"capture"}')
    assert leaf == hashlib.sha256(b'\x00voucher.posted\x00pay-1\x00\x00{"kind":"capture"}').digest()
    aggregate = leaf_hash("account.opened", "", ORIGINATOR, 1, b"{}")
    expected = b"\x00account.opened\x00\x00\x01" + ORIGINATOR.bytes + (1).to_bytes(4, "big") + b"{}"
    assert aggregate == hashlib.sha256(expected).digest()
    numbers = b"".join(number.to_bytes(8, "big") for number in (5, 10, 12, 1_700_000_000_000_000))
    sealed = block_hash(ZERO_HASH, leaf, 5, 10, 12, 1_700_000_000_000_000)
    assert sealed == hashlib.sha256(b"\x02" + ZERO_HASH + leaf + numbers).digest()
