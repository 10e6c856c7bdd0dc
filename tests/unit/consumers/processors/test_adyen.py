"""What Adyen's webhooks become, a row a case."""

import pytest

from consumers.processors import adyen as adapter
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import TIME, Document, adyen, adyen_item

CONTEXT = Context({"EUR": 2, "CLP": 0})
AMOUNT: Document = {"amount_minor": "10000", "currency": "EUR"}
KEY = "adyen:PAYMENT1"


def taken_back(event_id: str, reason: str) -> Document:
    return {"reason": reason, "voucher": {"event_id": event_id}}


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
         {**AMOUNT, "gateway_response": "success", "gateway_transaction_id": "CAPTURE1", "method": "visa",
          "payment_id": KEY}),
        (adyen_item("CANCELLATION"), "payment.voided.v1", "payment-voided-CANCELLATION1", {"payment_id": KEY}),
        (adyen_item("TECHNICAL_CANCEL"), "payment.voided.v1", "payment-voided-TECHNICAL_CANCEL1", {"payment_id": KEY}),
        (adyen_item("CANCEL_OR_REFUND", additionalData={"modification.action": "cancel"}), "payment.voided.v1",
         "payment-voided-CANCEL_OR_REFUND1", {"payment_id": KEY}),
        (adyen_item("AUTHORISATION", success="false", reason="Refused\n"), "payment.failed.v1",
         "payment-failed-PAYMENT1", {"failure_reason": "Refused", "payment_id": KEY}),
        (adyen_item("CAPTURE", success="false", reason="No balance"), "payment.capture_failed.v1",
         "payment-capture-failed-CAPTURE1", {"failure_reason": "No balance", "payment_id": KEY}),
        (adyen_item("REFUND_FAILED", pspReference="REFUND1"), "voucher.void_requested.v1",
         "taken-back-payment-refunded-REFUND1", taken_back("payment-refunded-REFUND1", "refund failed")),
        (adyen_item("REFUNDED_REVERSED", pspReference="REFUND1", reason="gone"), "voucher.void_requested.v1",
         "taken-back-payment-refunded-REFUND1", taken_back("payment-refunded-REFUND1", "gone")),
    ],
)  # fmt: skip
def test_a_webhook_says_one_fact(item: Document, event_type: str, event_id: str, data: Document) -> None:
    (event,) = events(item)
    assert (event.event_type, event.event_id, event.data) == (event_type, event_id, data)
    assert (event.subject, event.time) == (KEY, TIME)


REFUND = {**AMOUNT, "payment_id": KEY, "refund_id": "R1"}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (adyen_item("REFUND", pspReference="R1"), [("refund.requested", REFUND), ("payment.refunded", REFUND)]),
        (adyen_item("CANCEL_OR_REFUND", pspReference="R1", additionalData={"modification.action": "refund"}),
         [("refund.requested", REFUND), ("payment.refunded", REFUND)]),
        (adyen_item("REFUND", pspReference="R1", success="false", reason="too late"),
         [("refund.requested", REFUND),
          ("refund.failed", {"failure_reason": "too late", "payment_id": KEY, "refund_id": "R1"})]),
        (adyen_item("CAPTURE_FAILED", pspReference="CAPTURE1"),
         [("payment.capture_failed", {"failure_reason": "capture failed", "payment_id": KEY}),
          ("voucher.void_requested", taken_back("payment-captured-CAPTURE1", "capture failed"))]),
    ],
)  # fmt: skip
def test_a_webhook_tells_all_steps_so_far(item: Document, said: list[tuple[str, Document]]) -> None:
    made = events(item)
    assert [(event.event_type.removesuffix(".v1"), event.data) for event in made] == said
    assert {event.subject for event in made} == {KEY}


@pytest.mark.parametrize(
    ("code", "steps"),
    [
        ("CHARGEBACK", [("opened", "DP1")]),
        ("INFORMATION_SUPPLIED", [("evidence_submitted", "DP1")]),
        ("CHARGEBACK_REVERSED", [("opened", "DP1"), ("won", "DP1")]),
        ("DISPUTE_DEFENSE_PERIOD_ENDED", [("lost", "DP1")]),
        ("SECOND_CHARGEBACK",
         [("opened", "DP1"), ("won", "DP1"), ("opened", "DP1-second"), ("lost", "DP1-second")]),
        ("PREARBITRATION_LOST",
         [("opened", "DP1"), ("won", "DP1"), ("opened", "DP1-second"), ("lost", "DP1-second")]),
    ],
)  # fmt: skip
def test_a_dispute_tells_all_its_steps_so_far(code: str, steps: list[tuple[str, str]]) -> None:
    made = events(adyen_item(code, pspReference="DP1"))
    assert [(event.event_type, event.data["chargeback_id"]) for event in made] == [
        (f"chargeback.{step}.v1", dispute_id) for step, dispute_id in steps
    ]
    for event in made:
        amount = {} if event.event_type == "chargeback.evidence_submitted.v1" else AMOUNT
        assert event.data == {**amount, "chargeback_id": event.data["chargeback_id"], "payment_id": KEY}


def test_a_dispute_that_names_no_payment_says_which_setting_is_missing() -> None:
    item = adyen_item("CHARGEBACK_REVERSED")
    del item["originalReference"]
    with pytest.raises(UnmappableError, match="have it included in the webhook's settings"):
        adapter.map_webhook(adyen(item), CONTEXT)


SELLERS = Context(CONTEXT.scales, "wallet:seller:{account}", beneficiary_account="wallet:seller:{account}")
FLAT = {
    "split.api": "1", "split.nrOfItems": "3", "split.totalAmount": "10000", "split.currencyCode": "EUR",
    "split.item1.amount": "9500", "split.item1.type": "MarketPlace", "split.item1.account": "151272963",
    "split.item2.amount": "300", "split.item2.type": "Commission", "split.item3.type": "PaymentFee",
}  # fmt: skip
LISTED = [
    {"type": "BalanceAccount", "account": "151272963", "amount": {"value": 9500}},
    {"type": "Commission", "amount": {"value": 300}},
    {"type": "PaymentFee"},
]


@pytest.mark.parametrize("members", [{"additionalData": FLAT}, {"splits": LISTED}])
def test_a_split_is_shared_between_its_accounts(members: Document) -> None:
    item = {**adyen_item("CAPTURE"), **members}
    (event,) = events(item, SELLERS)
    assert event.data["beneficiaries"] == [
        {"account": "wallet:seller:151272963", "amount_minor": "9500"},
        {"account": "control:PLATFORM_FEES", "amount_minor": "300"},
    ]
    (event,) = events(item)
    assert "beneficiaries" not in event.data


@pytest.mark.parametrize(
    ("flat", "member"),
    [
        ({"split.nrOfItems": "many"}, "split.nrOfItems"),
        ({"split.nrOfItems": "999999"}, "split.nrOfItems"),
        ({"split.item1.amount": "-1"}, "amount of a split"),
        ({"split.nrOfItems": "4"}, "split.item4.type"),
    ],
)
def test_a_split_that_cannot_be_read_is_named(flat: Document, member: str) -> None:
    with pytest.raises(UnmappableError, match=member):
        adapter.map_webhook(adyen(adyen_item("CAPTURE", additionalData={**FLAT, **flat})), SELLERS)


def test_a_payout_that_came_back_names_the_payout() -> None:
    (event,) = events(adyen_item("PAIDOUT_REVERSED", originalReference="PAYOUT1", reason="closed"), SELLERS)
    assert (event.event_type, event.subject) == ("payout.returned.v1", "adyen:PAYOUT1")
    assert event.data == {"failure_reason": "closed", "payout_id": "adyen:PAYOUT1"}


@pytest.mark.parametrize(
    ("webhook", "reason"),
    [
        (adyen(adyen_item("AUTHORISATION", success="false", value=0)), Reason.NO_MONEY),
        (adyen(adyen_item("CANCELLATION", success="false")), Reason.NOT_SUCCESSFUL),
        (adyen(adyen_item("PAYOUT_DECLINE")), Reason.NOT_SUCCESSFUL),
        (adyen(adyen_item("PAIDOUT_REVERSED")), Reason.NO_ACCOUNT),
        (adyen(adyen_item("NOTIFICATION_OF_CHARGEBACK")), Reason.NOT_FINAL),
        (adyen(adyen_item("PREARBITRATION_WON")), Reason.SAID_ELSEWHERE),
        (adyen(adyen_item("AUTHORISATION", value=0)), Reason.NO_MONEY),
        (adyen(adyen_item("AUTHORISATION_ADJUSTMENT")), Reason.NO_EVENT_TYPE),
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
    authorized, captured = events(adyen_item("AUTHORISATION"), at_once)
    assert (authorized,) == events(adyen_item("AUTHORISATION"))
    assert (captured.event_type, captured.event_id) == ("payment.captured.v1", "payment-captured-PAYMENT1")
    assert captured.data["gateway_transaction_id"] == "PAYMENT1"
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
