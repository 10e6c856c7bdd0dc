"""Stretches of entries: those that cover the first n are n entries, each once, and few."""

from hypothesis import example, given
from hypothesis import strategies as st

from projections.day_rollups.stretches import FANOUT, LENGTH, cover, filled, length, levels

entries = st.integers(0, 3 * length(4))


def covered(n: int, rolled: int) -> tuple[list[range], range]:
    """The entries of each stretch, and those after them."""
    stretches, first = cover(n, rolled)
    ranges = [range(s.chunk * length(s.level) + 1, (s.chunk + 1) * length(s.level) + 1) for s in stretches]
    return ranges, range(first, n + 1)


@given(n=entries, stretches=st.integers(0, 3 * length(4) // LENGTH))
@example(n=0, stretches=0)
@example(n=LENGTH, stretches=1)
@example(n=LENGTH - 1, stretches=1)
@example(n=length(3), stretches=length(3) // LENGTH)
def test_stretches_and_what_follows_them_are_the_first_entries_once_each_in_order(n: int, stretches: int) -> None:
    ranges, rest = covered(n, stretches * LENGTH)
    place = 1
    for each in [*ranges, rest]:
        assert each.start == place
        place = each.stop
    assert place == n + 1


@given(n=entries, stretches=st.integers(0, 3 * length(4) // LENGTH))
def test_no_stretch_is_asked_for_that_is_not_rolled_up(n: int, stretches: int) -> None:
    ranges, _ = covered(n, stretches * LENGTH)
    assert all(each.stop - 1 <= stretches * LENGTH for each in ranges)


@given(n=entries)
def test_few_stretches_and_fewer_entries_than_a_stretch_where_all_is_rolled_up(n: int) -> None:
    ranges, rest = covered(n, n // LENGTH * LENGTH)
    assert len(rest) < LENGTH
    assert len(ranges) <= (FANOUT - 1) * len(list(levels(n)))


@given(steps=st.lists(st.integers(0, 2 * length(3)), max_size=5))
def test_however_an_account_grows_each_full_stretch_is_filled_once(steps: list[int]) -> None:
    rolled = 0
    seen: dict[int, list[int]] = {}
    for step in steps:
        last = (rolled + step) // LENGTH * LENGTH
        for level, first, end in filled(rolled, last):
            seen.setdefault(level, []).extend(range(first, end))
        rolled = last
    assert seen == {level: list(range(rolled // length(level))) for level in levels(rolled)}
