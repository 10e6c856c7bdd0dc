"""Turns validated event data into the core's facts: the only place where digits become integers."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from consumers import account_facts, hold_facts, rate_facts, requests
from consumers.cash_facts import CASH_FACTS, capture_with_proof, intent_created
from consumers.commerce_facts import COMMERCE_FACTS
from consumers.market_facts import settlement_profile_updated
from consumers.reservation_facts import RESERVATION_FACTS
from consumers.story_facts import STORY_FACTS, beneficiaries
from consumers.transfer_facts import TRANSFER_FACTS
from ledger_core.domain.facts import UpstreamFact
from ledger_core.domain.payments import (
    CASH_ON_DELIVERY,
    Exchange,
    ExchangedCaptured,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
    SplitCaptured,
)
from ledger_core.domain.quotes import Quote
from schemas.events.payments import (
    PaymentAuthorizedV1,
    PaymentCapturedV1,
    PaymentRefundedV1,
    PaymentVoidedV1,
    PayoutPaidV1,
)


def payment_authorized(data: PaymentAuthorizedV1) -> PaymentAuthorized:
    return PaymentAuthorized(data["payment_id"], int(data["amount_minor"]), data["currency"], data["method"])


def payment_captured(data: PaymentCapturedV1) -> PaymentCaptured:
    if "exchange" in data:
        return captured_across(data)
    if (
        "gateway_transaction_id" in data or "gateway_response" in data or "confirmed_by" in data
        or "confirmed_at" in data or data["method"] == CASH_ON_DELIVERY
    ):  # fmt: skip
        told = capture_with_proof(data)
        return SplitCaptured.of(told, data["custody"]) if "custody" in data else told
    shares = data.get("beneficiaries")
    fact = PaymentCaptured(
        data["payment_id"],
        int(data["amount_minor"]),
        data["currency"],
        data["method"],
        beneficiaries(shares) if shares else (),
        data.get("payer"),
        data.get("partial", False),
    )
    return SplitCaptured.of(fact, data["custody"]) if "custody" in data else fact


def captured_across(data: PaymentCapturedV1) -> PaymentCaptured:
    """A capture whose beneficiaries are credited in another currency than the payer's."""
    exchange = data["exchange"]
    plain = data.copy()
    custody = plain.pop("custody", None)
    del plain["exchange"]
    told = payment_captured(plain)
    quoted = Exchange(int(exchange["amount_minor"]), exchange["currency"], Quote(**exchange["quote"]))
    fact = ExchangedCaptured.of(told, quoted)
    return SplitCaptured.of(fact, custody) if custody is not None else fact


def payment_voided(data: PaymentVoidedV1) -> PaymentVoided:
    return PaymentVoided(data["payment_id"], data.get("reason", ""))


def payment_refunded(data: PaymentRefundedV1) -> PaymentRefunded:
    shares = data.get("beneficiaries")
    return PaymentRefunded(
        data["payment_id"],
        data["refund_id"],
        int(data["amount_minor"]),
        data["currency"],
        beneficiaries(shares) if shares else (),
        data.get("payer"),
        data.get("platform_fee") == "kept",
        data["exchange"]["currency"] if "exchange" in data else "",
    )


def payout_paid(data: PayoutPaidV1) -> PayoutPaid:
    return PayoutPaid(data["payout_id"], data["account"], int(data["amount_minor"]), data["currency"])


# Any: each function takes the data of its own type, which the validator of that type has just made.
FACTS: Mapping[str, Callable[[Any], UpstreamFact]] = MappingProxyType({
    "payment.authorized.v1": payment_authorized,
    "payment.captured.v1": payment_captured,
    "payment.voided.v1": payment_voided,
    "payment.refunded.v1": payment_refunded,
    "payout.paid.v1": payout_paid,
    **STORY_FACTS,
    **CASH_FACTS,
    **RESERVATION_FACTS,
    "payment.intent_created.v1": intent_created,
    "voucher.requested.v1": requests.voucher_requested,
    "voucher.group_requested.v1": requests.voucher_group_requested,
    "hold.placed.v1": hold_facts.hold_placed,
    "hold.captured.v1": hold_facts.hold_captured,
    "hold.released.v1": hold_facts.hold_released,
    "voucher.void_requested.v1": requests.void_requested,
    "account.opened.v1": account_facts.account_opened,
    "account.frozen.v1": account_facts.account_frozen,
    "account.unfrozen.v1": account_facts.account_unfrozen,
    "account.closed.v1": account_facts.account_closed,
    **COMMERCE_FACTS,
    **TRANSFER_FACTS,
    "settlement_profile.updated.v1": settlement_profile_updated,
    "fx.rate_published.v1": rate_facts.fx_rate_published,
})  # fmt: skip

CURRENCIES: Mapping[str, Callable[[Any], set[str]]] = MappingProxyType({
    "voucher.requested.v1": requests.currencies,
    "voucher.group_requested.v1": requests.currencies_of_group,
    "fx.rate_published.v1": rate_facts.currencies,
})  # fmt: skip
"""The currencies that data name, where that is not in a member `currency` of their own."""
