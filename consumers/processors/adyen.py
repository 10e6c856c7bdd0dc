"""Adyen's webhooks as payment events.

A payment is named by the `pspReference` of its authorisation, which modifications carry as `originalReference`; a
capture, refund or cancellation has a `pspReference` of its own, which names that fact. `success` false says that it
came to nothing. Webhooks of other kinds (balance platform, terminals, accounts) are kept by their names.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import digits, events
from consumers.processors.fields import (
    found,
    identifier,
    moment,
    optional_text,
    section,
    sections,
    text,
    whole_number,
    word,
)
from consumers.processors.model import NO_MONEY, Context, Json, Mapped, Reason, Recorded, UnmappableError, later

NAME: Final = "adyen"

Row = Callable[[Json, Context], Mapped] | Recorded


def map_webhook(webhook: Json, context: Context) -> Mapped:
    """The one item of a notification, by its event code. Raises `UnmappableError`."""
    items = sections(webhook, "notificationItems")
    if not items:
        return Recorded(Reason.TYPE_UNKNOWN)
    if len(items) > 1:
        raise UnmappableError("DATA_INVALID", "notificationItems holds more than one item")
    item = section(items[0], "NotificationRequestItem")
    row = ROWS.get(text(item, "eventCode"), Recorded(Reason.TYPE_UNKNOWN))
    if isinstance(row, Recorded):
        return row
    if not _succeeded(item):
        return Recorded(Reason.NOT_SUCCESSFUL, text(item, "eventCode").lower())
    return row(item, context)


def _succeeded(item: Json) -> bool:
    return found(item, "success") in ("true", True)


def _authorised(item: Json, context: Context) -> Mapped:
    if whole_number(item, "amount", "value") == 0:
        return Recorded(Reason.NO_MONEY, "a card was looked at")
    reference = identifier(item, "pspReference")
    make = events.captured if context.captures_at_once else events.authorized
    key = events.payment_key(NAME, reference)
    return (make(key, reference, _time(item), _amount(item, context), _method(item)),)


def _captured(item: Json, context: Context) -> Mapped:
    if context.captures_at_once:
        return Recorded(Reason.SAID_ELSEWHERE, "authorisation")
    reference = identifier(item, "pspReference")
    return (events.captured(_original(item), reference, _time(item), _amount(item, context), _method(item)),)


def _cancelled(item: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    return (events.voided(_original(item), identifier(item, "pspReference"), _time(item)),)


def _expired(item: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    """It has no reference of its own: it carries the payment's."""
    reference = identifier(item, "pspReference")
    return (events.authorization_expired(events.payment_key(NAME, reference), reference, _time(item)),)


def _refunded(item: Json, context: Context) -> Mapped:
    reference = identifier(item, "pspReference")
    return (events.refunded(_original(item), reference, _time(item), _amount(item, context)),)


def _cancelled_or_refunded(item: Json, context: Context) -> Mapped:
    """Adyen decides which of the two it is, and says so."""
    match optional_text(section(item, "additionalData"), "modification.action"):
        case "cancel":
            return _cancelled(item, context)
        case "refund":
            return _refunded(item, context)
    raise UnmappableError("DATA_INVALID", "additionalData.modification.action is neither cancel nor refund")


def _paid_out(item: Json, context: Context) -> Mapped:
    holder = word(item, "additionalData", "shopperReference", otherwise="")
    reference, amount = identifier(item, "pspReference"), _amount(item, context)
    return events.paid_out(NAME, reference, _time(item), amount, holder=holder, context=context)


def _original(item: Json) -> str:
    return events.payment_key(NAME, identifier(item, "originalReference"))


def _amount(item: Json, context: Context) -> Json:
    currency = text(item, "amount", "currency")
    value = whole_number(item, "amount", "value")
    return events.money(digits.minor_units(value, currency, digits.ADYEN, context.scales), currency)


def _time(item: Json) -> str:
    return moment(item, "eventDate")


def _method(item: Json) -> str:
    return word(item, "paymentMethod", otherwise=NAME)


ROWS: Final[Mapping[str, Row]] = MappingProxyType({
    "AUTHORISATION": _authorised,
    "AUTHORISATION_ADJUSTMENT": later("authorisation adjusted"),
    "CAPTURE": _captured,
    "CAPTURE_FAILED": later("capture failed"),
    "CANCELLATION": _cancelled,
    "TECHNICAL_CANCEL": _cancelled,
    "CANCEL_OR_REFUND": _cancelled_or_refunded,
    "EXPIRE": _expired,
    "REFUND": _refunded,
    "REFUND_FAILED": later("refund failed"),
    "REFUNDED_REVERSED": later("refund returned"),
    "REFUND_WITH_DATA": later("refund without a payment"),
    "POSTPONED_REFUND": Recorded(Reason.NOT_FINAL, "refund"),
    "VOID_PENDING_REFUND": later("refund called off"),
    "PAYOUT_THIRDPARTY": _paid_out,
    "PAYOUT_DECLINE": later("payout failed"),
    "PAYOUT_EXPIRE": later("payout failed"),
    "PAIDOUT_REVERSED": later("payout returned"),
    "REQUEST_FOR_INFORMATION": NO_MONEY,
    "NOTIFICATION_OF_CHARGEBACK": later("chargeback announced"),
    "CHARGEBACK": later("chargeback opened"),
    "SECOND_CHARGEBACK": later("chargeback lost"),
    "CHARGEBACK_REVERSED": later("chargeback won"),
    "PREARBITRATION_WON": later("chargeback won"),
    "PREARBITRATION_LOST": later("chargeback lost"),
    "INFORMATION_SUPPLIED": later("chargeback evidence"),
    "DISPUTE_DEFENSE_PERIOD_ENDED": later("chargeback lost"),
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": later("chargeback won"),
    "ISSUER_COMMENTS": NO_MONEY,
    "NOTIFICATION_OF_FRAUD": NO_MONEY,
    "MANUAL_REVIEW_ACCEPT": NO_MONEY,
    "MANUAL_REVIEW_REJECT": NO_MONEY,
    "ORDER_OPENED": Recorded(Reason.NOT_FINAL, "order"),
    "ORDER_CLOSED": Recorded(Reason.SAID_ELSEWHERE, "authorisation"),
    "OFFER_CLOSED": Recorded(Reason.NOT_SUCCESSFUL, "payment"),
    "AUTORESCUE": Recorded(Reason.SAID_ELSEWHERE, "authorisation"),
    "CANCEL_AUTORESCUE": NO_MONEY,
    "RECURRING_CONTRACT": NO_MONEY,
    "REPORT_AVAILABLE": NO_MONEY,
})  # fmt: skip
"""To map a further code is one row. A code that is not here is kept as TYPE_UNKNOWN."""
