"""A voucher before it is posted: its lines, which name accounts by code."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple

Side = Literal["D", "C"]


class Purpose(IntEnum):
    """Why a line is there. Numbers are stored: append only, and keep `ledger.purpose_name` in step."""

    PAYMENT = 1
    SELLER_SHARE = 2
    PLATFORM_FEE = 3
    SUSPENSE = 4
    UNALLOCATED = 5
    REFUND = 6
    PAYOUT = 7
    REVERSAL = 8
    ADJUSTMENT = 9


class Line(NamedTuple):
    """One debit or credit of a positive amount."""

    account: str
    side: Side
    amount_minor: int
    currency: str
    purpose: int


@dataclass(slots=True)
class Draft:
    """A voucher that a rule proposes. `rule` is the rule's name and version, for example `payment_captured/1`."""

    kind: str
    rule: str
    lines: list[Line]
    details: Mapping[str, object] | None = None
    """What else the voucher says, by the names that its state gives them (memo, metadata, links …)."""


def mirror(lines: list[Line]) -> list[Line]:
    """The exact mirror: same accounts, amounts and order, sides exchanged."""
    return [
        Line(account, "C" if side == "D" else "D", amount, currency, Purpose.REVERSAL)
        for account, side, amount, currency, _ in lines
    ]
