"""What Stripe's webhooks become, a row a case."""

import pytest

from consumers.processors import stripe as adapter
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import TIME, Document, charge, held_charge, intent, refund, stripe

CONTEXT = Context({"EUR": 2, "ISK": 0, "JPY": 0})
PAYOUT: Document = {"id": "po_1", "object": "payout", "amount": 1_100, "currency": "eur", "status": "paid"}

CAPTURED = (
    "payment.captured.v1", "payment-captured-ch_1", "stripe:pi_1",
    {"amount_minor": "10000", "currency": "EUR", "method": "card", "payment_id": "stripe:pi_1"},
)  # fmt: skip
AUTHORIZED = ("payment.authorized.v1", "payment-authorized-ch_1", "stripe:pi_1", CAPTURED[3])
VOIDED = ("payment.voided.v1", "payment-voided-ch_1", "stripe:pi_1", {"payment_id": "stripe:pi_1"})
EXPIRED = (
    "payment.authorization_expired.v1", "payment-authorization-expired-ch_1", "stripe:pi_1",
    {"payment_id": "stripe:pi_1"},
)  # fmt: skip
REFUNDED = (
    "payment.refunded.v1", "payment-refunded-re_1", "stripe:pi_1",
    {"amount_minor": "4000", "currency": "EUR", "payment_id": "stripe:pi_1", "refund_id": "re_1"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "thing", "said"),
    [
        ("charge.succeeded", charge(), CAPTURED),
        ("charge.succeeded", held_charge(), AUTHORIZED),
        ("charge.captured", charge(), CAPTURED),
        ("payment_intent.succeeded", intent(charge()), CAPTURED),
        ("payment_intent.amount_capturable_updated", intent(held_charge()), AUTHORIZED),
        ("payment_intent.canceled", intent(held_charge()), VOIDED),
        ("charge.refunded", held_charge(), VOIDED),
        ("charge.expired", held_charge(), EXPIRED),
        ("charge.refunded", charge(refunds={"data": [refund()]}), REFUNDED),
        ("charge.refund.updated", refund(), REFUNDED),
        ("refund.created", refund(), REFUNDED),
        ("refund.updated", refund(), REFUNDED),
    ],
)
def test_a_webhook_says_one_fact(kind: str, thing: Document, said: tuple[str, str, str, Document]) -> None:
    made = adapter.map_webhook(stripe(kind, thing), CONTEXT)
    assert not isinstance(made, Recorded)
    (event,) = made
    assert (event.event_type, event.event_id, event.subject, event.data) == said
    assert event.time == TIME


@pytest.mark.parametrize(
    ("kind", "thing", "reason"),
    [
        ("charge.succeeded", charge(status="pending"), Reason.NOT_FINAL),
        ("charge.succeeded", charge(status="failed"), Reason.NOT_SUCCESSFUL),
        ("payment_intent.succeeded", {"id": "pi_1", "latest_charge": "ch_1"}, Reason.SAID_ELSEWHERE),
        ("payment_intent.canceled", intent(), Reason.SAID_ELSEWHERE),
        ("charge.refunded", charge(), Reason.SAID_ELSEWHERE),
        ("refund.created", refund(status="pending", balance_transaction=None), Reason.NOT_FINAL),
        ("refund.updated", refund(status="failed"), Reason.NO_EVENT_TYPE),
        ("refund.created", refund(balance_transaction=None), Reason.NO_MONEY),
        ("charge.refunded", charge(refunds={"data": [refund(balance_transaction=None)]}), Reason.SAID_ELSEWHERE),
        ("charge.dispute.created", {}, Reason.NO_EVENT_TYPE),
        ("payout.failed", {}, Reason.NO_EVENT_TYPE),
        ("payout.paid", PAYOUT, Reason.NO_ACCOUNT),
        ("customer.created", {}, Reason.TYPE_UNKNOWN),
    ],
)
def test_a_webhook_without_an_event_says_why(kind: str, thing: Document, reason: Reason) -> None:
    made = adapter.map_webhook(stripe(kind, thing), CONTEXT)
    assert isinstance(made, Recorded)
    assert made.reason is reason


def test_a_charge_without_an_intent_is_its_own_payment() -> None:
    (event,) = events(stripe("charge.captured", charge(payment_intent=None)))
    assert event.subject == "stripe:ch_1"
    (back,) = events(stripe("refund.created", refund(payment_intent=None)))
    assert back.subject == "stripe:ch_1"


def test_a_partial_capture_is_what_was_captured_of_the_charge() -> None:
    (event,) = events(stripe("charge.captured", charge(amount_captured=7_500)))
    assert event.data["amount_minor"] == "7500"


def test_refunds_that_a_charge_lists_are_said_each() -> None:
    refunds = {"data": [refund(id="re_2", amount=1), refund()]}
    made = events(stripe("charge.refunded", charge(refunds=refunds)))
    assert [event.event_id for event in made] == ["payment-refunded-re_2", "payment-refunded-re_1"]


def test_amounts_are_in_stripes_digits() -> None:
    (event,) = events(stripe("charge.captured", charge(currency="isk", amount_captured=500)))
    assert (event.data["amount_minor"], event.data["currency"]) == ("5", "ISK")


@pytest.mark.parametrize(
    ("template", "account", "paid_from"),
    [
        ("wallet:seller:{account}", "acct_9", "wallet:seller:acct_9"),
        ("wallet:platform", "", "wallet:platform"),
        ("wallet:seller:{account}", "", ""),
    ],
)
def test_a_payout_is_taken_from_the_account_that_the_settings_name(template: str, account: str, paid_from: str) -> None:
    webhook = stripe("payout.paid", PAYOUT, **({"account": account} if account else {}))
    made = adapter.map_webhook(webhook, Context(CONTEXT.scales, payout_account=template))
    if not paid_from:
        assert isinstance(made, Recorded)
        return
    assert not isinstance(made, Recorded)
    assert made[0].event_id == "payout-paid-po_1"
    assert made[0].data == {
        "account": paid_from, "amount_minor": "1100", "currency": "EUR", "payout_id": "stripe:po_1"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("webhook", "code"),
    [
        (stripe("charge.captured", charge(amount_captured="10000")), "DATA_INVALID"),
        (stripe("charge.captured", charge(amount_captured=True)), "DATA_INVALID"),
        (stripe("charge.captured", charge(amount_captured=-1)), "DATA_INVALID"),
        (stripe("charge.captured", charge(amount_captured=0)), "AMOUNT_INVALID"),
        (stripe("charge.captured", charge(id=None)), "DATA_INVALID"),
        (stripe("charge.captured", charge(payment_intent="pi\n1")), "DATA_INVALID"),
        (stripe("charge.captured", charge(currency="xts")), "CURRENCY_UNKNOWN"),
        (stripe("charge.captured", charge(), created="now"), "DATA_INVALID"),
        (stripe("charge.captured", charge(), created=10**17), "DATA_INVALID"),
        ({"id": "evt_1"}, "DATA_INVALID"),
        ({"type": "charge.captured", "created": 1, "data": []}, "DATA_INVALID"),
    ],
)
def test_what_a_known_type_must_say_and_does_not_is_named(webhook: Document, code: str) -> None:
    with pytest.raises(UnmappableError) as refused:
        adapter.map_webhook(webhook, CONTEXT)
    assert refused.value.code == code


def events(webhook: Document) -> tuple[PaymentEvent, ...]:
    made = adapter.map_webhook(webhook, CONTEXT)
    assert not isinstance(made, Recorded)
    return made
