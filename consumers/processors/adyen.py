"""Adyen's webhooks as payment events.

A payment is named by the `pspReference` of its authorisation, which modifications carry as `originalReference`; a
capture, refund or cancellation has a `pspReference` of its own, which names that fact. `success` false says that it
came to nothing. Webhooks of other kinds (balance platform, terminals, accounts) are kept by their names.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consumers.processors import adyen_disputes, events
from consumers.processors.adyen_fields import (
    NAME,
    amount,
    beneficiaries,
    method,
    own_reference,
    payment_key,
    time_of,
)
from consumers.processors.fields import (
    found,
    identifier,
    optional_text,
    reason,
    section,
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
    Reason,
    Recorded,
    UnmappableError,
    later,
)

SUCCESS: Final = "success"
"""The member that says how a request ended, where it is true."""

Row = Callable[[Json, Context], Mapped] | Recorded


def map_webhook(webhook: Json, context: Context) -> Mapped:
    """The one item of a notification, by its event code. Raises `UnmappableError`."""
    if found(webhook, "live") in ("false", False) and not context.test_mode:
        return TEST_MODE
    items = sections(webhook, "notificationItems")
    if not items:
        return Recorded(Reason.TYPE_UNKNOWN)
    if len(items) > 1:
        raise UnmappableError("DATA_INVALID", "notificationItems holds more than one item")
    item = section(items[0], "NotificationRequestItem")
    code = text(item, "eventCode")
    row = ROWS.get(code, Recorded(Reason.TYPE_UNKNOWN))
    if not isinstance(row, Recorded) and not _succeeded(item):
        row = UNSUCCESSFUL.get(code, Recorded(Reason.NOT_SUCCESSFUL, code.lower()))
    return row if isinstance(row, Recorded) else row(item, context)


def _succeeded(item: Json) -> bool:
    return found(item, "success") in ("true", True)


# Payments -----------------------------------------------------------------------------------------


def _authorised(item: Json, context: Context) -> Mapped:
    if _is_no_money(item):
        return Recorded(Reason.NO_MONEY, "a card was looked at")
    reference = own_reference(item)
    key, time, money = events.payment_key(NAME, reference), time_of(item), amount(item, context)
    authorized = events.authorized(key, reference, time, money, method(item))
    if not context.captures_at_once:
        return (authorized,)
    shares = beneficiaries(item, context)
    return authorized, events.captured(key, reference, time, money, method(item), SUCCESS, shares)


def _refused(item: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    """Another try has another reference."""
    if _is_no_money(item):
        return Recorded(Reason.NO_MONEY, "a card was looked at")
    reference = own_reference(item)
    key, why = events.payment_key(NAME, reference), reason(item, "reason", otherwise="refused")
    return (events.failed(key, reference, time_of(item), why),)


def _is_no_money(item: Json) -> bool:
    return whole_number(item, "amount", "value") == 0


def _captured(item: Json, context: Context) -> Mapped:
    """The authorisation may have been of more: its own webhook, which every payment has, says that."""
    if context.captures_at_once:
        return Recorded(Reason.SAID_ELSEWHERE, "authorisation")
    money, shares = amount(item, context), beneficiaries(item, context)
    key, reference, time = payment_key(item), own_reference(item), time_of(item)
    return (events.captured(key, reference, time, money, method(item), SUCCESS, shares),)


def _capture_refused(item: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    why = reason(item, "reason", otherwise="refused")
    return (events.capture_failed(payment_key(item), own_reference(item), time_of(item), why),)


def _capture_failed(item: Json, context: Context) -> Mapped:
    """The scheme refused what `CAPTURE` had called done, under the same reference."""
    key, reference, time = payment_key(item), own_reference(item), time_of(item)
    why = reason(item, "reason", otherwise="capture failed")
    done_id = events.captured_id(identifier(item, "originalReference") if context.captures_at_once else reference)
    return events.capture_failed(key, reference, time, why), events.taken_back(key, done_id, time, why)


def _cancelled(item: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    return (events.voided(payment_key(item), own_reference(item), time_of(item)),)


def _expired(item: Json, context: Context) -> Mapped:  # noqa: ARG001 - a row of the table
    """It has no reference of its own: it carries the payment's."""
    reference = own_reference(item)
    return (events.authorization_expired(events.payment_key(NAME, reference), reference, time_of(item)),)


def _cancelled_or_refunded(item: Json, context: Context) -> Mapped:
    """Adyen decides which of the two it is, and says so."""
    match optional_text(section(item, "additionalData"), "modification.action"):
        case "cancel":
            return _cancelled(item, context)
        case "refund":
            return _refunded(item, context)
    raise UnmappableError("DATA_INVALID", "additionalData.modification.action is neither cancel nor refund")


# Refunds and payouts ------------------------------------------------------------------------------


def _refund(item: Json, context: Context) -> events.Refund:
    return events.Refund(payment_key(item), own_reference(item), amount(item, context))


def _refunded(item: Json, context: Context) -> Mapped:
    return _refund(item, context).done(time_of(item))


def _refund_refused(item: Json, context: Context) -> Mapped:
    return _refund(item, context).failed(time_of(item), reason(item, "reason", otherwise="refused"))


def _refund_failed(item: Json, context: Context) -> Mapped:
    """The bank, or the scheme, refused what `REFUND` had called done, under the same reference."""
    why = reason(item, "reason", otherwise="refund failed")
    done_id = _refund(item, context).done_id
    return (events.taken_back(payment_key(item), done_id, time_of(item), why),)


def _paid_out(item: Json, context: Context) -> Mapped:
    holder = word(item, "additionalData", "shopperReference", otherwise="")
    payout = events.payout(NAME, own_reference(item), amount(item, context), holder=holder, context=context)
    return payout if isinstance(payout, Recorded) else (payout.paid(time_of(item)),)


def _payout_returned(item: Json, context: Context) -> Mapped:
    """Of the payout that it names; one that was never told waits for it."""
    if not context.payout_account:
        return Recorded(Reason.NO_ACCOUNT, "payout")
    payout_id = identifier(item, "originalReference")
    payout = events.Payout(events.payment_key(NAME, payout_id), payout_id, "", {})
    return (payout.returned(time_of(item), reason(item, "reason", otherwise="returned")),)


ROWS: Final[Mapping[str, Row]] = MappingProxyType({
    "AUTHORISATION": _authorised,
    "AUTHORISATION_ADJUSTMENT": later("authorisation adjusted"),
    "CAPTURE": _captured,
    "CAPTURE_FAILED": _capture_failed,
    "CANCELLATION": _cancelled,
    "TECHNICAL_CANCEL": _cancelled,
    "CANCEL_OR_REFUND": _cancelled_or_refunded,
    "EXPIRE": _expired,
    "REFUND": _refunded,
    "REFUND_FAILED": _refund_failed,
    "REFUNDED_REVERSED": _refund_failed,
    "REFUND_WITH_DATA": later("refund without a payment"),
    "POSTPONED_REFUND": Recorded(Reason.NOT_FINAL, "refund"),
    "VOID_PENDING_REFUND": later("refund called off"),
    "SETTLED_REVERSED": later("settlement reversed"),
    "PAYOUT_THIRDPARTY": _paid_out,
    "PAYOUT_DECLINE": Recorded(Reason.NOT_SUCCESSFUL, "payout"),
    "PAYOUT_EXPIRE": Recorded(Reason.NOT_SUCCESSFUL, "payout"),
    "PAIDOUT_REVERSED": _payout_returned,
    "REQUEST_FOR_INFORMATION": NO_MONEY,
    "NOTIFICATION_OF_CHARGEBACK": Recorded(Reason.NOT_FINAL, "chargeback"),
    "CHARGEBACK": adyen_disputes.opened,
    "SECOND_CHARGEBACK": adyen_disputes.lost_at_last,
    "CHARGEBACK_REVERSED": adyen_disputes.won,
    "PREARBITRATION_OPEN": Recorded(Reason.NOT_FINAL, "chargeback"),
    "PREARBITRATION_WON": Recorded(Reason.SAID_ELSEWHERE, "chargeback reversed"),
    "PREARBITRATION_LOST": adyen_disputes.lost_at_last,
    "INFORMATION_SUPPLIED": adyen_disputes.evidence_submitted,
    "DISPUTE_DEFENSE_PERIOD_ENDED": adyen_disputes.lost,
    "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": Recorded(Reason.SAID_ELSEWHERE, "chargeback reversed"),
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

UNSUCCESSFUL: Final[Mapping[str, Row]] = MappingProxyType({
    "AUTHORISATION": _refused,
    "CAPTURE": _capture_refused,
    "REFUND": _refund_refused,
})  # fmt: skip
"""What is told of codes whose `success` is false; of any other it is kept as NOT_SUCCESSFUL."""
