"""Beneficiaries: what payments brought to each account, as far as the projection has come; available is exact, now."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from projections.queries.amounts import Balance, balance_of
from projections.queries.errors import NotFoundError
from projections.queries.payments import QUERIES
from projections.queries.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """Each sum stands on the side on which it moved the account: `earned`, which is less commission, on the credit
    side, what was kept, taken back or paid out on the debit side. `available` is what the account has now, less holds.
    """

    account: str
    earned: Balance
    commission: Balance
    refunded: Balance
    disputed: Balance
    fees: Balance
    paid_out: Balance
    available: Balance
    vouchers: int
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int


def beneficiaries(at: Snapshot, *, after: str = "", limit: int = 100) -> list[Beneficiary]:
    """In the order of their accounts; `at` must read BENEFICIARIES."""
    parameters = {"book_id": at.book_id, "after": after, "limit": limit}
    with at.connection.cursor(row_factory=args_row(_beneficiary)) as cursor:
        return cursor.execute(QUERIES["beneficiaries"], parameters).fetchall()


def beneficiary(at: Snapshot, account: str) -> Beneficiary:
    """One of them. Raises NotFoundError."""
    with at.connection.cursor(row_factory=args_row(_beneficiary)) as cursor:
        found = cursor.execute(QUERIES["beneficiary"], {"book_id": at.book_id, "account": account}).fetchone()
    if found is None:
        raise NotFoundError("beneficiary")
    return found


def _beneficiary(
    account: str, currency: str, scale: int, earned: int, commission: int, refunded: int, disputed: int, fees: int,
    paid_out: int, available: int, vouchers: int, first_effective_at: datetime, last_effective_at: datetime,
    last_position: int,
) -> Beneficiary:  # fmt: skip
    def debit(minor: int) -> Balance:
        return balance_of(minor, currency, scale)

    return Beneficiary(
        account=account, earned=debit(-earned), commission=debit(commission), refunded=debit(refunded),
        disputed=debit(disputed), fees=debit(fees), paid_out=debit(paid_out), available=debit(available),
        vouchers=vouchers, first_effective_at=first_effective_at, last_effective_at=last_effective_at,
        last_position=last_position,
    )  # fmt: skip
