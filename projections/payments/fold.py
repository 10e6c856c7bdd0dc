"""The fold of payments: sums and marks per order key; the status follows from them in the table."""

from collections.abc import Iterable
from dataclasses import dataclass

from projections.events import FACT_RECORDED, VOUCHER_POSTED, EventState, LedgerEvent


@dataclass(slots=True)
class PaymentChange:
    """What a batch adds to one order key. In minor units of `currency` ('' while no event names one)."""

    first_effective_at: str
    last_effective_at: str
    last_position: int
    currency: str = ""
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    voided_minor: int = 0
    paid_out_minor: int = 0
    reversed_minor: int = 0
    """Captures and payouts taken back by request; they are no longer in their own sums."""
    captures: int = 0
    refunds: int = 0
    voided: bool = False


KIND_OF = {
    "payment.authorized": "authorization", "payment.captured": "capture", "payment.refunded": "refund",
    "refund.completed": "refund", "payment.voided": "void", "payout.paid": "payout", "payout.returned": "payout_back",
}  # fmt: skip
"""What each upstream event does to the sums of its order key. Others (a voucher by hand, whatever its kind, a step
before the last one) leave them as they are."""

REVERSAL = "reversal"
"""Kind of a voucher that takes back, by request, what one of these events had posted; a payment's void is none."""

PaymentRows = dict[tuple[int, str], PaymentChange]


def fold_payments(events: Iterable[LedgerEvent], rows: PaymentRows) -> None:
    """Changes per (book_id, order key)."""
    for book_id, position, event_type, order_key, state in events:
        if event_type != VOUCHER_POSTED and event_type != FACT_RECORDED:
            continue
        kind = KIND_OF.get(state["event_type"].rpartition(".v")[0], "")
        taken_back = "" if kind else _taken_back(state)
        if not kind and not taken_back:
            continue
        effective_at = state["effective_at"]
        row = rows.get((book_id, order_key))
        if row is None:
            row = rows[book_id, order_key] = PaymentChange(effective_at, effective_at, position)
        elif effective_at > row.last_effective_at:
            row.last_effective_at = effective_at
        elif effective_at < row.first_effective_at:
            row.first_effective_at = effective_at
        row.last_position = position
        row.currency = row.currency or state.get("currency") or ""
        amount_minor = int(state.get("amount_minor", "0"))
        if taken_back:
            _take_back(row, taken_back, amount_minor)
        else:
            _add(row, kind, amount_minor)


def _taken_back(state: EventState) -> str:
    """The kind of voucher that a reversal takes back; '' where that is no payment's."""
    reverses = state.get("reverses", ()) if state["kind"] == REVERSAL else ()
    return KIND_OF.get(reverses[0]["event_type"].rpartition(".v")[0], "") if reverses else ""


def _take_back(row: PaymentChange, kind: str, amount_minor: int) -> None:
    if kind == "capture":
        row.captured_minor -= amount_minor
        row.captures -= 1
        row.reversed_minor += amount_minor
    elif kind == "refund":
        row.refunded_minor -= amount_minor
        row.refunds -= 1
    elif kind == "payout":
        row.paid_out_minor -= amount_minor
        row.reversed_minor += amount_minor
    else:
        row.paid_out_minor += amount_minor


def _add(row: PaymentChange, kind: str, amount_minor: int) -> None:
    if kind == "capture":
        row.captured_minor += amount_minor
        row.captures += 1
    elif kind == "authorization":
        row.authorised_minor += amount_minor
    elif kind == "refund":
        row.refunded_minor += amount_minor
        row.refunds += 1
    elif kind == "void":
        row.voided_minor += amount_minor
        row.voided = True
    elif kind == "payout":
        row.paid_out_minor += amount_minor
    else:
        row.paid_out_minor -= amount_minor
