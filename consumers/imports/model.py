"""A journal as its file says it, before anything is made of it; and every fault found on the way."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import NamedTuple

EXACT = Context(prec=200, traps=[Inexact, InvalidOperation])
"""Arithmetic that rounds nothing: what would need more digits raises."""


class Fault(NamedTuple):
    """Something that is not understood or can't be right, and the line of the file where it stands."""

    line: int
    text: str


class ImportFaultsError(ValueError):
    """A file that can't be imported: nothing was. `faults` are all that were found, in the order of the file.

    IMPORT_INVALID, or IMPORT_UNBALANCED where debits and credits differ.
    """

    def __init__(self, faults: Sequence[Fault], code: str = "IMPORT_INVALID") -> None:
        self.faults = sorted(faults)
        self.code = code
        first = self.faults[0]
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        super().__init__(f"line {first.line}: {first.text}{more}")


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of a commodity, exactly as written: `places` is the number of decimals."""

    number: Decimal
    commodity: str

    @property
    def places(self) -> int:
        exponent = self.number.as_tuple().exponent
        return -exponent if isinstance(exponent, int) and exponent < 0 else 0


@dataclass(frozen=True, slots=True)
class Holding:
    """The file says that an account holds this after a posting: with accounts `below` it, or without them; and with
    `alone` that it holds no other commodity."""

    amount: Amount
    below: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Posting:
    """One posting. `amount` is None where the file leaves it to be inferred.

    `weight` is what the whole amount weighs in another commodity, from a price or cost. A `virtual` posting
    stands outside the balance of its transaction.
    """

    line: int
    account: str
    amount: Amount | None
    weight: Amount | None = None
    virtual: bool = False
    holds: Holding | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction, its postings in the order of the file."""

    line: int
    day: date
    description: str
    postings: tuple[Posting, ...]
    number: str = ""
    """What the file calls its code: a cheque's number, an invoice's."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """The file says that an account, those below it included, holds this at the beginning of a day."""

    line: int
    day: date
    account: str
    amount: Amount


@dataclass(slots=True)
class Journal:
    """A whole file. `account_types` are those that the file declares; `read_over` counts directives that are
    understood and say nothing about balances, such as market prices. Amounts of a commodity with `minor_digits` are
    integers of minor units: so `ledgerctl export` writes them."""

    transactions: list[Transaction] = field(default_factory=list)
    assertions: list[Assertion] = field(default_factory=list)
    account_types: dict[str, str] = field(default_factory=dict)
    read_over: Counter[str] = field(default_factory=Counter)
    minor_digits: dict[str, int] = field(default_factory=dict)
