"""Payments on the wire."""

from datetime import datetime
from typing import Self

from pydantic import Field

from api.query.wire.base import Amount, Position, Wire
from projections.queries import payments


class PaymentAnswer(Wire):
    book: str
    position: Position = Field(description="How far the projection of payments has come")
    order_key: str
    status: str
    authorised: Amount
    captured: Amount
    refunded: Amount
    voided: Amount
    paid_out: Amount
    reversed: Amount = Field(description="Captures and payouts taken back by request: no longer in the other sums")
    captures: int
    refunds: int
    first_effective_at: datetime
    last_effective_at: datetime
    last_position: int

    @classmethod
    def of(cls, book: str, position: int, payment: payments.Payment) -> Self:
        return cls(
            book=book, position=position, order_key=payment.order_key, status=payment.status,
            authorised=Amount.of(payment.authorised), captured=Amount.of(payment.captured),
            refunded=Amount.of(payment.refunded), voided=Amount.of(payment.voided),
            paid_out=Amount.of(payment.paid_out), reversed=Amount.of(payment.reversed),
            captures=payment.captures, refunds=payment.refunds,
            first_effective_at=payment.first_effective_at, last_effective_at=payment.last_effective_at,
            last_position=payment.last_position,
        )  # fmt: skip
