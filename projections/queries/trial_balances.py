"""The trial balance: debits and credits per currency and account type, and their difference, zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from projections.queries.amounts import Amount, Balance, balance_of
from projections.queries.snapshot import QUERIES, Snapshot

Row = tuple[str, int, str, int | None, int, Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class TypeTotal:
    """Sums over accounts of one type in one currency; `accounts` is None where only sums by day are kept."""

    type: str
    accounts: int | None
    entries: int
    debits: Amount
    credits: Amount


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Sums of one currency. `difference` is zero, or the ledger is wrong."""

    currency: str
    debits: Amount
    credits: Amount
    difference: Balance
    types: list[TypeTotal]


def trial_balance(at: Snapshot) -> list[CurrencyTotal]:
    """The trial balance now, from the heads of the snapshot; one element per currency."""
    return currency_totals(at.connection.execute(QUERIES["trial_balance"], {"book_id": at.book_id}).fetchall())


def trial_balance_through(at: Snapshot, day: date) -> list[CurrencyTotal]:
    """The trial balance of what took effect up to the end of a UTC day; `at` must read TRIAL_BALANCE."""
    parameters = {"book_id": at.book_id, "day": day}
    return currency_totals(at.connection.execute(QUERIES["trial_balance_through"], parameters).fetchall())


def currency_totals(rows: Sequence[Row]) -> list[CurrencyTotal]:
    """The rows of a trial balance, sorted by currency, as one element per currency."""
    return [_currency_total(currency, list(group)) for currency, group in groupby(rows, key=itemgetter(0))]


def _currency_total(currency: str, rows: Sequence[Row]) -> CurrencyTotal:
    scale = rows[0][1]
    debits, credits_ = sum(int(row[5]) for row in rows), sum(int(row[6]) for row in rows)
    return CurrencyTotal(
        currency=currency,
        debits=Amount(debits, currency, scale),
        credits=Amount(credits_, currency, scale),
        difference=balance_of(debits - credits_, currency, scale),
        types=[
            TypeTotal(
                type_,
                accounts,
                entries,
                Amount(int(debit), currency, scale),
                Amount(int(credit), currency, scale),
            )
            for _, _, type_, accounts, entries, debit, credit in rows
        ],
    )
