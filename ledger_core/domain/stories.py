"""What follows a payment, or stands beside it, in steps: refunds, chargebacks, settlements, payouts and fees.

Facts as an upstream service tells them, already validated. Amounts in minor units.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from ledger_core.domain import transfers
from ledger_core.domain.payments import Beneficiary, PaymentRefunded, PayoutPaid

# Refunds ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class RefundRequested:
    """Somebody wants money back. It is set aside from what is left to refund."""

    payment_id: str
    refund_id: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class RefundApproved:
    payment_id: str
    refund_id: str


@dataclass(slots=True)
class RefundProcessing:
    """The processor is at it."""

    payment_id: str
    refund_id: str


@dataclass(slots=True)
class RefundCompleted:
    """The money went back: posted as a refund in one step is."""

    payment_id: str
    refund_id: str
    amount_minor: int
    currency: str
    beneficiaries: tuple[Beneficiary, ...] = ()
    payer: str | None = None
    keeps_fee: bool = False
    credited_currency: str = ""


@dataclass(slots=True)
class RefundFailed:
    """It will not go back: nothing is set aside any more."""

    payment_id: str
    refund_id: str
    failure_reason: str


# Chargebacks --------------------------------------------------------------------------------------


@dataclass(slots=True)
class ChargebackOpened:
    """The payer disputes; the beneficiaries' money is reserved. `fee_minor` is what the processor charges for it."""

    payment_id: str
    chargeback_id: str
    amount_minor: int
    currency: str
    beneficiaries: tuple[Beneficiary, ...] = ()
    fee_minor: int = 0
    credited_currency: str = ""


@dataclass(slots=True)
class ChargebackEvidenceSubmitted:
    payment_id: str
    chargeback_id: str


@dataclass(slots=True)
class ChargebackWon:
    """The reserve goes back to whom it came from. `fee_minor` is what the processor gives back of its fee."""

    payment_id: str
    chargeback_id: str
    amount_minor: int
    currency: str
    fee_minor: int = 0


@dataclass(slots=True)
class ChargebackLost:
    """The processor takes the reserve, and `fee_minor` on top."""

    payment_id: str
    chargeback_id: str
    amount_minor: int
    currency: str
    fee_minor: int = 0


# Settlements --------------------------------------------------------------------------------------


@dataclass(slots=True)
class SettlementConfirmed:
    """The processor executed a transfer to our bank, less `fee_minor`. Executed is not final."""

    payment_id: str
    settlement_id: str
    amount_minor: int
    currency: str
    fee_minor: int = 0


@dataclass(slots=True)
class SettlementFailed:
    payment_id: str
    settlement_id: str
    failure_reason: str


@dataclass(slots=True)
class SettlementFinalityConfirmed:
    """The amount, net of fees, is ours for good."""

    payment_id: str
    settlement_id: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class SettlementFinalityFailed:
    """What was executed was taken back."""

    payment_id: str
    settlement_id: str
    failure_reason: str


# Payouts, beside `PayoutPaid` ---------------------------------------------------------------------


@dataclass(slots=True)
class PayoutRequested:
    """A seller's money is on its way to the bank."""

    payout_id: str
    account: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class PayoutFailed:
    payout_id: str
    failure_reason: str


@dataclass(slots=True)
class PayoutReturned:
    """It had been paid; the bank sent it back."""

    payout_id: str
    failure_reason: str


# Fees ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FeeCharged:
    """The platform took a fee from an account. `reference` names what it is for."""

    fee_id: str
    account: str
    amount_minor: int
    currency: str
    reference: str = ""


@dataclass(slots=True)
class FeeFailed:
    """An attempt to charge it failed."""

    fee_id: str
    failure_reason: str


@dataclass(slots=True)
class FeeRetried:
    """Another attempt is under way."""

    fee_id: str


@dataclass(slots=True)
class FeeRefunded:
    fee_id: str
    account: str
    amount_minor: int
    currency: str


RefundFact = RefundRequested | RefundApproved | RefundProcessing | RefundCompleted | RefundFailed
ChargebackFact = ChargebackOpened | ChargebackEvidenceSubmitted | ChargebackWon | ChargebackLost
SettlementFact = SettlementConfirmed | SettlementFailed | SettlementFinalityConfirmed | SettlementFinalityFailed
PayoutFact = PayoutRequested | PayoutFailed | PayoutReturned
FeeFact = FeeCharged | FeeFailed | FeeRetried | FeeRefunded
StoryFact = RefundFact | ChargebackFact | SettlementFact | PayoutFact | FeeFact

ID_OF: Mapping[type, str] = MappingProxyType({
    **dict.fromkeys((PaymentRefunded, RefundRequested, RefundApproved, RefundProcessing), "refund_id"),
    **dict.fromkeys((RefundCompleted, RefundFailed), "refund_id"),
    **dict.fromkeys((ChargebackOpened, ChargebackEvidenceSubmitted, ChargebackWon, ChargebackLost), "chargeback_id"),
    **dict.fromkeys((SettlementConfirmed, SettlementFailed), "settlement_id"),
    **dict.fromkeys((SettlementFinalityConfirmed, SettlementFinalityFailed), "settlement_id"),
    **dict.fromkeys((PayoutRequested, PayoutPaid, PayoutFailed, PayoutReturned), "payout_id"),
    **dict.fromkeys((FeeCharged, FeeFailed, FeeRetried, FeeRefunded), "fee_id"),
    **transfers.ID_OF,
})  # fmt: skip
"""Which member of a fact names the refund, chargeback … that it is a step of."""


def said(fact: object) -> dict[str, str]:
    """What an event of the log keeps of such a fact, beside amount, currency and method."""
    kind: type = type(fact)
    kept: dict[str, str] = {}
    for name in _told_by(kind):
        if value := getattr(fact, name):
            if name == "keeps_fee":
                kept["platform_fee"] = "kept"
            else:
                kept[name] = str(value)
    return kept


@cache
def _told_by(fact: type) -> tuple[str, ...]:
    """The members of a kind of fact that the log keeps so: asked once a kind, not of every fact."""
    names = (ID_OF.get(fact, ""), "failure_reason", "reference", "fee_minor", "keeps_fee")
    return tuple(name for name in names if hasattr(fact, name))
