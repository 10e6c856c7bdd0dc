"""Balances and the trial balance in two times: of what took effect through a day, as it was known at a position."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from ledger_core.store.arrays import integers
from projections.queries.accounts import BalanceAt, numbered_balance
from projections.queries.amounts import balance_of
from projections.queries.effective_sums import NOTHING, effective_sums
from projections.queries.errors import PositionAheadError
from projections.queries.snapshot import QUERIES, Snapshot
from projections.queries.trial_balances import CurrencyTotal, Row, currency_totals

ACCOUNTS_AT_ONCE: Final = 10_000
END_OF_TIME: Final = date.max
"""Through this day everything takes effect."""


def effective_balance(
    at: Snapshot, code: str, *, effective_at: date, known_at_position: int | None = None
) -> BalanceAt:
    """The balance of what took effect through a UTC day, inclusive, as known now or at an earlier position.

    Exact whatever was backdated, and whatever is being posted. Raises NotFoundError, PositionAheadError.
    """
    account_id, known = numbered_balance(at, code, as_of_position=known_at_position)
    sums = effective_sums(at, {account_id: known.posting_sequence}, effective_at).get(account_id, NOTHING)
    amount = known.balance.amount
    return replace(
        known,
        effective_at=effective_at,
        entries=sums.entries,
        balance=balance_of(sums.debits_minor - sums.credits_minor, amount.currency, amount.scale),
    )


def effective_trial_balance(
    at: Snapshot, *, effective_at: date = END_OF_TIME, known_at_position: int | None = None
) -> list[CurrencyTotal]:
    """The trial balance of what took effect through a UTC day, as known now or at an earlier position.

    Exact, and so it asks every account of the book: its time grows with them. `accounts` counts those that have an
    entry in it, as the seal of a period does. Raises PositionAheadError.
    """
    position = at.position if known_at_position is None else known_at_position
    if position > at.position:
        raise PositionAheadError(position, at.position)
    totals: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for page in _pages(at):
        sums = effective_sums(at, _known(at, page, position), effective_at)
        for account in page:
            of_account = sums.get(account.account_id, NOTHING)
            if of_account.entries:
                total = totals[account.currency, account.scale, account.type]
                for place, value in enumerate((1, of_account.entries, *of_account[:2])):
                    total[place] += value
    rows: list[Row] = [
        (currency, scale, type_, accounts, entries, Decimal(debits), Decimal(credits_))
        for (currency, scale, type_), (accounts, entries, debits, credits_) in sorted(totals.items())
    ]
    return currency_totals(rows)


class _Account(NamedTuple):
    account_id: int
    type: str
    currency: str
    scale: int
    entries: int


def _pages(at: Snapshot) -> Iterator[list[_Account]]:
    """All accounts of the book, some thousands at a time."""
    after = 0
    while True:
        parameters = {"book_id": at.book_id, "after": after, "limit": ACCOUNTS_AT_ONCE}
        page = [_Account(*row) for row in at.connection.execute(QUERIES["accounts_to_sum"], parameters)]
        if page:
            yield page
        if len(page) < ACCOUNTS_AT_ONCE:
            return
        after = page[-1].account_id


def _known(at: Snapshot, page: list[_Account], position: int) -> dict[int, int]:
    """How many entries each of these accounts had at a position."""
    if position == at.position:
        return {account.account_id: account.entries for account in page}
    parameters = {
        "book_id": at.book_id, "position": position,
        "account_ids": integers([account.account_id for account in page]),
        "entries": integers([account.entries for account in page]),
    }  # fmt: skip
    return dict(at.connection.execute(QUERIES["entries_of_accounts_until"], parameters).fetchall())
