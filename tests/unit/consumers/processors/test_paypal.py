"""What PayPal's webhooks become, a row a case; shapes by its public documentation."""

import pytest

from consumers.processors import paypal as adapter
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import TIME, Document, paypal, paypal_thing, up_to_capture

CONTEXT = Context({"EUR": 2, "HUF": 2, "JPY": 0})
AMOUNT: Document = {"amount_minor": "10000", "currency": "EUR"}
SALE: Document = {"id": "S1", "amount": {"total": "100.00", "currency": "EUR"}}
AMOUNT_OF_PAYPAL: Document = {"currency_code": "EUR", "value": "100.00"}
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
    ],
)  # fmt: skip
def test_a_webhook_says_one_fact(kind: str, resource: Document, said: tuple[str, str, str, Document | None]) -> None:
    (event,) = events(paypal(kind, resource))
    assert (event.event_type, event.event_id, event.subject) == said[:3]
    assert event.data == {"payment_id": said[2]} | ({} if said[3] is None else {**AMOUNT, **said[3]})
    assert event.time == TIME


@pytest.mark.parametrize(
    ("kind", "resource", "own"),
    [("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1"), "C1"), ("PAYMENT.SALE.COMPLETED", SALE, "S1")],
)
def test_a_capture_tells_first_that_the_payment_was_begun(kind: str, resource: Document, own: str) -> None:
    """Not that it was authorised: an authorisation has a name of its own, and would be counted twice."""
    said: Document = {**AMOUNT, "method": "paypal", "payment_id": f"paypal:{own}"}
    proof: Document = {"gateway_response": "COMPLETED", "gateway_transaction_id": own}
    assert [(one.event_type, one.event_id, one.data) for one in events(paypal(kind, resource))] == [
        ("payment.intent_created.v1", f"payment-intent-created-{own}", said),
        ("payment.captured.v1", f"payment-captured-{own}", {**said, **proof}),
    ]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("CHECKOUT.ORDER.APPROVED", Reason.NOT_FINAL),
        ("PAYMENT.CAPTURE.PENDING", Reason.NOT_FINAL),
        ("PAYMENT.CAPTURE.REVERSED", Reason.UNDECIDED),
        ("CUSTOMER.DISPUTE.CREATED", Reason.NO_MONEY),
        ("BILLING.PLAN.UPDATED", Reason.TYPE_UNKNOWN),
    ],
)
def test_a_webhook_without_an_event_says_why(kind: str, reason: Reason) -> None:
    made = adapter.map_webhook(paypal(kind, {}), CONTEXT)
    assert isinstance(made, Recorded)
    assert made.reason is reason


REFUND: Document = {**paypal_thing("R1"), **up_to_capture("C1"), "status_details": {"reason": "ECHECK"}}


@pytest.mark.parametrize(
    ("kind", "resource", "steps"),
    [
        ("PAYMENT.CAPTURE.REFUNDED", REFUND, ["refund.requested", "payment.refunded"]),
        ("PAYMENT.SALE.REFUNDED", {**SALE, "id": "R1", "sale_id": "C1"}, ["refund.requested", "payment.refunded"]),
        ("PAYMENT.REFUND.PENDING", REFUND, ["refund.requested"]),
        ("PAYMENT.REFUND.FAILED", REFUND, ["refund.requested", "refund.failed"]),
    ],
)
def test_a_refund_tells_all_its_steps_so_far(kind: str, resource: Document, steps: list[str]) -> None:
    made = events(paypal(kind, resource))
    assert [event.event_type.removesuffix(".v1") for event in made] == steps
    named = {"payment_id": "paypal:C1", "refund_id": "R1"}
    said = {"refund.failed": {"failure_reason": "ECHECK", **named}}
    assert [event.data for event in made] == [said.get(step, {**AMOUNT, **named}) for step in steps]


@pytest.mark.parametrize("kind", ["PAYMENT.CAPTURE.DENIED", "PAYMENT.CAPTURE.DECLINED", "PAYMENT.SALE.DENIED"])
def test_a_payment_that_was_denied_has_failed(kind: str) -> None:
    (event,) = events(paypal(kind, paypal_thing("C1")))
    assert (event.event_type, event.event_id) == ("payment.failed.v1", "payment-failed-C1")
    assert event.data == {"failure_reason": "denied", "payment_id": "paypal:C1"}


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("UNCLAIMED", ["requested"]),
        ("HELD", ["requested"]),
        ("SUCCEEDED", ["requested", "paid"]),
        ("FAILED", ["requested", "failed"]),
        ("RETURNED", ["requested", "failed"]),
        ("REFUNDED", ["requested", "paid", "returned"]),
    ],
)
def test_a_payout_tells_all_its_steps_so_far(kind: str, steps: list[str]) -> None:
    webhook = paypal(f"PAYMENT.PAYOUTS-ITEM.{kind}", PAYOUT_ITEM)
    made = events(webhook, Context(CONTEXT.scales, payout_account="wallet:{account}"))
    assert [event.event_type for event in made] == [f"payout.{step}.v1" for step in steps]
    assert made[0].data == {**AMOUNT, "account": "wallet:seller-42", "payout_id": "paypal:I1"}


DISPUTE: Document = {
    "dispute_id": "PP-D-1", "disputed_transactions": [{"seller_transaction_id": "C1"}],
    "dispute_amount": AMOUNT_OF_PAYPAL, "dispute_life_cycle_stage": "CHARGEBACK", "status": "OPEN",
}  # fmt: skip
RESPONDED: Document = {"evidences": [{"source": "SUBMITTED_BY_SELLER"}]}


def resolved(code: str, **members: object) -> Document:
    return {**DISPUTE, "status": "RESOLVED", "dispute_outcome": {"outcome_code": code, **members}}


@pytest.mark.parametrize(
    ("kind", "resource", "steps"),
    [
        ("CREATED", DISPUTE, ["opened"]),
        ("UPDATED", {**DISPUTE, **RESPONDED}, ["opened", "evidence_submitted"]),
        ("RESOLVED", resolved("RESOLVED_SELLER_FAVOUR"), ["opened", "won"]),
        ("RESOLVED", resolved("CANCELED_BY_BUYER"), ["opened", "won"]),
        ("RESOLVED", resolved("RESOLVED_BUYER_FAVOUR", amount_refunded=AMOUNT_OF_PAYPAL), ["opened", "lost"]),
        ("RESOLVED", {**resolved("ACCEPTED"), **RESPONDED}, ["opened", "evidence_submitted", "lost"]),
    ],
)
def test_a_dispute_tells_all_its_steps_so_far(kind: str, resource: Document, steps: list[str]) -> None:
    made = events(paypal(f"CUSTOMER.DISPUTE.{kind}", resource))
    assert [event.event_type for event in made] == [f"chargeback.{step}.v1" for step in steps]
    for event in made:
        amount = {} if event.event_type == "chargeback.evidence_submitted.v1" else AMOUNT
        assert event.data == {**amount, "chargeback_id": "PP-D-1", "payment_id": "paypal:C1"}


def test_an_inquiry_takes_nothing_however_it_ends() -> None:
    resource = {**resolved("RESOLVED_BUYER_FAVOUR"), "dispute_life_cycle_stage": "INQUIRY"}
    assert adapter.map_webhook(paypal("CUSTOMER.DISPUTE.RESOLVED", resource), CONTEXT) == Recorded(
        Reason.NO_MONEY, "inquiry"
    )


@pytest.mark.parametrize(("value", "currency", "minor"), [("500", "HUF", "50000"), ("500", "JPY", "500")])
def test_amounts_are_in_paypals_digits(value: str, currency: str, minor: str) -> None:
    made = events(paypal("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1", value, currency)))
    assert [event.data["amount_minor"] for event in made] == [minor, minor]


@pytest.mark.parametrize(
    ("kind", "resource", "code"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1", "12.505"), "AMOUNT_INVALID"),
        ("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1", "10", "XTS"), "CURRENCY_UNKNOWN"),
        ("PAYMENT.CAPTURE.COMPLETED", {"id": "C1", "amount": "10"}, "DATA_INVALID"),
        ("PAYMENT.CAPTURE.REFUNDED", paypal_thing("R1"), "DATA_INVALID"),
        ("PAYMENT.CAPTURE.REFUNDED", {**paypal_thing("R1"), **up_to_capture("")}, "DATA_INVALID"),
        ("PAYMENT.AUTHORIZATION.VOIDED", {}, "DATA_INVALID"),
        ("CUSTOMER.DISPUTE.CREATED", {**DISPUTE, "disputed_transactions": []}, "DATA_INVALID"),
        ("CUSTOMER.DISPUTE.RESOLVED", resolved("NONE"), "DATA_INVALID"),
        (
            "CUSTOMER.DISPUTE.RESOLVED",
            resolved("RESOLVED_BUYER_FAVOUR", amount_refunded={"currency_code": "EUR", "value": "9.00"}),
            "DATA_INVALID",
        ),
    ],
)
def test_what_a_known_type_must_say_and_does_not_is_named(kind: str, resource: Document, code: str) -> None:
    with pytest.raises(UnmappableError) as refused:
        adapter.map_webhook(paypal(kind, resource), CONTEXT)
    assert refused.value.code == code
