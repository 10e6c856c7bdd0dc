"""Debits and credits of an account by UTC day of their effective time, as far as the projection has come."""

from dataclasses import dataclass
from datetime import date

from psycopg.rows import args_row

from projections.queries.amounts import Amount
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class DailyBalance:
    """What moved on one day; days without entries are left out."""

    day: date
    entries: int
    debits: Amount
    credits: Amount


def daily_balances(
    at: Snapshot, code: str, *, after: date = date.min, through: date = date.max, limit: int = 100
) -> list[DailyBalance]:
    """Days of an account after `after` and up to `through`, oldest first; `at` must read DAILY_BALANCES."""
    parameters = {"book_id": at.book_id, "account": code, "after": after, "through": through, "limit": limit}
    with at.connection.cursor(row_factory=args_row(_daily_balance)) as cursor:
        return cursor.execute(QUERIES["daily_balances"], parameters).fetchall()


def _daily_balance(
    day: date, currency: str, scale: int, entries: int, debits_minor: int, credits_minor: int
) -> DailyBalance:
    return DailyBalance(day, entries, Amount(debits_minor, currency, scale), Amount(credits_minor, currency, scale))
