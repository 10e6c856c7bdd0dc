"""PayPal's disputes, by the stage and the outcome that each webhook carries: an inquiry is talk between two parties;
from the stage of a chargeback on the money is taken until it is decided.
"""

from typing import Final

from consumers.processors import events
from consumers.processors.fields import identifier, optional_text, section, sections
from consumers.processors.model import Context, Json, Mapped, PaymentEvent, Reason, Recorded, UnmappableError
from consumers.processors.paypal_fields import NAME, amount

TAKEN: Final = frozenset({"CHARGEBACK", "PRE_ARBITRATION", "ARBITRATION"})
WON: Final = frozenset({"RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "DENIED"})
LOST: Final = frozenset({"RESOLVED_BUYER_FAVOUR", "ACCEPTED"})


def dispute(resource: Json, time: str, context: Context) -> Mapped:
    """Whatever of its life the dispute shows, in the order of its steps. It names a payment by its capture."""
    if optional_text(resource, "dispute_life_cycle_stage") not in TAKEN:
        return Recorded(Reason.NO_MONEY, "inquiry")
    disputed = sections(resource, "disputed_transactions")
    if len(disputed) != 1:
        raise UnmappableError("DATA_INVALID", "disputed_transactions names no payment, or several")
    key = events.payment_key(NAME, identifier(disputed[0], "seller_transaction_id"))
    told = events.Dispute(key, identifier(resource, "dispute_id"), amount(resource, context, member="dispute_amount"))
    made: list[PaymentEvent] = [told.opened(time)]
    if any(optional_text(one, "source") == "SUBMITTED_BY_SELLER" for one in sections(resource, "evidences")):
        made.append(told.evidence_submitted(time))
    if optional_text(resource, "status") == "RESOLVED":
        made.append(_resolved(resource, told, time, context))
    return tuple(made)


def _resolved(resource: Json, told: events.Dispute, time: str, context: Context) -> PaymentEvent:
    outcome = optional_text(resource, "dispute_outcome", "outcome_code")
    if outcome in WON:
        return told.won(time)
    if outcome not in LOST:
        raise UnmappableError("DATA_INVALID", "dispute_outcome.outcome_code says neither whose favour nor whose loss")
    refunded = section(resource, "dispute_outcome")
    if "amount_refunded" in refunded and amount(refunded, context, member="amount_refunded") != told.amount:
        raise UnmappableError("DATA_INVALID", "dispute_outcome.amount_refunded is another amount than the disputed one")
    return told.lost(time)
