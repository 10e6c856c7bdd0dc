"""What stands in the books: accounts, vouchers, holds, payments, and how far they are closed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from tests.models.complete.events import Line

PRECEDENCE = (
    "DATA_INVALID", "FX_QUOTE_INVALID", "QUOTE_MISMATCH", "VOUCHER_UNBALANCED", "ORDER_KEY_PARKED",
    "CURRENCY_MISMATCH", "PAYMENT_VOIDED", "ALREADY_VOIDED", "VOUCHER_UNKNOWN", "ALREADY_REVERSED",
    "REVERSAL_NOT_REVERSIBLE", "COGS_NOT_VOIDABLE", "INVENTORY_ADJUSTMENT_NOT_VOIDABLE", "VOUCHER_PERIOD_CLOSED",
    "PREDECESSOR_ABSENT", "VOID_AFTER_REFUND", "REFUND_EXCEEDS_CAPTURED",
    "HOLD_UNKNOWN", "HOLD_EXISTS", "HOLD_CAPTURED", "HOLD_RELEASED", "HOLD_EXPIRED", "CAPTURE_EXCEEDS_HOLD",
    "SAME_ACCOUNT_BOTH_SIDES", "ACCOUNT_MISSING", "ACCOUNT_CURRENCY_MISMATCH", "ACCOUNT_CLOSED",
    "ACCOUNT_EXISTS_DIFFERENTLY", "ACCOUNT_ALREADY_FROZEN", "ACCOUNT_NOT_FROZEN", "ACCOUNT_HELD", "ACCOUNT_NOT_ZERO",
    "ACCOUNT_FROZEN", "LIMIT_MINIMUM", "LIMIT_MAXIMUM", "INSUFFICIENT_AVAILABLE", "PERIOD_CLOSED",
)  # fmt: skip
PARKING = (
    "ACCOUNT_FROZEN", "ACCOUNT_MISSING", "HOLD_UNKNOWN", "PREDECESSOR_ABSENT", "ORDER_KEY_PARKED", "PERIOD_CLOSED",
)  # fmt: skip
FINAL = ("DATA_INVALID", "FX_QUOTE_INVALID", "QUOTE_MISMATCH", "VOUCHER_UNBALANCED")
"""Wrong whatever waits on the order key."""
NORMAL = {"asset": "D", "expense": "D", "liability": "C", "equity": "C", "revenue": "C"}
CONTROLS = {"trading:": "equity", "clearing:": "asset"}
"""Beginnings of accounts that open when a line needs them, and their types."""


class Refusal(NamedTuple):
    code: str
    waits_for: str = ""


def first(refusals: Iterator[Refusal | None]) -> Refusal | None:
    """In the order of precedence; of several with one code the first that was found."""
    found = [refusal for refusal in refusals if refusal is not None]
    return min(found, key=lambda refusal: PRECEDENCE.index(refusal.code), default=None)


@dataclass
class Account:
    """Counters, and what decides."""

    type: str
    currency: str = "EUR"
    status: str = "open"
    debits: int = 0
    credits: int = 0
    held: int = 0
    minimum: int | None = None
    maximum: int | None = None
    policy: str = "allow"

    @property
    def normal(self) -> str:
        """The side on which it grows."""
        return NORMAL[self.type]

    @property
    def balance(self) -> int:
        return self.debits - self.credits if self.normal == "D" else self.credits - self.debits

    @property
    def available(self) -> int:
        return self.balance - self.held


@dataclass
class Hold:
    account: str
    amount: int
    tolerance_bps: int
    due: bool
    captured: int = 0
    status: str = "open"

    @property
    def left(self) -> int:
        return max(0, self.amount - self.captured) if self.status == "open" else 0

    @property
    def ceiling(self) -> int:
        return self.amount + self.amount * self.tolerance_bps // 10_000


@dataclass
class Payment:
    currency: str = ""
    captured: int = 0
    refunded: int = 0
    voided: bool = False


@dataclass
class Posted:
    """A voucher that stands in the books. `of` says what of a payment it is: capture, refund, or nothing."""

    number: int
    event_id: str
    order: str
    kind: str
    lines: Sequence[Line]
    day: str
    of: str = ""
    reversed: bool = False

    @property
    def amount(self) -> int:
        return self.lines[0].amount


@dataclass
class Books:
    """`crossed` counts how often accounts whose policy is to warn fell below their minimum, and rose above their
    maximum. `redirects` says what becomes of vouchers that take effect in what is closed."""

    accounts: dict[str, Account]
    redirects: bool = False
    closed: str = ""
    holds: dict[str, Hold] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=lambda: defaultdict(Payment))
    vouchers: list[Posted] = field(default_factory=list)
    links: set[tuple[int, str, int]] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    crossed: list[int] = field(default_factory=lambda: [0, 0])

    def posted_by(self, event_id: str) -> list[Posted]:
        return [one for one in self.vouchers if one.event_id == event_id]

    def of_payment(self, order: str, of: str) -> list[Posted]:
        """What stands of it."""
        return [one for one in self.vouchers if (one.order, one.of, one.reversed) == (order, of, False)]

    def post(self, event_id: str, order: str, kind: str, lines: Sequence[Line], day: str, of: str = "") -> Posted:
        day = self._day_after() if day <= self.closed else day
        voucher = Posted(len(self.vouchers) + 1, event_id, order, kind, lines, day, of)
        self.vouchers.append(voucher)
        for line in lines:
            account = self.accounts[line.account]
            if line.side == "D":
                account.debits += line.amount
            else:
                account.credits += line.amount
        return voucher

    def link(self, verb: str, one: Posted, other: Posted) -> None:
        """From one voucher to the other, and back."""
        self.links |= {(one.number, f"{verb}es", other.number), (other.number, f"{verb}ed_by", one.number)}

    def _day_after(self) -> str:
        return (date.fromisoformat(self.closed) + timedelta(days=1)).isoformat()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Counts the limits that are crossed inside."""
        before = {code: (account.available, account.balance) for code, account in self.accounts.items()}
        yield
        for code, (available, balance) in before.items():
            account = self.accounts[code]
            if account.policy == "warn":
                low, high = account.minimum, account.maximum
                self.crossed[0] += low is not None and available >= low > account.available
                self.crossed[1] += high is not None and balance <= high < account.balance

    def balances(self) -> dict[str, tuple[int, int, int]]:
        """Debits, credits and what is held, of accounts that were ever touched."""
        rows = {code: (one.debits, one.credits, one.held) for code, one in self.accounts.items()}
        return {code: row for code, row in rows.items() if any(row)}

    def days(self) -> dict[tuple[str, str], int]:
        """By account and day of effect: debits less credits, where anything was posted."""
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for voucher in self.vouchers:
            for line in voucher.lines:
                sums[line.account, voucher.day] += line.amount if line.side == "D" else -line.amount
        return dict(sums)

    def totals(self, through: str) -> dict[str, int]:
        """Debits by currency of what took effect through a day."""
        sums: dict[str, int] = defaultdict(int)
        for voucher in self.vouchers:
            for line in voucher.lines:
                if voucher.day <= through and line.side == "D":
                    sums[line.currency] += line.amount
        return dict(sums)


def mirrored(lines: Sequence[Line]) -> list[Line]:
    return [line._replace(side="C" if line.side == "D" else "D") for line in lines]
