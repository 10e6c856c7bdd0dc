"""How an account's entries are cut into stretches, and which stretches add up to its first n entries."""

from collections.abc import Iterator
from typing import Final, NamedTuple

LENGTH: Final = 256
"""Entries of a stretch of level 1: beside those that are not rolled up yet, fewer are read one by one."""
FANOUT: Final = 16
"""Stretches of one level in one of the level above: fewer of each level are looked up."""


class Stretch(NamedTuple):
    """The `chunk`-th stretch of a level, from 0: entries chunk * length + 1 to (chunk + 1) * length."""

    level: int
    chunk: int


class Cover(NamedTuple):
    """Stretches and, after them, the entries from `first` on that stand in none."""

    stretches: list[Stretch]
    first: int


def length(level: int) -> int:
    """Entries in each stretch of a level."""
    return LENGTH * int(FANOUT ** (level - 1))


def levels(entries: int) -> Iterator[int]:
    """Levels that have a full stretch in an account of so many entries, the lowest first."""
    level = 1
    while length(level) <= entries:
        yield level
        level += 1


def cover(entries: int, rolled: int) -> Cover:
    """What adds up to the first `entries`, where `rolled` are rolled up: the longest stretches first."""
    known = min(entries, rolled)
    stretches: list[Stretch] = []
    done = 0
    for level in reversed(list(levels(known))):
        size = length(level)
        stop = known // size
        stretches += [Stretch(level, chunk) for chunk in range(done // size, stop)]
        done = stop * size
    return Cover(stretches, done + 1)


def filled(before: int, after: int) -> Iterator[tuple[int, int, int]]:
    """Levels with the stretches that become full when so many entries grow to so many: the first, and the one after
    the last of them."""
    for level in levels(after):
        first, end = before // length(level), after // length(level)
        if first < end:
            yield level, first, end
