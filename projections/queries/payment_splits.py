"""Split payments: who holds the money, and what each beneficiary got of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from projections.queries.amounts import Amount
from projections.queries.payments import QUERIES
from projections.queries.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class PaymentLeg:
    """One beneficiary's part: `net` is the amount less the platform's commission on it.

    `back` went back by refunds, and by disputes that are open or lost; `commission_back` is the commission on that,
    which the platform gave back too, unless the refund says that it keeps it.

    A leg has no state: execution and finality are the payment's, and belong to the whole of it.
    """

    beneficiary: str
    amount: Amount
    commission: Amount
    net: Amount
    back: Amount
    commission_back: Amount


@dataclass(frozen=True, slots=True)
class PaymentSplit:
    """`custody` is escrow where the platform holds the shares, direct where the processor pays the beneficiaries. Read
    from the rows that decide, so exact at once."""

    custody: str
    legs: Sequence[PaymentLeg]


def payment_split(at: Snapshot, order_key: str) -> PaymentSplit | None:
    """None of a payment that is not split, or of which no capture stands."""
    rows = at.connection.execute(QUERIES["payment_legs"], {"book_id": at.book_id, "order_key": order_key}).fetchall()
    if not rows:
        return None
    return PaymentSplit(rows[0][0], [_leg(*row[1:]) for row in rows])


def _leg(beneficiary: str, currency: str, scale: int, *minors: int) -> PaymentLeg:
    return PaymentLeg(beneficiary, *(Amount(minor, currency, scale) for minor in minors))
