"""What PayPal's webhooks become, a row a case; shapes by its public documentation."""

import pytest

from consumers.processors import paypal as adapter
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import TIME, Document, paypal, paypal_thing, up_to_capture

CONTEXT = Context({"EUR": 2, "HUF": 2, "JPY": 0})
AMOUNT: Document = {"amount_minor": "10000", "currency": "EUR"}
SALE: Document = {"id": "S1", "amount": {"total": "100.00", "currency": "EUR"}}
PAYOUT_ITEM: Document = {"payout_item_id": "I1", "payout_item": paypal_thing("", sender_item_id="seller-42")}


def events(webhook: Document, context: Context = CONTEXT) -> tuple[PaymentEvent, ...]:
    made = adapter.map_webhook(webhook, context)
    assert not isinstance(made, Recorded)
    return made


@pytest.mark.parametrize(
    ("kind", "resource", "said"),
    [
        ("PAYMENT.AUTHORIZATION.CREATED", paypal_thing("A1"),
         ("payment.authorized.v1", "payment-authorized-A1", "paypal:A1", {"method": "paypal"})),
        ("PAYMENT.AUTHORIZATION.VOIDED", paypal_thing("A1"),
         ("payment.voided.v1", "payment-voided-A1", "paypal:A1", None)),
        ("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1"),
         ("payment.captured.v1", "payment-captured-C1", "paypal:C1", {"method": "paypal"})),
        ("PAYMENT.CAPTURE.REFUNDED", {**paypal_thing("R1"), **up_to_capture("C1")},
         ("payment.refunded.v1", "payment-refunded-R1", "paypal:C1", {"refund_id": "R1"})),
        ("PAYMENT.SALE.COMPLETED", SALE,
         ("payment.captured.v1", "payment-captured-S1", "paypal:S1", {"method": "paypal"})),
        ("PAYMENT.SALE.REFUNDED", {**SALE, "id": "R1", "sale_id": "S1"},
         ("payment.refunded.v1", "payment-refunded-R1", "paypal:S1", {"refund_id": "R1"})),
    ],
)  # fmt: skip
def test_a_webhook_says_one_fact(kind: str, resource: Document, said: tuple[str, str, str, Document | None]) -> None:
    (event,) = events(paypal(kind, resource))
    assert (event.event_type, event.event_id, event.subject) == said[:3]
    assert event.data == {"payment_id": said[2]} | ({} if said[3] is None else {**AMOUNT, **said[3]})
    assert event.time == TIME


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("CHECKOUT.ORDER.APPROVED", Reason.NOT_FINAL),
        ("PAYMENT.CAPTURE.PENDING", Reason.NOT_FINAL),
        ("PAYMENT.CAPTURE.REVERSED", Reason.NO_EVENT_TYPE),
        ("CUSTOMER.DISPUTE.CREATED", Reason.NO_EVENT_TYPE),
        ("PAYMENT.PAYOUTS-ITEM.FAILED", Reason.NO_EVENT_TYPE),
        ("BILLING.PLAN.UPDATED", Reason.TYPE_UNKNOWN),
    ],
)
def test_a_webhook_without_an_event_says_why(kind: str, reason: Reason) -> None:
    made = adapter.map_webhook(paypal(kind, {}), CONTEXT)
    assert isinstance(made, Recorded)
    assert made.reason is reason


def test_a_payout_is_taken_from_the_account_of_the_item() -> None:
    webhook = paypal("PAYMENT.PAYOUTS-ITEM.SUCCEEDED", PAYOUT_ITEM)
    (event,) = events(webhook, Context(CONTEXT.scales, payout_account="wallet:{account}"))
    assert event.data == {**AMOUNT, "account": "wallet:seller-42", "payout_id": "paypal:I1"}


@pytest.mark.parametrize(("value", "currency", "minor"), [("500", "HUF", "50000"), ("500", "JPY", "500")])
def test_amounts_are_in_paypals_digits(value: str, currency: str, minor: str) -> None:
    (event,) = events(paypal("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1", value, currency)))
    assert event.data["amount_minor"] == minor


@pytest.mark.parametrize(
    ("kind", "resource", "code"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1", "12.505"), "AMOUNT_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1", "10", "XTS"), "CURRENCY_UNKNOWN"),
        ("PAYMENT.CAPTURE.COMPLETED", {"id": "C1", "amount": "10"}, "DATA_INVALID"),
        ("PAYMENT.CAPTURE.REFUNDED", paypal_thing("R1"), "DATA_INVALID"),
        ("PAYMENT.CAPTURE.REFUNDED", {**paypal_thing("R1"), **up_to_capture("")}, "DATA_INVALID"),
        ("PAYMENT.AUTHORIZATION.VOIDED", {}, "DATA_INVALID"),
    ],
)
def test_what_a_known_type_must_say_and_does_not_is_named(kind: str, resource: Document, code: str) -> None:
    with pytest.raises(UnmappableError) as refused:
        adapter.map_webhook(paypal(kind, resource), CONTEXT)
    assert refused.value.code == code
