"""A balance in sums: what moved it since it last was zero, by kind of voucher and by counter-account."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ledger_core.domain.splits import split_by_largest_remainder
from projections.queries.accounts import account, balance_after, entries_until
from projections.queries.amounts import Amount, Balance, balance_of
from projections.queries.explanations import first_since_zero
from projections.queries.snapshot import QUERIES, Snapshot

MOST_ENTRIES: Final = 100_000
"""Entries summed at most, the newest: what was before them is the opening balance."""
FETCHED: Final = 2_000


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved a balance under one name: a kind of voucher, or a counter-account."""

    name: str
    entries: int
    debits: Amount
    credits: Amount


@dataclass(frozen=True, slots=True)
class Sums:
    """`opening` and what moved since then, either way of summing, make the balance exactly.

    `opening` is zero, but for an account with more entries since it last was zero than are summed. A counter-account is
    one on the other side of a voucher, in the same currency; where there are several, an entry is
    shared among them as their amounts stand to each other, by largest remainder.
    """

    first_entry: int
    entries: int
    opening: Balance
    by_kind: list[Moved]
    by_counter_account: list[Moved]


def sums_since_zero(at: Snapshot, code: str, *, as_of_position: int | None = None) -> Sums:
    """The sums that make the balance of an account as known at a position. Raises NotFoundError, PositionAheadError."""
    position = at.position if as_of_position is None else as_of_position
    found = account(at, code)
    account_id, last = entries_until(at, code, position)
    first = max(first_since_zero(at, account_id, last), last - MOST_ENTRIES + 1)
    kinds, counters = _Totals(found.currency, found.scale), _Totals(found.currency, found.scale)
    for side, amount_minor, state in _entries(at, account_id, first, last):
        kinds.add(state["kind"], side, amount_minor)
        for counter, part_minor in _shared(amount_minor, side, found.currency, state["lines"]):
            counters.add(counter, side, part_minor)
    opening = balance_after(at, account_id, max(first - 1, 0))
    return Sums(
        first_entry=first,
        entries=last - first + 1 if first else 0,
        opening=balance_of(opening, found.currency, found.scale),
        by_kind=kinds.largest_first(),
        by_counter_account=counters.largest_first(),
    )


def _entries(at: Snapshot, account_id: int, first: int, last: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
    parameters = {"book_id": at.book_id, "account_id": account_id, "first": first, "last": last}
    with at.connection.cursor(name="entries_to_sum", binary=True) as cursor:
        cursor.itersize = FETCHED
        for side, amount_minor, state in cursor.execute(QUERIES["entries_to_sum"], parameters):
            yield side, amount_minor, orjson.loads(state)


def _shared(amount_minor: int, side: str, currency: str, lines: Iterable[list[str]]) -> Iterable[tuple[str, int]]:
    """An entry's amount, shared among the lines on the other side."""
    others: dict[str, int] = {}
    for counter, other_side, amount, asset, *_ in lines:
        if other_side != side and asset == currency:
            others[counter] = others.get(counter, 0) + int(amount)
    if len(others) == 1:
        return [(next(iter(others)), amount_minor)]
    return split_by_largest_remainder(amount_minor, others).items()


class _Totals:
    """Sums by name while they grow."""

    def __init__(self, currency: str, scale: int) -> None:
        self._currency, self._scale = currency, scale
        self._sums: dict[str, list[int]] = {}

    def add(self, name: str, side: str, amount_minor: int) -> None:
        sums = self._sums.setdefault(name, [0, 0, 0])
        sums[0] += 1
        sums[1 if side == "D" else 2] += amount_minor

    def largest_first(self) -> list[Moved]:
        """By what they move in all; where that is the same, by name."""
        ordered = sorted(self._sums.items(), key=lambda pair: (-pair[1][1] - pair[1][2], pair[0]))
        return [
            Moved(name, entries, self._amount(debits), self._amount(credits))
            for name, (entries, debits, credits) in ordered
        ]

    def _amount(self, minor: int) -> Amount:
        return Amount(minor, self._currency, self._scale)
