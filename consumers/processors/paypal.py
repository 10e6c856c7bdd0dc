"""PayPal's webhooks as payment events, by its public documentation (Payments v2, the older sales, Payouts).

A payment is named by its capture, the one id that a refund names too; an authorisation has a name of its own, since
nothing that follows a capture names it. Amounts are decimals.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import digits, events
from consumers.processors.fields import (
    IDENTIFIER,
    found,
    identifier,
    moment,
    optional_text,
    section,
    sections,
    text,
    word,
)
from consumers.processors.model import Context, Json, Mapped, Reason, Recorded, UnmappableError, later

NAME: Final = "paypal"

Row = Callable[[Json, str, Context], Mapped] | Recorded


def map_webhook(webhook: Json, context: Context) -> Mapped:
    """By its event type. Raises `UnmappableError`."""
    row = ROWS.get(text(webhook, "event_type"), Recorded(Reason.TYPE_UNKNOWN))
    if isinstance(row, Recorded):
        return row
    return row(section(webhook, "resource"), moment(webhook, "create_time"), context)


def _authorized(resource: Json, time: str, context: Context) -> Mapped:
    own = identifier(resource, "id")
    return (events.authorized(events.payment_key(NAME, own), own, time, _amount(resource, context), NAME),)


def _voided(resource: Json, time: str, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    own = identifier(resource, "id")
    return (events.voided(events.payment_key(NAME, own), own, time),)


def _captured(resource: Json, time: str, context: Context) -> Mapped:
    own = identifier(resource, "id")
    return (events.captured(events.payment_key(NAME, own), own, time, _amount(resource, context), NAME),)


def _refunded(resource: Json, time: str, context: Context) -> Mapped:
    key = events.payment_key(NAME, _what_was_refunded(resource))
    return (events.refunded(key, identifier(resource, "id"), time, _amount(resource, context)),)


def _paid_out(resource: Json, time: str, context: Context) -> Mapped:
    """`sender_item_id` is the platform's own word for whose payout it is."""
    item = section(resource, "payout_item")
    holder = word(item, "sender_item_id", otherwise="")
    amount = _amount(item, context)
    return events.paid_out(NAME, identifier(resource, "payout_item_id"), time, amount, holder=holder, context=context)


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


def _amount(resource: Json, context: Context) -> Json:
    amount = section(resource, "amount")
    currency = text(amount, "currency_code" if found(amount, "currency_code") is not None else "currency")
    value = text(amount, "value" if found(amount, "value") is not None else "total")
    minor = digits.minor_units_of_decimal(value.removeprefix("-"), currency, digits.PAYPAL, context.scales)
    return events.money(minor, currency)


ROWS: Final[Mapping[str, Row]] = MappingProxyType({
    "CHECKOUT.ORDER.APPROVED": Recorded(Reason.NOT_FINAL, "payment"),
    "CHECKOUT.ORDER.COMPLETED": Recorded(Reason.SAID_ELSEWHERE, "capture"),
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED": Recorded(Reason.NOT_SUCCESSFUL, "payment"),
    "PAYMENT.AUTHORIZATION.CREATED": _authorized,
    "PAYMENT.AUTHORIZATION.VOIDED": _voided,
    "PAYMENT.CAPTURE.COMPLETED": _captured,
    "PAYMENT.CAPTURE.PENDING": Recorded(Reason.NOT_FINAL, "capture"),
    "PAYMENT.CAPTURE.DECLINED": later("capture failed"),
    "PAYMENT.CAPTURE.DENIED": later("capture failed"),
    "PAYMENT.CAPTURE.REFUNDED": _refunded,
    "PAYMENT.CAPTURE.REVERSED": later("capture reversed"),
    "PAYMENT.REFUND.PENDING": Recorded(Reason.NOT_FINAL, "refund"),
    "PAYMENT.REFUND.FAILED": later("refund failed"),
    "PAYMENT.SALE.COMPLETED": _captured,
    "PAYMENT.SALE.PENDING": Recorded(Reason.NOT_FINAL, "sale"),
    "PAYMENT.SALE.DENIED": later("capture failed"),
    "PAYMENT.SALE.REFUNDED": _refunded,
    "PAYMENT.SALE.REVERSED": later("capture reversed"),
    "PAYMENT.PAYOUTSBATCH.PROCESSING": Recorded(Reason.NOT_FINAL, "payout"),
    "PAYMENT.PAYOUTSBATCH.SUCCESS": Recorded(Reason.SAID_ELSEWHERE, "payout item"),
    "PAYMENT.PAYOUTSBATCH.DENIED": Recorded(Reason.SAID_ELSEWHERE, "payout item"),
    "PAYMENT.PAYOUTS-ITEM.SUCCEEDED": _paid_out,
    "PAYMENT.PAYOUTS-ITEM.UNCLAIMED": Recorded(Reason.NOT_FINAL, "payout"),
    "PAYMENT.PAYOUTS-ITEM.HELD": Recorded(Reason.NOT_FINAL, "payout"),
    "PAYMENT.PAYOUTS-ITEM.BLOCKED": later("payout failed"),
    "PAYMENT.PAYOUTS-ITEM.CANCELED": later("payout cancelled"),
    "PAYMENT.PAYOUTS-ITEM.DENIED": later("payout failed"),
    "PAYMENT.PAYOUTS-ITEM.FAILED": later("payout failed"),
    "PAYMENT.PAYOUTS-ITEM.REFUNDED": later("payout returned"),
    "PAYMENT.PAYOUTS-ITEM.RETURNED": later("payout returned"),
    "CUSTOMER.DISPUTE.CREATED": later("chargeback opened"),
    "CUSTOMER.DISPUTE.UPDATED": later("chargeback evidence"),
    "CUSTOMER.DISPUTE.RESOLVED": later("chargeback won or lost"),
})  # fmt: skip
"""To map a further type is one row. A type that is not here is kept as TYPE_UNKNOWN."""
