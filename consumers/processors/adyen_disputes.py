"""Adyen's disputes. All webhooks of one carry its `pspReference`, and the payment's as `originalReference`.

`CHARGEBACK` takes the money, `CHARGEBACK_REVERSED` gives it back while the issuer decides, `SECOND_CHARGEBACK` and
`PREARBITRATION_LOST` take it for good: in the ledger that is a second dispute, which is lost at once.
"""

from consumers.processors.adyen_fields import amount, own_reference, payment_key, time_of
from consumers.processors.events import Dispute
from consumers.processors.fields import found
from consumers.processors.model import Context, Json, Mapped, UnmappableError


def opened(item: Json, context: Context) -> Mapped:
    return (_dispute(item, context).opened(time_of(item)),)


def evidence_submitted(item: Json, context: Context) -> Mapped:
    return (_dispute(item, context).evidence_submitted(time_of(item)),)


def won(item: Json, context: Context) -> Mapped:
    dispute, time = _dispute(item, context), time_of(item)
    return dispute.opened(time), dispute.won(time)


def lost(item: Json, context: Context) -> Mapped:
    """Nobody defended it. It may have been an announcement only, so it waits for what takes the money."""
    return (_dispute(item, context).lost(time_of(item)),)


def lost_at_last(item: Json, context: Context) -> Mapped:
    """After it had been won for the time being."""
    dispute, time = _dispute(item, context), time_of(item)
    second = Dispute(dispute.key, f"{dispute.dispute_id}-second", dispute.amount)
    return dispute.opened(time), dispute.won(time), second.opened(time), second.lost(time)


def _dispute(item: Json, context: Context) -> Dispute:
    if found(item, "originalReference") is None:
        raise UnmappableError(
            "DATA_INVALID",
            "originalReference is missing: have it included in the webhook's settings at Adyen, under Risk",
        )
    return Dispute(payment_key(item), own_reference(item), amount(item, context))
