"""Splits: amounts that a voucher leaves to the ledger to divide."""

from fractions import Fraction
from math import floor

from tests.models.complete.events import Line, Split, Voucher


def whole(voucher: Voucher) -> tuple[Line, ...]:
    """The lines that it states, and those that its splits make of whoever gets something."""
    made = [
        Line(account, "C", part, split.currency)
        for split in voucher.splits
        for account, part in _parts(split).items()
        if part
    ]
    return (*voucher.lines, *made)


def _parts(split: Split) -> dict[str, int]:
    """Each rounded down; what is left goes to the one who is named, else a unit each to those who lost most."""
    weights = dict(split.among)
    exact = {account: Fraction(split.amount * weight, sum(weights.values())) for account, weight in weights.items()}
    parts = {account: floor(part) for account, part in exact.items()}
    left = split.amount - sum(parts.values())
    if split.remainder_to:
        return {**parts, split.remainder_to: parts.get(split.remainder_to, 0) + left}
    for account in sorted(exact, key=lambda account: (parts[account] - exact[account], account))[:left]:
        parts[account] += 1
    return parts
