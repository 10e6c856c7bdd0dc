"""Turns validated data of refunds, chargebacks, settlements, payouts and fees into the core's facts.

Their members are those of the facts, but for digits, shares and the words for who keeps the commission.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ledger_core.domain import stories
from ledger_core.domain.payments import (
    AtBookRate,
    Beneficiary,
    PaymentAuthorizationExpired,
    PaymentCaptureFailed,
    PaymentFailed,
)
from ledger_core.domain.stories import StoryFact
from schemas.events.payments import BeneficiaryData

EndFact = PaymentAuthorizationExpired | PaymentCaptureFailed | PaymentFailed


def beneficiaries(shares: list[BeneficiaryData]) -> tuple[Beneficiary, ...]:
    if len(shares) == 1:  # nearly always: no loop
        return (_beneficiary(shares[0]),)
    return tuple([_beneficiary(share) for share in shares])


def _beneficiary(share: BeneficiaryData) -> Beneficiary:
    if "commission_bps" in share:
        return Beneficiary(share["account"], int(share["amount_minor"]), share["commission_bps"])
    return AtBookRate(share["account"], int(share["amount_minor"]))


def _reader(kind: type[StoryFact | EndFact]) -> Callable[[Mapping[str, Any]], StoryFact | EndFact]:
    """Any: the validator of the type has just made the data."""

    def read(data: Mapping[str, Any]) -> StoryFact | EndFact:
        members = dict(data)
        for name in ("amount_minor", "fee_minor"):
            if name in members:
                members[name] = int(members[name])
        if "beneficiaries" in members:
            members["beneficiaries"] = beneficiaries(members["beneficiaries"])
        if "exchange" in members:
            members["credited_currency"] = members.pop("exchange")["currency"]
        if "platform_fee" in members:
            members["keeps_fee"] = members.pop("platform_fee") == "kept"
        return kind(**members)

    return read


STORY_FACTS: Mapping[str, Callable[[Mapping[str, Any]], StoryFact | EndFact]] = MappingProxyType({
    event_type: _reader(kind)
    for event_type, kind in {
        "payment.authorization_expired.v1": PaymentAuthorizationExpired,
        "payment.capture_failed.v1": PaymentCaptureFailed,
        "payment.failed.v1": PaymentFailed,
        "refund.requested.v1": stories.RefundRequested,
        "refund.approved.v1": stories.RefundApproved,
        "refund.processing.v1": stories.RefundProcessing,
        "refund.completed.v1": stories.RefundCompleted,
        "refund.failed.v1": stories.RefundFailed,
        "chargeback.opened.v1": stories.ChargebackOpened,
        "chargeback.evidence_submitted.v1": stories.ChargebackEvidenceSubmitted,
        "chargeback.won.v1": stories.ChargebackWon,
        "chargeback.lost.v1": stories.ChargebackLost,
        "settlement.confirmed.v1": stories.SettlementConfirmed,
        "settlement.failed.v1": stories.SettlementFailed,
        "settlement.finality_confirmed.v1": stories.SettlementFinalityConfirmed,
        "settlement.finality_failed.v1": stories.SettlementFinalityFailed,
        "payout.requested.v1": stories.PayoutRequested,
        "payout.failed.v1": stories.PayoutFailed,
        "payout.returned.v1": stories.PayoutReturned,
        "fee.charged.v1": stories.FeeCharged,
        "fee.failed.v1": stories.FeeFailed,
        "fee.retried.v1": stories.FeeRetried,
        "fee.refunded.v1": stories.FeeRefunded,
    }.items()
})  # fmt: skip
