"""Amounts and sides as the read side answers them: minor units without a sign, and a side by name."""

from dataclasses import dataclass
from enum import StrEnum


class Side(StrEnum):
    """The side of an entry, or on which a balance stands; NONE only for a balance of zero."""

    DEBIT = "debit"
    CREDIT = "credit"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Amount:
    """`minor` units of `currency`, never negative; whole units are minor / 10 ** scale."""

    minor: int
    currency: str
    scale: int


@dataclass(frozen=True, slots=True)
class Balance:
    """An amount and the side on which it stands."""

    amount: Amount
    side: Side


def balance_of(difference_minor: int, currency: str, scale: int) -> Balance:
    """The balance of debits less credits."""
    side = Side.DEBIT if difference_minor > 0 else Side.CREDIT if difference_minor < 0 else Side.NONE
    return Balance(Amount(abs(difference_minor), currency, scale), side)
