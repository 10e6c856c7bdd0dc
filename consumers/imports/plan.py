"""What an import would do: assets to add, accounts to open, and the events that the ledger will decide on."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, Inexact
from typing import Final

import orjson

from consumers.imports.model import EXACT, Amount, Fault
from ledger_core.domain.charts import AccountType
from ledger_core.domain.fingerprints import fingerprint
from ledger_core.domain.money import MAX_AMOUNT_MINOR

EVENT_TYPE: Final = "voucher.requested.v1"
MAX_SCALE: Final = 9

Side = str
"""`debit` or `credit`, as on the wire."""


class ConversionError(ValueError):
    """An amount that the ledger cannot hold exactly."""


@dataclass(frozen=True, slots=True)
class WantedAccount:
    """An account that a line of the file names first at `line`; it is opened if the book has none of this code."""

    line: int
    code: str
    type: AccountType
    currency: str


@dataclass(frozen=True, slots=True)
class Line:
    """One debit or credit of a voucher that will be asked for."""

    account: str
    side: Side
    amount_minor: int
    currency: str

    @property
    def wire(self) -> dict[str, str]:
        return {
            "account": self.account, "side": self.side,
            "amount_minor": str(self.amount_minor), "currency": self.currency,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One event: a voucher asked for, and the line of the file that asks for it."""

    line: int
    event_id: str
    event: bytes
    fingerprint: bytes
    """By which the ledger tells a repeat from another event of the same id."""


@dataclass(slots=True)
class Plan:
    """An import, ready to be checked against a book. `new_assets` are scales by code."""

    book: str
    source: str
    new_assets: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, WantedAccount] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    debits: Counter[str] = field(default_factory=Counter)
    """Minor units per currency; credits are the same."""
    read_over: Counter[str] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)

    def want(self, line: int, code: str, account_type: AccountType, currency: str) -> None:
        """Remember an account; one that is named with another type is a fault."""
        known = self.accounts.setdefault(code, WantedAccount(line, code, account_type, currency))
        if (known.type, known.currency) != (account_type, currency):
            said = f"{account_type} in {currency}, on line {known.line} as {known.type} in {known.currency}"
            self.faults.append(Fault(line, f"account {code} is given as {said}"))

    def ask(self, line: int, event_id: str, time: str, data: Mapping[str, object], lines: Sequence[Line]) -> None:
        """Add the event that asks for a voucher of these lines."""
        data = {**data, "lines": [one.wire for one in lines]}
        event = {
            "specversion": "1.0", "id": event_id, "source": self.source, "type": EVENT_TYPE, "subject": event_id,
            "time": time, "ledgerbook": self.book, "datacontenttype": "application/json",
            "data": data,
        }  # fmt: skip
        canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        self.requests.append(Request(line, event_id, orjson.dumps(event), fingerprint(EVENT_TYPE, canonical)))
        for one in lines:
            if one.side == "debit":
                self.debits[one.currency] += one.amount_minor


def opposite(side: Side) -> Side:
    return "credit" if side == "debit" else "debit"


def minor_units(amount: Amount, scale: int) -> int:
    """Signed minor units of an amount, exactly. Raises `ConversionError`."""
    moved = EXACT.scaleb(amount.number, scale)
    try:
        minor = int(moved.to_integral_exact(context=EXACT))
    except Inexact:
        raise ConversionError(
            f"{amount.number} {amount.commodity} has more than the {scale} decimals of the asset"
        ) from None
    if abs(minor) > MAX_AMOUNT_MINOR:
        raise ConversionError(f"{amount.number} {amount.commodity} is more than 10^18 - 1 minor units")
    return minor


def balancing_lines(lines: Sequence[Line], accounts: Mapping[str, str]) -> list[Line]:
    """The lines that make each currency sum to nothing, on the account that is given for it."""
    sums: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.currency] += line.amount_minor if line.side == "debit" else -line.amount_minor
    return [
        Line(accounts[currency], "credit" if out > 0 else "debit", abs(out), currency)
        for currency, out in sums.items()
        if out
    ]


def places_needed(numbers: Sequence[Decimal]) -> int:
    """Decimals of the asset that these amounts are counted in: as written, unless that is more than any asset has."""
    written = max((_places(number) for number in numbers), default=0)
    if written <= MAX_SCALE:
        return written
    return max(_places(EXACT.normalize(number)) for number in numbers)


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
