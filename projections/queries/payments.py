"""Payments: what became of each, as far as the projection has come."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row

from projections.queries.amounts import Amount
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment by its order key. `last_position` is that of its last event."""

    order_key: str
    status: str
    authorised: Amount
    captured: Amount
    refunded: Amount
    voided: Amount
    paid_out: Amount
    reversed: Amount
    captures: int
    refunds: int
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int


def payment(at: Snapshot, order_key: str) -> Payment:
    """One payment; `at` must read PAYMENTS. Raises NotFoundError."""
    with at.connection.cursor(row_factory=args_row(_payment)) as cursor:
        found = cursor.execute(QUERIES["payment"], {"book_id": at.book_id, "order_key": order_key}).fetchone()
    if found is None:
        raise NotFoundError("payment")
    return found


def _payment(
    order_key: str, status: str, currency: str, scale: int, authorised_minor: int, captured_minor: int,
    refunded_minor: int, voided_minor: int, paid_out_minor: int, reversed_minor: int, captures: int, refunds: int,
    first_effective_at: datetime, last_effective_at: datetime, last_position: int,
) -> Payment:  # fmt: skip
    return Payment(
        order_key=order_key,
        status=status,
        authorised=Amount(authorised_minor, currency, scale),
        captured=Amount(captured_minor, currency, scale),
        refunded=Amount(refunded_minor, currency, scale),
        voided=Amount(voided_minor, currency, scale),
        paid_out=Amount(paid_out_minor, currency, scale),
        reversed=Amount(reversed_minor, currency, scale),
        captures=captures,
        refunds=refunds,
        first_effective_at=first_effective_at,
        last_effective_at=last_effective_at,
        last_position=last_position,
    )
