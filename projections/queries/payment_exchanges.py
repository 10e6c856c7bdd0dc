"""Payments across currencies: what their beneficiaries were credited with, and what of that went back."""

from dataclasses import dataclass

from projections.queries.amounts import Amount
from projections.queries.payments import QUERIES
from projections.queries.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PaymentExchange:
    """In the beneficiaries' currency, exact at once. `credited_back` went back by refunds, and by disputes that are
    open or lost, at the payment's own ratio; commission is part of both."""

    credited: Amount
    credited_back: Amount


def payment_exchange(at: Snapshot, order_key: str) -> PaymentExchange | None:
    """None of a payment in one currency."""
    row = at.connection.execute(QUERIES["payment_exchange"], {"book_id": at.book_id, "order_key": order_key}).fetchone()
    if row is None:
        return None
    currency, scale, credited_minor, credited_back_minor = row
    return PaymentExchange(Amount(credited_minor, currency, scale), Amount(credited_back_minor, currency, scale))
