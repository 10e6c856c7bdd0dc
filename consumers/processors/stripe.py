"""Stripe's webhooks as payment events.

A charge is the fact: `charge.succeeded` says that it was authorised or captured, `charge.captured` that it was captured
later. A payment intent says the same of the charge that it carries, under the same ids, so that subscribing to both
does no harm; where it carries none (API versions from 2022-11-15) the charge's own webhook says it.

A refund without a balance transaction moved no money: it let go of what a capture had left of its authorisation.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import digits, events
from consumers.processors.fields import (
    found,
    identifier,
    optional_text,
    section,
    sections,
    text,
    time_of_epoch,
    whole_number,
    word,
)
from consumers.processors.model import NO_MONEY, Context, Json, Mapped, PaymentEvent, Reason, Recorded, later

NAME: Final = "stripe"

Row = Callable[[Json, Context], Mapped] | Recorded
"""What a webhook of one type becomes: a function of the whole webhook, or the same answer always."""


def map_webhook(webhook: Json, context: Context) -> Mapped:
    """By its type. Raises `UnmappableError`."""
    row = ROWS.get(text(webhook, "type"), Recorded(Reason.TYPE_UNKNOWN))
    return row if isinstance(row, Recorded) else row(webhook, context)


def _charge(webhook: Json, context: Context) -> Mapped:
    return _said_of_charge(section(webhook, "data", "object"), time_of_epoch(webhook, "created"), context)


def _charges_of_intent(webhook: Json, context: Context) -> Mapped:
    time = time_of_epoch(webhook, "created")
    made: list[PaymentEvent] = []
    for charge in sections(webhook, "data", "object", "charges", "data"):
        said = _said_of_charge(charge, time, context)
        made += [] if isinstance(said, Recorded) else said
    return tuple(made) or Recorded(Reason.SAID_ELSEWHERE, "charge")


def _said_of_charge(charge: Json, time: str, context: Context) -> Mapped:
    status = optional_text(charge, "status")
    if status != "succeeded":
        return Recorded(Reason.NOT_FINAL if status == "pending" else Reason.NOT_SUCCESSFUL, "charge")
    key, fact_id = _payment_key(charge), identifier(charge, "id")
    method = word(charge, "payment_method_details", "type", otherwise=NAME)
    if found(charge, "captured") is not True:
        return (events.authorized(key, fact_id, time, _amount(charge, "amount", context), method),)
    member = "amount" if found(charge, "amount_captured") is None else "amount_captured"
    return (events.captured(key, fact_id, time, _amount(charge, member, context), method),)


def _charge_refunded(webhook: Json, context: Context) -> Mapped:
    """Older API versions list the refunds in the charge; all of them are said again each time, and known again."""
    charge, time = section(webhook, "data", "object"), time_of_epoch(webhook, "created")
    if found(charge, "captured") is False:
        return (_voided(charge, time),)
    made: list[PaymentEvent] = []
    for refund in sections(charge, "refunds", "data"):
        said = _said_of_refund(refund, _payment_key(charge), time, context)
        made += [] if isinstance(said, Recorded) else said
    return tuple(made) or Recorded(Reason.SAID_ELSEWHERE, "refund")


def _refund(webhook: Json, context: Context) -> Mapped:
    refund = section(webhook, "data", "object")
    payment = "charge" if found(refund, "payment_intent") is None else "payment_intent"
    key = events.payment_key(NAME, identifier(refund, payment))
    return _said_of_refund(refund, key, time_of_epoch(webhook, "created"), context)


def _said_of_refund(refund: Json, key: str, time: str, context: Context) -> Mapped:
    status = optional_text(refund, "status")
    if status in {"pending", "requires_action"}:
        return Recorded(Reason.NOT_FINAL, "refund")
    if status != "succeeded":
        return Recorded(Reason.NO_EVENT_TYPE, "refund failed")
    if found(refund, "balance_transaction") is None:
        return Recorded(Reason.NO_MONEY, "authorisation let go")
    return (events.refunded(key, identifier(refund, "id"), time, _amount(refund, "amount", context)),)


def _intent_canceled(webhook: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    time = time_of_epoch(webhook, "created")
    charges = sections(webhook, "data", "object", "charges", "data")
    held = [charge for charge in charges if found(charge, "captured") is False and found(charge, "paid") is True]
    return tuple(_voided(charge, time) for charge in held) or Recorded(Reason.SAID_ELSEWHERE, "charge")


def _charge_expired(webhook: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    charge, time = section(webhook, "data", "object"), time_of_epoch(webhook, "created")
    return (events.authorization_expired(_payment_key(charge), identifier(charge, "id"), time),)


def _payout_paid(webhook: Json, context: Context) -> Mapped:
    payout = section(webhook, "data", "object")
    amount, holder = _amount(payout, "amount", context), word(webhook, "account", otherwise="")
    time = time_of_epoch(webhook, "created")
    return events.paid_out(NAME, identifier(payout, "id"), time, amount, holder=holder, context=context)


def _voided(charge: Json, time: str) -> PaymentEvent:
    return events.voided(_payment_key(charge), identifier(charge, "id"), time)


def _payment_key(charge: Json) -> str:
    """The payment intent, whose charge may be one of several tries; a charge of its own otherwise."""
    member = "id" if found(charge, "payment_intent") is None else "payment_intent"
    return events.payment_key(NAME, identifier(charge, member))


def _amount(thing: Json, member: str, context: Context) -> Json:
    currency = text(thing, "currency").upper()
    minor = digits.minor_units(whole_number(thing, member), currency, digits.STRIPE, context.scales)
    return events.money(minor, currency)


ROWS: Final[Mapping[str, Row]] = MappingProxyType({
    "charge.succeeded": _charge,
    "charge.captured": _charge,
    "charge.refunded": _charge_refunded,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": later("refund failed"),
    "charge.pending": Recorded(Reason.NOT_FINAL, "charge"),
    "charge.failed": later("payment failed"),
    "charge.expired": _charge_expired,
    "charge.updated": NO_MONEY,
    "charge.dispute.created": later("chargeback opened"),
    "charge.dispute.updated": later("chargeback evidence"),
    "charge.dispute.closed": later("chargeback won or lost"),
    "charge.dispute.funds_withdrawn": later("chargeback funds withdrawn"),
    "charge.dispute.funds_reinstated": later("chargeback funds reinstated"),
    "payment_intent.created": later("payment intent created"),
    "payment_intent.requires_action": Recorded(Reason.NOT_FINAL, "payment"),
    "payment_intent.processing": Recorded(Reason.NOT_FINAL, "payment"),
    "payment_intent.partially_funded": Recorded(Reason.NOT_FINAL, "payment"),
    "payment_intent.amount_capturable_updated": _charges_of_intent,
    "payment_intent.succeeded": _charges_of_intent,
    "payment_intent.canceled": _intent_canceled,
    "payment_intent.payment_failed": later("payment failed"),
    "payout.created": Recorded(Reason.NOT_FINAL, "payout"),
    "payout.updated": NO_MONEY,
    "payout.paid": _payout_paid,
    "payout.failed": later("payout failed"),
    "payout.canceled": later("payout cancelled"),
    "transfer.created": later("transfer"),
    "transfer.updated": NO_MONEY,
    "transfer.paid": later("transfer"),
    "transfer.failed": later("transfer failed"),
    "transfer.reversed": later("transfer reversed"),
    "balance.available": NO_MONEY,
    "cash_balance.funds_available": NO_MONEY,
    "topup.created": later("top-up"),
    "account.updated": NO_MONEY,
    "account.application.authorized": NO_MONEY,
    "account.application.deauthorized": NO_MONEY,
    "account.external_account.created": NO_MONEY,
    "account.external_account.deleted": NO_MONEY,
    "account.external_account.updated": NO_MONEY,
})  # fmt: skip
"""To map a further type is one row. A type that is not here is kept as TYPE_UNKNOWN."""
