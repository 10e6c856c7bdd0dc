"""What captures say of the order that was paid: its status, and the proof that it was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from projections.queries.amounts import Amount
from projections.queries.timelines import TimelineEvent

ACCEPTED: Final = frozenset({"POSTED", "RECORDED"})
CAPTURED: Final = "payment.captured."


@dataclass(frozen=True, slots=True)
class PaymentProof:
    """Of one capture, as it was told: the processor's transaction and answer, or who confirmed the cash, and when.

    `order_status` is SHIPPED by what was prepaid, DELIVERED by cash on delivery; what nobody said is empty.
    """

    position: int
    amount: Amount
    order_status: str
    gateway_transaction_id: str
    gateway_response: str
    confirmed_by: str
    confirmed_at: str


_TOLD: Final = ("order_status", "gateway_transaction_id", "gateway_response", "confirmed_by", "confirmed_at")


def proofs_of(events: Sequence[TimelineEvent]) -> list[PaymentProof]:
    """Of the captures with a proof that were not called off or taken back; `events` in the order of the log."""
    gone = {link.position for event in events if event.outcome in ACCEPTED for link in event.reverses}
    return [
        PaymentProof(event.position, event.amount, *(str(event.details.get(name, "")) for name in _TOLD))
        for event in events
        if event.event_type.startswith(CAPTURED) and event.outcome in ACCEPTED and event.position not in gone
        if event.amount is not None and "order_status" in event.details
    ]


def order_status_of(proofs: Iterable[PaymentProof]) -> str:
    """As the last of them says; empty where there is none."""
    return next((proof.order_status for proof in reversed(list(proofs))), "")
