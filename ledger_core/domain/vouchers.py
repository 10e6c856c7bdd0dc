"""A voucher before it is posted: its lines, which name accounts by code."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from ledger_core.domain.outcomes import SkipReason

Side = Literal["D", "C"]

MAX_LINES: Final = 1_000
"""Lines of one voucher."""


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
    TRANSFER = 10
    FEE = 11
    CHARGEBACK = 12
    CASH = 13
    OPENING = 14
    CLOSING = 15
    EXCHANGE = 16
    COGS = 17
    INVENTORY = 18


@dataclass(slots=True, frozen=True, kw_only=True)
class Kind:
    """What a voucher of a kind is, and demands. `purpose` is that of its lines where they name none."""

    purpose: Purpose
    by_request: bool = True
    """A service may ask for it outright; else only a rule makes it."""
    needs_adjustment: bool = False


KINDS: Mapping[str, Kind] = MappingProxyType({
    "payment": Kind(purpose=Purpose.PAYMENT),
    "capture": Kind(purpose=Purpose.PAYMENT),
    "refund": Kind(purpose=Purpose.REFUND),
    "fee": Kind(purpose=Purpose.FEE),
    "payout": Kind(purpose=Purpose.PAYOUT),
    "settlement": Kind(purpose=Purpose.TRANSFER, by_request=False),
    "transfer": Kind(purpose=Purpose.TRANSFER),
    "chargeback": Kind(purpose=Purpose.CHARGEBACK),
    "cash_receipt": Kind(purpose=Purpose.CASH),
    "cash_refund": Kind(purpose=Purpose.CASH),
    "cash_count": Kind(purpose=Purpose.CASH, by_request=False),
    "adjustment": Kind(purpose=Purpose.ADJUSTMENT, needs_adjustment=True),
    "inventory_adjustment": Kind(purpose=Purpose.INVENTORY, needs_adjustment=True),
    "sale": Kind(purpose=Purpose.PAYMENT, by_request=False),
    "cogs": Kind(purpose=Purpose.COGS),
    "opening_balance": Kind(purpose=Purpose.OPENING),
    "closing": Kind(purpose=Purpose.CLOSING),
    "fx": Kind(purpose=Purpose.EXCHANGE),
    "void": Kind(purpose=Purpose.REVERSAL, by_request=False),
    "reversal": Kind(purpose=Purpose.REVERSAL, by_request=False),
})  # fmt: skip
"""Every kind of voucher."""


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
    recorded: bool = False
    """Nothing is posted: its lines, if any, say what is kept back, and its details what the recorded fact says."""
    amount_minor: int | None = None
    """Of a voucher whose fact names no amount, where that is not the sum of its debits."""

    def amount_of(self, fact: object) -> int:
        """What the voucher is about: the amount of its fact, or where that names none its own, or the sum of its
        debits in the currency of the first line."""
        named: int | None = getattr(fact, "amount_minor", self.amount_minor)
        if named is not None:
            return named
        currency = self.lines[0].currency
        return sum(line.amount_minor for line in self.lines if line.side == "D" and line.currency == currency)


class Skipped(Draft):
    """Nothing is posted, by design: `reason` says why the event is not for this book."""

    __slots__ = ("detail", "reason")

    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__("", "", [], recorded=True)
        self.reason, self.detail = reason, detail


def mirror(lines: list[Line]) -> list[Line]:
    """The exact mirror: same accounts, amounts and order, sides exchanged."""
    return [
        Line(account, "C" if side == "D" else "D", amount, currency, Purpose.REVERSAL)
        for account, side, amount, currency, _ in lines
    ]
