"""What Adyen's webhooks become, a row a case."""

import pytest

from consumers.processors import adyen as adapter
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import TIME, Document, adyen, adyen_item

CONTEXT = Context({"EUR": 2, "CLP": 0})
AMOUNT: Document = {"amount_minor": "10000", "currency": "EUR"}
KEY = "adyen:PAYMENT1"


def events(item: Document, context: Context = CONTEXT) -> tuple[PaymentEvent, ...]:
    made = adapter.map_webhook(adyen(item), context)
    assert not isinstance(made, Recorded)
    return made


@pytest.mark.parametrize(
    ("item", "event_type", "event_id", "data"),
    [
        (adyen_item("AUTHORISATION"), "payment.authorized.v1", "payment-authorized-PAYMENT1",
         {**AMOUNT, "method": "visa", "payment_id": KEY}),
        (adyen_item("CAPTURE"), "payment.captured.v1", "payment-captured-CAPTURE1",
         {**AMOUNT, "method": "visa", "payment_id": KEY}),
        (adyen_item("CANCELLATION"), "payment.voided.v1", "payment-voided-CANCELLATION1", {"payment_id": KEY}),
        (adyen_item("TECHNICAL_CANCEL"), "payment.voided.v1", "payment-voided-TECHNICAL_CANCEL1", {"payment_id": KEY}),
        (adyen_item("REFUND"), "payment.refunded.v1", "payment-refunded-REFUND1",
         {**AMOUNT, "payment_id": KEY, "refund_id": "REFUND1"}),
        (adyen_item("CANCEL_OR_REFUND", additionalData={"modification.action": "cancel"}), "payment.voided.v1",
         "payment-voided-CANCEL_OR_REFUND1", {"payment_id": KEY}),
        (adyen_item("CANCEL_OR_REFUND", additionalData={"modification.action": "refund"}), "payment.refunded.v1",
         "payment-refunded-CANCEL_OR_REFUND1", {**AMOUNT, "payment_id": KEY, "refund_id": "CANCEL_OR_REFUND1"}),
    ],
)  # fmt: skip
def test_a_webhook_says_one_fact(item: Document, event_type: str, event_id: str, data: Document) -> None:
    (event,) = events(item)
    assert (event.event_type, event.event_id, event.data) == (event_type, event_id, data)
    assert (event.subject, event.time) == (KEY, TIME)


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        (adyen(adyen_item("AUTHORISATION", success="false")), Reason.NOT_SUCCESSFUL),
        (adyen(adyen_item("CAPTURE", success="false")), Reason.NOT_SUCCESSFUL),
        (adyen(adyen_item("AUTHORISATION", value=0)), Reason.NO_MONEY),
        (adyen(adyen_item("CHARGEBACK")), Reason.NO_EVENT_TYPE),
        (adyen(adyen_item("REPORT_AVAILABLE")), Reason.NO_MONEY),
        (adyen(adyen_item("PAYOUT_THIRDPARTY")), Reason.NO_ACCOUNT),
        (adyen(adyen_item("SOMETHING_NEW")), Reason.TYPE_UNKNOWN),
        ({"type": "balancePlatform.transfer.updated", "data": {}}, Reason.TYPE_UNKNOWN),
        ({"SaleToPOIRequest": {}}, Reason.TYPE_UNKNOWN),
    ],
)
def test_a_webhook_without_an_event_says_why(webhook: Document, reason: Reason) -> None:
    made = adapter.map_webhook(webhook, CONTEXT)
    assert isinstance(made, Recorded)
    assert made.reason is reason


def test_success_may_be_a_word_or_a_truth_value() -> None:
    item = {**adyen_item("CAPTURE"), "success": True}
    assert events(item) == events(adyen_item("CAPTURE"))


def test_a_processor_that_captures_at_once_says_so_with_the_authorisation() -> None:
    at_once = Context(CONTEXT.scales, captures_at_once=True)
    (event,) = events(adyen_item("AUTHORISATION"), at_once)
    assert (event.event_type, event.event_id) == ("payment.captured.v1", "payment-captured-PAYMENT1")
    made = adapter.map_webhook(adyen(adyen_item("CAPTURE")), at_once)
    assert isinstance(made, Recorded)
    assert made.reason is Reason.SAID_ELSEWHERE


def test_amounts_are_in_adyens_digits() -> None:
    (event,) = events(adyen_item("CAPTURE", amount={"currency": "CLP", "value": 900}))
    assert event.data["amount_minor"] == "9"


def test_a_payout_is_taken_from_the_shoppers_account() -> None:
    context = Context(CONTEXT.scales, payout_account="wallet:seller:{account}")
    (event,) = events(adyen_item("PAYOUT_THIRDPARTY", additionalData={"shopperReference": "42"}), context)
    assert event.data == {**AMOUNT, "account": "wallet:seller:42", "payout_id": "adyen:PAYOUT_THIRDPARTY1"}


@pytest.mark.parametrize(
    ("webhook", "code"),
    [
        (adyen(adyen_item("CAPTURE", originalReference="")), "DATA_INVALID"),
        (adyen(adyen_item("CAPTURE", eventDate="yesterday")), "DATA_INVALID"),
        (adyen(adyen_item("CAPTURE", amount=None)), "DATA_INVALID"),
        (adyen(adyen_item("CAPTURE", amount={"currency": "CLP", "value": 901})), "AMOUNT_INVALID"),
        (adyen(adyen_item("CANCEL_OR_REFUND", additionalData={})), "DATA_INVALID"),
        (adyen(adyen_item("CAPTURE"), adyen_item("REFUND")), "DATA_INVALID"),
        ({"notificationItems": [{}]}, "DATA_INVALID"),
    ],
)
def test_what_a_known_code_must_say_and_does_not_is_named(webhook: Document, code: str) -> None:
    with pytest.raises(UnmappableError) as refused:
        adapter.map_webhook(webhook, CONTEXT)
    assert refused.value.code == code


def test_an_expiry_names_the_payment_itself() -> None:
    (event,) = events({**adyen_item("AUTHORISATION"), "eventCode": "EXPIRE"})
    assert (event.event_type, event.subject) == ("payment.authorization_expired.v1", KEY)
    assert event.event_id == "payment-authorization-expired-PAYMENT1"
