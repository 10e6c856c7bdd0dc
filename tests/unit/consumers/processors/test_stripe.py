"""What Stripe's webhooks become, a row a case."""

import pytest

from consumers.processors import stripe as adapter
from consumers.processors.model import Context, PaymentEvent, Reason, Recorded, UnmappableError
from tests.support.processor_webhooks import (
    TIME,
    Document,
    charge,
    dispute,
    given_back,
    held_charge,
    intent,
    payout,
    refund,
    stripe,
    withdrawn,
)

CONTEXT = Context({"EUR": 2, "ISK": 0, "JPY": 0})
SELLERS = Context(CONTEXT.scales, "wallet:seller:{account}", beneficiary_account="wallet:seller:{account}")
FAILED_CHARGE: Document = {"status": "failed", "failure_code": "card_declined", "captured": False, "paid": False}

CAPTURED = (
    "payment.captured.v1", "payment-captured-ch_1", "stripe:pi_1",
    {"amount_minor": "10000", "currency": "EUR", "gateway_response": "succeeded", "gateway_transaction_id": "ch_1",
     "method": "card", "payment_id": "stripe:pi_1"},
)  # fmt: skip
AUTHORIZED = (
    "payment.authorized.v1", "payment-authorized-ch_1", "stripe:pi_1",
    {"amount_minor": "10000", "currency": "EUR", "method": "card", "payment_id": "stripe:pi_1"},
)  # fmt: skip
VOIDED = ("payment.voided.v1", "payment-voided-pi_1", "stripe:pi_1", {"payment_id": "stripe:pi_1"})
DECLINED = (
    "payment.capture_failed.v1", "payment-capture-failed-ch_1", "stripe:pi_1",
    {"failure_reason": "card_declined", "payment_id": "stripe:pi_1"},
)  # fmt: skip
CREATED = ("payment.intent_created.v1", "payment-intent-created-pi_1", "stripe:pi_1", AUTHORIZED[3])
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
        ("charge.succeeded", held_charge(), AUTHORIZED),
        ("payment_intent.amount_capturable_updated", intent(held_charge()), AUTHORIZED),
        ("payment_intent.created", intent(amount=10_000, currency="eur", payment_method_types=["card"]), CREATED),
        ("payment_intent.canceled", intent(held_charge()), VOIDED),
        ("payment_intent.canceled", intent(), VOIDED),
        ("payment_intent.canceled", intent(cancellation_reason="automatic"), VOIDED),
        ("charge.failed", charge(**FAILED_CHARGE), DECLINED),
        ("payment_intent.payment_failed", intent(charge(**FAILED_CHARGE)), DECLINED),
        ("charge.refunded", held_charge(), VOIDED),
        ("charge.expired", held_charge(), EXPIRED),
    ],
)
def test_a_webhook_says_one_fact(kind: str, thing: Document, said: tuple[str, str, str, Document]) -> None:
    made = adapter.map_webhook(stripe(kind, thing), CONTEXT)
    assert not isinstance(made, Recorded)
    (event,) = made
    assert (event.event_type, event.event_id, event.subject, event.data) == said
    assert event.time == TIME


@pytest.mark.parametrize(
    ("kind", "thing"),
    [
        ("charge.succeeded", charge()), ("charge.captured", charge()), ("payment_intent.succeeded", intent(charge())),
    ],
)  # fmt: skip
def test_a_capture_tells_the_authorisation_first_as_its_own_webhook_does(kind: str, thing: Document) -> None:
    made = events(stripe(kind, thing))
    assert [(one.event_type, one.event_id, one.subject, one.data) for one in made] == [AUTHORIZED, CAPTURED]


@pytest.mark.parametrize(
    ("kind", "thing", "reason"),
    [
        ("charge.succeeded", charge(status="pending"), Reason.NOT_FINAL),
        ("charge.succeeded", charge(status="unheard of"), Reason.NOT_SUCCESSFUL),
        ("payment_intent.succeeded", {"id": "pi_1", "latest_charge": "ch_1"}, Reason.SAID_ELSEWHERE),
        ("payment_intent.payment_failed", intent(), Reason.SAID_ELSEWHERE),
        ("payment_intent.canceled", intent(held_charge(), cancellation_reason="automatic"), Reason.SAID_ELSEWHERE),
        ("payment_intent.canceled", intent(latest_charge="ch_1", cancellation_reason="expired"), Reason.SAID_ELSEWHERE),
        ("payment_intent.requires_action", intent(), Reason.NOT_FINAL),
        ("charge.refunded", charge(), Reason.SAID_ELSEWHERE),
        ("refund.created", refund(balance_transaction=None), Reason.NO_MONEY),
        ("charge.refunded", charge(refunds={"data": [refund(balance_transaction=None)]}), Reason.SAID_ELSEWHERE),
        ("charge.dispute.created", dispute(status="warning_needs_response"), Reason.NO_MONEY),
        ("charge.dispute.created", dispute(), Reason.SAID_ELSEWHERE),
        ("charge.dispute.closed", dispute(status="won"), Reason.SAID_ELSEWHERE),
        ("payout.created", payout(), Reason.NO_ACCOUNT),
        ("payout.paid", payout(), Reason.NO_ACCOUNT),
        ("transfer.created", {}, Reason.NO_EVENT_TYPE),
        ("customer.created", {}, Reason.TYPE_UNKNOWN),
    ],
)
def test_a_webhook_without_an_event_says_why(kind: str, thing: Document, reason: Reason) -> None:
    made = adapter.map_webhook(stripe(kind, thing), CONTEXT)
    assert isinstance(made, Recorded)
    assert made.reason is reason


def test_a_charge_without_an_intent_is_its_own_payment() -> None:
    (_, event) = events(stripe("charge.captured", charge(payment_intent=None)))
    assert event.subject == "stripe:ch_1"
    (_, back) = events(stripe("refund.created", refund(payment_intent=None)))
    assert back.subject == "stripe:ch_1"
    (end,) = events(stripe("charge.failed", charge(payment_intent=None, **FAILED_CHARGE)))
    assert (end.event_type, end.event_id) == ("payment.failed.v1", "payment-failed-ch_1")


def test_a_partial_capture_is_what_was_captured_of_the_charge() -> None:
    authorized, captured = events(stripe("charge.captured", charge(amount_captured=7_500)))
    assert (authorized.data["amount_minor"], captured.data["amount_minor"]) == ("10000", "7500")


def test_refunds_that_a_charge_lists_are_said_each() -> None:
    refunds = {"data": [refund(id="re_2", amount=1), refund()]}
    made = events(stripe("charge.refunded", charge(refunds=refunds)))
    done = [event.event_id for event in made if event.event_type == "payment.refunded.v1"]
    assert done == ["payment-refunded-re_1", "payment-refunded-re_2"]


def test_amounts_are_in_stripes_digits() -> None:
    (_, event) = events(stripe("charge.captured", charge(currency="isk", amount_captured=500)))
    assert (event.data["amount_minor"], event.data["currency"]) == ("5", "ISK")


@pytest.mark.parametrize(
    ("kind", "thing", "steps"),
    [
        ("refund.created", refund(status="pending", balance_transaction=None), ["refund.requested"]),
        ("refund.created", refund(status="requires_action"), ["refund.requested"]),
        ("refund.created", refund(), ["refund.requested", "payment.refunded"]),
        ("refund.updated", refund(), ["refund.requested", "payment.refunded"]),
        ("charge.refund.updated", refund(), ["refund.requested", "payment.refunded"]),
        ("charge.refunded", charge(refunds={"data": [refund()]}), ["refund.requested", "payment.refunded"]),
        ("refund.updated", refund(status="canceled"), ["refund.requested", "refund.failed"]),
        ("refund.failed", refund(status="failed", balance_transaction=None), ["refund.requested", "refund.failed"]),
        ("refund.failed", refund(status="failed"), ["refund.requested", "payment.refunded", "voucher.void_requested"]),
    ],
)
def test_a_refund_tells_all_its_steps_so_far(kind: str, thing: Document, steps: list[str]) -> None:
    made = events(stripe(kind, thing))
    assert [event.event_type.removesuffix(".v1") for event in made] == steps
    assert {event.subject for event in made} == {"stripe:pi_1"}
    done = [(event.event_id, event.data) for event in made if event.event_type == "payment.refunded.v1"]
    assert done in ([], [REFUNDED[1::2]])


def test_a_refund_that_failed_after_all_names_the_voucher_that_it_takes_back() -> None:
    (_, done, back) = events(stripe("refund.failed", refund(status="failed", failure_reason="lost_or_stolen_card")))
    assert back.data == {"reason": "lost_or_stolen_card", "voucher": {"event_id": done.event_id}}


TAKEN = {"balance_transactions": [withdrawn()]}
GIVEN_BACK = {"balance_transactions": [withdrawn(), given_back()]}
SUBMITTED = {"evidence_details": {"submission_count": 1}}


@pytest.mark.parametrize(
    ("kind", "thing", "steps"),
    [
        ("charge.dispute.created", dispute(**TAKEN), ["opened"]),
        ("charge.dispute.funds_withdrawn", dispute(**TAKEN), ["opened"]),
        ("charge.dispute.updated", dispute(**TAKEN, **SUBMITTED), ["opened", "evidence_submitted"]),
        ("charge.dispute.closed", dispute(**TAKEN, **SUBMITTED, status="lost"),
         ["opened", "evidence_submitted", "lost"]),
        ("charge.dispute.closed", dispute(status="lost"), ["lost"]),
        ("charge.dispute.closed", dispute(**TAKEN, status="won"), ["opened"]),
        ("charge.dispute.funds_reinstated", dispute(**GIVEN_BACK), ["opened", "won"]),
    ],
)  # fmt: skip
def test_a_dispute_tells_all_its_steps_so_far(kind: str, thing: Document, steps: list[str]) -> None:
    made = events(stripe(kind, thing))
    assert [event.event_type for event in made] == [f"chargeback.{step}.v1" for step in steps]
    named: Document = {"chargeback_id": "dp_1", "payment_id": "stripe:pi_1"}
    whole: Document = {"amount_minor": "10000", "currency": "EUR", **named}
    said: dict[str, Document] = {
        "opened": {**whole, "fee_minor": "1500"}, "evidence_submitted": named, "lost": whole,
        "won": {**whole, "fee_minor": "1500"},
    }  # fmt: skip
    assert [event.data for event in made] == [said[step] for step in steps]
    assert {event.subject for event in made} == {"stripe:pi_1"}


def test_a_fee_in_another_currency_than_the_dispute_is_left_to_the_settlement() -> None:
    thing = dispute(balance_transactions=[withdrawn(currency="usd")])
    (event,) = events(stripe("charge.dispute.created", thing))
    assert "fee_minor" not in event.data


@pytest.mark.parametrize(
    ("members", "shares"),
    [
        ({"transfer_data": {"destination": "acct_9"}}, [("wallet:seller:acct_9", "10000")]),
        ({"destination": "acct_9"}, [("wallet:seller:acct_9", "10000")]),
        ({"transfer_data": {"destination": "acct_9"}, "application_fee_amount": 300},
         [("wallet:seller:acct_9", "9700"), ("control:PLATFORM_FEES", "300")]),
        ({"transfer_data": {"destination": "acct_9", "amount": 8_000}},
         [("wallet:seller:acct_9", "8000"), ("control:PLATFORM_FEES", "2000")]),
        ({"transfer_data": {"destination": "acct_9"}, "application_fee_amount": 10_000},
         [("control:PLATFORM_FEES", "10000")]),
        ({"application_fee_amount": 300}, None),
    ],
)  # fmt: skip
def test_a_destination_charge_is_shared_between_seller_and_platform(
    members: Document, shares: list[tuple[str, str]] | None
) -> None:
    for kind, thing in (
        ("charge.captured", charge(**members)),
        ("payment_intent.succeeded", intent(charge(**members))),
    ):
        (_, event) = events(stripe(kind, thing), SELLERS)
        beneficiaries = [{"account": account, "amount_minor": minor} for account, minor in shares or []]
        assert event.data.get("beneficiaries") == (beneficiaries or None)
    (_, event) = events(stripe("charge.captured", charge(**members)))
    assert "beneficiaries" not in event.data


@pytest.mark.parametrize(
    ("template", "account", "paid_from"),
    [
        ("wallet:seller:{account}", "acct_9", "wallet:seller:acct_9"),
        ("wallet:platform", "", "wallet:platform"),
        ("wallet:seller:{account}", "", ""),
    ],
)
def test_a_payout_is_taken_from_the_account_that_the_settings_name(template: str, account: str, paid_from: str) -> None:
    webhook = stripe("payout.paid", payout(), **({"account": account} if account else {}))
    made = adapter.map_webhook(webhook, Context(CONTEXT.scales, payout_account=template))
    if not paid_from:
        assert isinstance(made, Recorded)
        return
    assert not isinstance(made, Recorded)
    assert [event.event_id for event in made] == ["payout-requested-po_1", "payout-paid-po_1"]
    for event in made:
        assert event.data == {
            "account": paid_from, "amount_minor": "1100", "currency": "EUR", "payout_id": "stripe:po_1"
        }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        ("payout.created", ["requested"]),
        ("payout.paid", ["requested", "paid"]),
        ("payout.failed", ["requested", "paid", "returned"]),
        ("payout.canceled", ["requested", "failed"]),
    ],
)
def test_a_payout_tells_all_its_steps_so_far(kind: str, steps: list[str]) -> None:
    made = events(stripe(kind, payout(failure_code="account_closed"), account="acct_9"), SELLERS)
    assert [event.event_type for event in made] == [f"payout.{step}.v1" for step in steps]
    reasons = [event.data.get("failure_reason") for event in made]
    assert reasons[1:] in ([], [None], [None, "account_closed"], ["canceled"])


@pytest.mark.parametrize(
    ("webhook", "code"),
    [
        (stripe("charge.captured", charge(amount_captured="10000")), "DATA_INVALID"),
        (stripe("refund.updated", refund(status="unheard of")), "DATA_INVALID"),
        (stripe("charge.dispute.created", dispute(**TAKEN, id=None)), "DATA_INVALID"),
        (stripe("payment_intent.created", intent()), "DATA_INVALID"),
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


def test_a_fee_above_the_charge_is_refused() -> None:
    thing = charge(transfer_data={"destination": "acct_9"}, application_fee_amount=10_001)
    with pytest.raises(UnmappableError) as refused:
        adapter.map_webhook(stripe("charge.captured", thing), SELLERS)
    assert refused.value.code == "AMOUNT_INVALID"


def events(webhook: Document, context: Context = CONTEXT) -> tuple[PaymentEvent, ...]:
    made = adapter.map_webhook(webhook, context)
    assert not isinstance(made, Recorded)
    return made
