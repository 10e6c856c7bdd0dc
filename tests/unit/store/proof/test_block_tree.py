"""The tree over blocks: a frontier goes on from where it stood, and gives the roots that the whole tree gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_core.store.blocks import inclusion_path, merkle_root, root_by_path
from ledger_core.store.proof.block_tree import Frontier, block_leaf


def hashes(count: int) -> list[bytes]:
    return [bytes([number % 256, number // 256]) * 16 for number in range(count)]


@pytest.mark.parametrize("count", [*range(70), 255, 256, 257, 1000])
def test_the_root_is_that_of_the_whole_tree(count: int) -> None:
    frontier = Frontier()
    frontier.extend(hashes(count))
    assert frontier.size == count
    assert frontier.root() == merkle_root([block_leaf(one) for one in hashes(count)])


@given(st.integers(0, 400), st.integers(0, 400))
def test_a_frontier_that_was_stored_goes_on_as_if_it_never_had_been(before: int, after: int) -> None:
    whole, first = Frontier(), Frontier()
    whole.extend(hashes(before + after))
    first.extend(hashes(before))
    again = Frontier.from_bytes(before, first.to_bytes())
    again.extend(hashes(before + after)[before:])
    assert (again.size, again.root(), again.to_bytes()) == (whole.size, whole.root(), whole.to_bytes())


@given(st.integers(1, 200), st.data())
def test_each_block_has_a_path_to_each_later_root(size: int, data: st.DataObject) -> None:
    number = data.draw(st.integers(1, size))
    leaves = [block_leaf(one) for one in hashes(size)]
    frontier = Frontier()
    frontier.extend(hashes(size))
    path = inclusion_path(leaves, number - 1)
    assert len(path) <= size.bit_length()
    assert root_by_path(leaves[number - 1], number - 1, size, path) == frontier.root()


@pytest.mark.parametrize(("size", "peaks"), [(1, b""), (3, bytes(32)), (0, bytes(32)), (4, bytes(31)), (-1, b"")])
def test_bytes_that_are_no_frontier_are_refused(size: int, peaks: bytes) -> None:
    with pytest.raises(ValueError):
        Frontier.from_bytes(size, peaks)
