"""PayPal's webhooks as payment events, by its public documentation (Payments v2, the older sales, Payouts).

A payment is named by its capture, the one id that a refund names too; an authorisation has a name of its own, since
nothing that follows a capture names it. Amounts are decimals.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import events
from consumers.processors.fields import (
    IDENTIFIER,
    found,
    identifier,
    moment,
    optional_text,
    reason,
    section,
    sections,
    text,
    word,
)
from consumers.processors.model import Context, Json, Mapped, Reason, Recorded, UnmappableError
from consumers.processors.paypal_disputes import dispute
from consumers.processors.paypal_fields import NAME, amount

COMPLETED: Final = "COMPLETED"
"""The status of what was captured."""

Row = Callable[[Json, str, Context], Mapped] | Recorded


def map_webhook(webhook: Json, context: Context) -> Mapped:
    """By its event type. Raises `UnmappableError`."""
    row = ROWS.get(text(webhook, "event_type"), Recorded(Reason.TYPE_UNKNOWN))
    if isinstance(row, Recorded):
        return row
    return row(section(webhook, "resource"), moment(webhook, "create_time"), context)


def _authorized(resource: Json, time: str, context: Context) -> Mapped:
    own = identifier(resource, "id")
    return (events.authorized(events.payment_key(NAME, own), own, time, amount(resource, context), NAME),)


def _voided(resource: Json, time: str, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    own = identifier(resource, "id")
    return (events.voided(events.payment_key(NAME, own), own, time),)


def _captured(resource: Json, time: str, context: Context) -> Mapped:
    """An authorisation has another name: told again under this one it would be counted twice. That the payment was
    begun is what every capture implies."""
    own, money = identifier(resource, "id"), amount(resource, context)
    key = events.payment_key(NAME, own)
    return (
        events.intent_created(key, own, time, money, NAME),
        events.captured(key, own, time, money, NAME, COMPLETED),
    )


def _denied(resource: Json, time: str, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    """The payment is its capture: nothing else of it can follow."""
    own = identifier(resource, "id")
    why = reason(resource, "status_details", "reason", otherwise="denied")
    return (events.failed(events.payment_key(NAME, own), own, time, why),)


# Refunds and payouts ------------------------------------------------------------------------------


def _refunded(resource: Json, time: str, context: Context) -> Mapped:
    return _refund(resource, context).done(time)


def _refund_pending(resource: Json, time: str, context: Context) -> Mapped:
    return (_refund(resource, context).requested(time),)


def _refund_failed(resource: Json, time: str, context: Context) -> Mapped:
    why = reason(resource, "status_details", "reason", otherwise="failed")
    return _refund(resource, context).failed(time, why)


def _refund(resource: Json, context: Context) -> events.Refund:
    key = events.payment_key(NAME, _what_was_refunded(resource))
    return events.Refund(key, identifier(resource, "id"), amount(resource, context))


def _payout_requested(resource: Json, time: str, context: Context) -> Mapped:
    payout = _payout(resource, context)
    return payout if isinstance(payout, Recorded) else (payout.requested(time),)


def _paid_out(resource: Json, time: str, context: Context) -> Mapped:
    payout = _payout(resource, context)
    return payout if isinstance(payout, Recorded) else (payout.requested(time), payout.paid(time))


def _payout_failed(resource: Json, time: str, context: Context) -> Mapped:
    """Before it was paid: nobody could, or wanted to, take it."""
    payout, why = _payout(resource, context), _why(resource, "failed")
    return payout if isinstance(payout, Recorded) else (payout.requested(time), payout.failed(time, why))


def _payout_refunded(resource: Json, time: str, context: Context) -> Mapped:
    """Whoever had it has given it back."""
    payout, why = _payout(resource, context), _why(resource, "refunded")
    if isinstance(payout, Recorded):
        return payout
    return payout.requested(time), payout.paid(time), payout.returned(time, why)


def _payout(resource: Json, context: Context) -> events.Payout | Recorded:
    """`sender_item_id` is the platform's own word for whose payout it is."""
    item = section(resource, "payout_item")
    holder, payout_id = word(item, "sender_item_id", otherwise=""), identifier(resource, "payout_item_id")
    return events.payout(NAME, payout_id, amount(item, context), holder=holder, context=context)


def _why(resource: Json, otherwise: str) -> str:
    return reason(resource, "errors", "name", otherwise=otherwise)


def _what_was_refunded(refund: Json) -> str:
    """A capture, by the link upwards; in the older form a sale, by its id."""
    if found(refund, "sale_id") is not None:
        return identifier(refund, "sale_id")
    for link in sections(refund, "links"):
        address = optional_text(link, "href")
        if optional_text(link, "rel") == "up" and "/payments/captures/" in address:
            own = address.rpartition("/")[2]
            if IDENTIFIER.fullmatch(own):
                return own
    raise UnmappableError("DATA_INVALID", "links name no capture that was refunded")


REVERSED: Final = Recorded(Reason.UNDECIDED, "capture reversed")
"""Perhaps because of a dispute, which says so itself, perhaps without one; it names none."""

ROWS: Final[Mapping[str, Row]] = MappingProxyType({
    "CHECKOUT.ORDER.APPROVED": Recorded(Reason.NOT_FINAL, "payment"),
    "CHECKOUT.ORDER.COMPLETED": Recorded(Reason.SAID_ELSEWHERE, "capture"),
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": Recorded(Reason.NOT_SUCCESSFUL, "payment"),
    "PAYMENT.AUTHORIZATION.CREATED": _authorized,
    "PAYMENT.AUTHORIZATION.VOIDED": _voided,
    "PAYMENT.CAPTURE.COMPLETED": _captured,
    "PAYMENT.CAPTURE.PENDING": Recorded(Reason.NOT_FINAL, "capture"),
    "PAYMENT.CAPTURE.DECLINED": _denied,
    "PAYMENT.CAPTURE.DENIED": _denied,
    "PAYMENT.CAPTURE.REFUNDED": _refunded,
    "PAYMENT.CAPTURE.REVERSED": REVERSED,
    "PAYMENT.REFUND.PENDING": _refund_pending,
    "PAYMENT.REFUND.FAILED": _refund_failed,
    "PAYMENT.SALE.COMPLETED": _captured,
    "PAYMENT.SALE.PENDING": Recorded(Reason.NOT_FINAL, "sale"),
    "PAYMENT.SALE.DENIED": _denied,
    "PAYMENT.SALE.REFUNDED": _refunded,
    "PAYMENT.SALE.REVERSED": REVERSED,
    "PAYMENT.PAYOUTSBATCH.PROCESSING": Recorded(Reason.NOT_FINAL, "payout"),
    "PAYMENT.PAYOUTSBATCH.SUCCESS": Recorded(Reason.SAID_ELSEWHERE, "payout item"),
    "PAYMENT.PAYOUTSBATCH.DENIED": Recorded(Reason.SAID_ELSEWHERE, "payout item"),
    "PAYMENT.PAYOUTS-ITEM.SUCCEEDED": _paid_out,
    "PAYMENT.PAYOUTS-ITEM.UNCLAIMED": _payout_requested,
    "PAYMENT.PAYOUTS-ITEM.HELD": _payout_requested,
    "PAYMENT.PAYOUTS-ITEM.BLOCKED": _payout_failed,
    "PAYMENT.PAYOUTS-ITEM.CANCELED": _payout_failed,
    "PAYMENT.PAYOUTS-ITEM.DENIED": _payout_failed,
    "PAYMENT.PAYOUTS-ITEM.FAILED": _payout_failed,
    "PAYMENT.PAYOUTS-ITEM.REFUNDED": _payout_refunded,
    "PAYMENT.PAYOUTS-ITEM.RETURNED": _payout_failed,
    "CUSTOMER.DISPUTE.CREATED": dispute,
    "CUSTOMER.DISPUTE.UPDATED": dispute,
    "CUSTOMER.DISPUTE.RESOLVED": dispute,
})  # fmt: skip
"""To map a further type is one row. A type that is not here is kept as TYPE_UNKNOWN."""
