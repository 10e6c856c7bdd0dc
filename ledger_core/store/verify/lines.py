"""Voucher events as columns, to be compared with entries: read from what the log says, not from how it got there."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, Final

import numpy as np

from ledger_core.domain.vouchers import Purpose
from ledger_core.store.columns import Int64s
from ledger_core.store.verify.accounts import Accounts, Entries
from ledger_core.store.verify.report import Tally

Document = dict[str, Any]
"""An event's state, decoded. Empty where the bytes are no JSON object."""

PURPOSES: Final[Mapping[str, int]] = {purpose.name.lower(): purpose.value for purpose in Purpose}
SIDES: Final[Mapping[str, int]] = {"D": 1, "C": 0}
POSTGRES_EPOCH: Final = np.datetime64("2000-01-01", "us")


@dataclass(slots=True, frozen=True)
class Names:
    """Codes to ids, as this snapshot has them."""

    accounts: Accounts
    assets: Mapping[str, int]


@dataclass(slots=True)
class Lines:
    """The lines of some vouchers in the order of the log, in the columns that entries have."""

    position: Int64s
    account: Int64s
    asset: Int64s
    amount: Int64s
    effective: Int64s
    line: Int64s
    purpose: Int64s
    is_debit: Int64s

    COMPARED = ("position", "line", "account", "is_debit", "amount", "asset", "purpose", "effective")


def lines_of(documents: Sequence[Document], positions: Sequence[int], names: Names) -> Lines:
    """Raises KeyError, TypeError or ValueError when a document is not the state of a voucher."""
    lines: list[list[list[str]]] = list(map(itemgetter("lines"), documents))
    counts = np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))
    total = int(counts.sum())
    accounts, sides, amounts, currencies, purposes = zip(*chain.from_iterable(lines), strict=True)
    # ASCII with the zone cut off: numpy reads times without zones only.
    times = np.array(list(map(itemgetter("effective_at"), documents)), dtype="S27").astype("S26")
    effective = (times.astype("M8[us]") - POSTGRES_EPOCH).astype(np.int64)
    starts = np.cumsum(counts) - counts
    return Lines(
        position=np.repeat(np.array(positions, dtype=np.int64), counts),
        account=_mapped(names.accounts.place.__getitem__, accounts, total),
        asset=_mapped(names.assets.__getitem__, currencies, total),
        amount=_mapped(int, amounts, total),
        effective=np.repeat(effective, counts),
        line=np.arange(1, total + 1) - np.repeat(starts, counts),
        purpose=_mapped(PURPOSES.__getitem__, purposes, total),
        is_debit=_mapped(SIDES.__getitem__, sides, total),
    )


def _mapped(read: Callable[[str], int], values: Sequence[str], count: int) -> Int64s:
    return np.fromiter(map(read, values), dtype=np.int64, count=count)


def compare_lines(
    documents: Sequence[Document],
    positions: Sequence[int],
    entries: Entries | None,
    names: Names,
    book: str,
    tally: Tally,
) -> None:
    """Entries of a run of positions against the vouchers of the same run."""
    if entries is None and not documents:
        return
    try:
        bad = _first_difference(documents, positions, entries, names)
    except (KeyError, TypeError, ValueError, OverflowError):
        bad = _first_unreadable(documents, positions, names)
    if bad is not None:
        tally.bad("entries_match_events", f"book {book}: voucher at position {bad}")


def _first_difference(
    documents: Sequence[Document], positions: Sequence[int], entries: Entries | None, names: Names
) -> int | None:
    if not documents or entries is None:
        return positions[0] if entries is None else int(entries.position[0])
    lines = lines_of(documents, positions, names)
    common = min(len(lines.position), len(entries.position))
    differs = np.zeros(common, dtype=np.bool_)
    for column in Lines.COMPARED:
        differs |= getattr(lines, column)[:common] != getattr(entries, column)[:common]
    if differs.any():
        first = int(np.argmax(differs))
        return int(min(lines.position[first], entries.position[first]))
    longer = max(lines.position, entries.position, key=len)
    return int(longer[common]) if len(longer) > common else None


def _first_unreadable(documents: Sequence[Document], positions: Sequence[int], names: Names) -> int:
    for document, position in zip(documents, positions, strict=True):
        try:
            lines_of([document], [position], names)
        except (KeyError, TypeError, ValueError, OverflowError):
            return position
    raise AssertionError("each voucher is readable alone, but not together")


def check_balance(entries: Entries, book: str, tally: Tally) -> None:
    """Per voucher and currency: debits equal credits; per voucher: lines 1 … n, at least two."""
    voucher_starts = np.flatnonzero(np.r_[True, entries.position[1:] != entries.position[:-1]])
    sizes = np.diff(np.r_[voucher_starts, len(entries.position)])
    tally.count("vouchers_balanced", len(voucher_starts))
    expected_line = np.arange(1, len(entries.line) + 1) - np.repeat(voucher_starts, sizes)
    bad = set(entries.position[entries.line != expected_line][:1].tolist())
    bad.update(entries.position[voucher_starts[sizes < 2]][:1].tolist())

    order = np.lexsort((entries.asset, entries.position))
    position, asset = entries.position[order], entries.asset[order]
    changes = (position[1:] != position[:-1]) | (asset[1:] != asset[:-1])
    starts = np.flatnonzero(np.r_[True, changes])
    signed = entries.signed[order]
    unbalanced = np.add.reduceat(signed, starts) != 0
    bad.update(position[starts[unbalanced]][:1].tolist())
    # Sums of columns wrap silently past 63 bits, so vouchers whose high halves add up to much are summed again.
    large = np.add.reduceat(np.abs(signed) >> 31, starts) >= 1 << 30
    for group in np.flatnonzero(large).tolist():
        end = starts[group + 1] if group + 1 < len(starts) else len(signed)
        if sum(signed[starts[group] : end].tolist()) != 0:
            bad.add(int(position[starts[group]]))
    if bad:
        tally.bad("vouchers_balanced", f"book {book}: voucher at position {min(bad)}")
