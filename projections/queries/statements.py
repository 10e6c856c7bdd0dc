"""Statements: the entries of an account in their order, each with the balance after it."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from projections.queries.accounts import entries_until
from projections.queries.amounts import Amount, Balance, Side
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One entry. `balance` is that of the account after it."""

    posting_sequence: int
    position: int
    voucher_no: int
    line: int
    side: Side
    amount: Amount
    balance: Balance
    purpose: str
    order_key: str
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A page of a statement as known at `position`, at which the account had `entries_in_all` entries."""

    position: int
    entries_in_all: int
    entries: list[StatementEntry]


def statement(
    at: Snapshot,
    code: str,
    *,
    as_of_position: int | None = None,
    after: int | None = None,
    limit: int = 100,
    newest_first: bool = False,
) -> StatementPage:
    """Entries that follow posting_sequence `after` in the order asked for, as known at a position.

    Entries never change and new ones are not known at an old position, so pages at one position fit
    together however
    many entries are written meanwhile. Raises NotFoundError, PositionAheadError.
    """
    position = at.position if as_of_position is None else as_of_position
    account_id, last = entries_until(at, code, position)
    if newest_first:
        high = last if after is None else min(after - 1, last)
        low = max(high - limit + 1, 1)
    else:
        low = 1 if after is None else after + 1
        high = min(low + limit - 1, last)
    parameters = {"book_id": at.book_id, "account_id": account_id, "first": low, "last": high}
    with at.connection.cursor(row_factory=args_row(_entry)) as cursor:
        entries = cursor.execute(QUERIES["statement"], parameters).fetchall()
    return StatementPage(position, last, entries[::-1] if newest_first else entries)


def _entry(
    posting_sequence: int, position: int, voucher_no: int, line: int, side: str, amount_minor: int,
    running_minor: int,
    running_side: str, currency: str, scale: int, purpose: str, order_key: str, effective_at: datetime,
    recorded_at: datetime,
) -> StatementEntry:  # fmt: skip
    return StatementEntry(
        posting_sequence=posting_sequence,
        position=position,
        voucher_no=voucher_no,
        line=line,
        side=Side(side),
        amount=Amount(amount_minor, currency, scale),
        balance=Balance(Amount(running_minor, currency, scale), Side(running_side)),
        purpose=purpose,
        order_key=order_key,
        effective_at=effective_at,
        recorded_at=recorded_at,
    )
