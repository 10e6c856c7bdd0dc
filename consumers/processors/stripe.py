"""Stripe's webhooks as payment events.

A charge is the fact: `charge.succeeded` says that it was authorised or captured, `charge.captured` that it was captured
later. A payment intent says the same of the charge that it carries, under the same ids, so that subscribing to both
does no harm; where it carries none (API versions from 2022-11-15) the charge's own webhook says it.

A refund without a balance transaction moved no money: it let go of what a capture had left of its authorisation.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import events
from consumers.processors.fields import (
    found,
    identifier,
    only_word,
    optional_text,
    reason,
    sections,
    text,
    whole_number,
    word,
)
from consumers.processors.model import (
    NO_MONEY,
    TEST_MODE,
    Context,
    Json,
    Mapped,
    PaymentEvent,
    Reason,
    Recorded,
    UnmappableError,
    later,
)
from consumers.processors.stripe_disputes import dispute
from consumers.processors.stripe_fields import NAME, amount, minor_units, payment_key, thing_of, time_of

PLATFORM_FEES: Final = "control:PLATFORM_FEES"

Row = Callable[[Json, Context], Mapped] | Recorded
"""What a webhook of one type becomes: a function of the whole webhook, or the same answer always."""


def map_webhook(webhook: Json, context: Context) -> Mapped:
    """By its type. Raises `UnmappableError`."""
    if found(webhook, "livemode") is False and not context.test_mode:
        return TEST_MODE
    row = ROWS.get(text(webhook, "type"), Recorded(Reason.TYPE_UNKNOWN))
    return row if isinstance(row, Recorded) else row(webhook, context)


# Payments -----------------------------------------------------------------------------------------


def _charge(webhook: Json, context: Context) -> Mapped:
    return _said_of_charge(thing_of(webhook), time_of(webhook), context)


def _charges_of_intent(webhook: Json, context: Context) -> Mapped:
    """The list begins with the latest one."""
    made: list[PaymentEvent] = []
    for charge in reversed(sections(thing_of(webhook), "charges", "data")):
        said = _said_of_charge(charge, time_of(webhook), context)
        made += [] if isinstance(said, Recorded) else said
    return tuple(made) or Recorded(Reason.SAID_ELSEWHERE, "charge")


def _said_of_charge(charge: Json, time: str, context: Context) -> Mapped:
    status = optional_text(charge, "status")
    if status == "failed":
        return (_charge_failed(charge, time),)
    if status != "succeeded":
        return Recorded(Reason.NOT_FINAL if status == "pending" else Reason.NOT_SUCCESSFUL, "charge")
    key, fact_id = _key(charge), identifier(charge, "id")
    method = word(charge, "payment_method_details", "type", otherwise=NAME)
    authorized = events.authorized(key, fact_id, time, amount(charge, "amount", context.scales), method)
    if found(charge, "captured") is not True:
        return (authorized,)
    member = "amount" if found(charge, "amount_captured") is None else "amount_captured"
    money, shares = amount(charge, member, context.scales), _beneficiaries(charge, member, context)
    return authorized, events.captured(key, fact_id, time, money, method, status, shares)


def _charge_failed(charge: Json, time: str) -> PaymentEvent:
    """One try of its payment intent, after which others may follow; without an intent it was the only one."""
    key, fact_id, why = _key(charge), identifier(charge, "id"), reason(charge, "failure_code", otherwise="failed")
    if found(charge, "payment_intent") is None:
        return events.failed(key, fact_id, time, why)
    return events.capture_failed(key, fact_id, time, why)


def _beneficiaries(charge: Json, captured: str, context: Context) -> tuple[Json, ...]:
    """Of a destination charge: the connected account and, by what it does not get, the platform."""
    of_transfer = optional_text(charge, "transfer_data", "destination")
    account = events.account_of(context.beneficiary_account, of_transfer or optional_text(charge, "destination"))
    if not account:
        return ()
    whole, kept = whole_number(charge, captured), 0
    if found(charge, "transfer_data", "amount") is not None:
        kept = whole - whole_number(charge, "transfer_data", "amount")
    elif found(charge, "application_fee_amount") is not None:
        kept = whole_number(charge, "application_fee_amount")
    if not 0 <= kept <= whole:
        raise UnmappableError("AMOUNT_INVALID", "the application fee, or the transfer, is more than the charge")
    currency = text(charge, "currency").upper()
    parts = ((account, whole - kept), (PLATFORM_FEES, kept))
    return tuple(events.beneficiary(code, minor_units(part, currency, context.scales)) for code, part in parts if part)


def _intent_created(webhook: Json, context: Context) -> Mapped:
    intent = thing_of(webhook)
    method = only_word(intent, "payment_method_types", otherwise=NAME)
    fact_id, money = identifier(intent, "id"), amount(intent, "amount", context.scales)
    return (events.intent_created(events.payment_key(NAME, fact_id), fact_id, time_of(webhook), money, method),)


def _intent_canceled(webhook: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    """Called off by somebody; what Stripe itself ends because an authorisation lapsed is said by its charge."""
    intent = thing_of(webhook)
    tried = sections(intent, "charges", "data") or found(intent, "latest_charge") is not None
    if tried and optional_text(intent, "cancellation_reason") in {"automatic", "expired"}:
        return Recorded(Reason.SAID_ELSEWHERE, "charge")
    return (_voided(events.payment_key(NAME, identifier(intent, "id")), time_of(webhook)),)


def _charge_expired(webhook: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    charge = thing_of(webhook)
    return (events.authorization_expired(_key(charge), identifier(charge, "id"), time_of(webhook)),)


def _voided(key: str, time: str) -> PaymentEvent:
    """Once for a payment, so it is the payment that names it, whether its intent or its charge says so."""
    return events.voided(key, key.removeprefix(f"{NAME}:"), time)


def _key(charge: Json) -> str:
    return payment_key(charge, charge="id")


# Refunds ------------------------------------------------------------------------------------------


def _charge_refunded(webhook: Json, context: Context) -> Mapped:
    """Older API versions list the refunds in the charge; all of them are said again each time, and known again."""
    charge, time = thing_of(webhook), time_of(webhook)
    if found(charge, "captured") is False:
        return (_voided(_key(charge), time),)
    made: list[PaymentEvent] = []
    for refund in reversed(sections(charge, "refunds", "data")):
        said = _said_of_refund(refund, _key(charge), time, context)
        made += [] if isinstance(said, Recorded) else said
    return tuple(made) or Recorded(Reason.SAID_ELSEWHERE, "refund")


def _refund(webhook: Json, context: Context) -> Mapped:
    refund = thing_of(webhook)
    return _said_of_refund(refund, payment_key(refund, charge="charge"), time_of(webhook), context)


def _said_of_refund(thing: Json, key: str, time: str, context: Context) -> Mapped:
    """One that failed had perhaps been called done before: it is told as done and taken back, which holds for both."""
    status = optional_text(thing, "status")
    moved = found(thing, "balance_transaction") is not None
    if status == "succeeded" and not moved:
        return Recorded(Reason.NO_MONEY, "authorisation let go")
    refund = events.Refund(key, identifier(thing, "id"), amount(thing, "amount", context.scales))
    why = reason(thing, "failure_reason", otherwise=status)
    match status:
        case "pending" | "requires_action":
            return (refund.requested(time),)
        case "succeeded":
            return refund.done(time)
        case "failed" if moved:
            return *refund.done(time), events.taken_back(key, refund.done_id, time, why)
        case "failed" | "canceled":
            return refund.failed(time, why)
    raise UnmappableError("DATA_INVALID", "data.object.status is no status of a refund")


# Payouts ------------------------------------------------------------------------------------------


def _payout(webhook: Json, context: Context) -> Mapped:
    """Stripe may call a payout paid and let it fail within days: a failed one is told as paid and returned, which is
    the same to every account and holds in whatever order its webhooks come."""
    thing, time = thing_of(webhook), time_of(webhook)
    holder, money = word(webhook, "account", otherwise=""), amount(thing, "amount", context.scales)
    payout = events.payout(NAME, identifier(thing, "id"), money, holder=holder, context=context)
    if isinstance(payout, Recorded):
        return payout
    requested, why = payout.requested(time), reason(thing, "failure_code", otherwise="failed")
    match text(webhook, "type"):
        case "payout.paid":
            return requested, payout.paid(time)
        case "payout.failed":
            return requested, payout.paid(time), payout.returned(time, why)
        case "payout.canceled":
            return requested, payout.failed(time, "canceled")
    return (requested,)


ROWS: Final[Mapping[str, Row]] = MappingProxyType({
    "charge.succeeded": _charge,
    "charge.captured": _charge,
    "charge.refunded": _charge_refunded,
    "charge.refund.updated": _refund,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.pending": Recorded(Reason.NOT_FINAL, "charge"),
    "charge.failed": _charge,
    "charge.expired": _charge_expired,
    "charge.updated": NO_MONEY,
    "charge.dispute.created": dispute,
    "charge.dispute.updated": dispute,
    "charge.dispute.closed": dispute,
    "charge.dispute.funds_withdrawn": dispute,
    "charge.dispute.funds_reinstated": dispute,
    "payment_intent.created": _intent_created,
    "payment_intent.requires_action": Recorded(Reason.NOT_FINAL, "payment"),
    "payment_intent.processing": Recorded(Reason.NOT_FINAL, "payment"),
    "payment_intent.partially_funded": Recorded(Reason.NOT_FINAL, "payment"),
    "payment_intent.amount_capturable_updated": _charges_of_intent,
    "payment_intent.succeeded": _charges_of_intent,
    "payment_intent.canceled": _intent_canceled,
    "payment_intent.payment_failed": _charges_of_intent,
    "payout.created": _payout,
    "payout.updated": NO_MONEY,
    "payout.paid": _payout,
    "payout.failed": _payout,
    "payout.canceled": _payout,
    "payout.reconciliation_completed": NO_MONEY,
    "application_fee.created": Recorded(Reason.SAID_ELSEWHERE, "charge"),
    "application_fee.refunded": later("platform fee given back"),
    "application_fee.refund.updated": NO_MONEY,
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
