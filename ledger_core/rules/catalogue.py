"""The table of posting rules: to add one is a function, a row here and an example."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ledger_core.domain.account_facts import AccountClosed, AccountFrozen, AccountOpened, AccountUnfrozen
from ledger_core.domain.cash import CashReceived, CashRefunded, DrawerClosed, DrawerOpened
from ledger_core.domain.charts import Chart
from ledger_core.domain.commerce import CogsRecorded, InventoryAdjusted, SaleCompleted, UnsourcedSale
from ledger_core.domain.facts import Fact
from ledger_core.domain.holds import HoldCaptured, HoldConfirmed, HoldPlaced, HoldReleased
from ledger_core.domain.merchants import MerchantChanged
from ledger_core.domain.notices import FxRatePublished, SettlementProfileUpdated, VerificationChanged
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.payment_methods import PaymentMethodDetached, PaymentMethodTokenized
from ledger_core.domain.payments import (
    CashIntentCreated,
    ExchangedCaptured,
    PaymentAuthorizationExpired,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentCaptureFailed,
    PaymentFailed,
    PaymentIntentCreated,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
    ProvenCaptured,
    SplitCaptured,
)
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.requests import CompensationRequested, VoucherRequested
from ledger_core.domain.stories import (
    ChargebackEvidenceSubmitted,
    ChargebackLost,
    ChargebackOpened,
    ChargebackWon,
    FeeCharged,
    FeeFailed,
    FeeRefunded,
    FeeRetried,
    PayoutFailed,
    PayoutRequested,
    PayoutReturned,
    RefundApproved,
    RefundCompleted,
    RefundFailed,
    RefundProcessing,
    RefundRequested,
    SettlementConfirmed,
    SettlementFailed,
    SettlementFinalityConfirmed,
    SettlementFinalityFailed,
)
from ledger_core.domain.strays import Stray
from ledger_core.domain.transfers import (
    InflowAnnounced,
    InflowCompensated,
    InflowReceived,
    MonitoringBlocked,
    MonitoringFlagged,
    MonitoringPassed,
    ReviewCleared,
    ReviewOpened,
    SweepRequested,
    TransactionCompensated,
    TransferApproved,
    TransferFailed,
    TransferRequested,
    TransferSettled,
)
from ledger_core.domain.vouchers import Draft, Line
from ledger_core.rules import (
    cash,
    chargebacks,
    commerce,
    exchanges,
    fees,
    holds,
    marketplace,
    merchants,
    openings,
    payment_methods,
    payments,
    payouts,
    rates,
    refunds,
    requested,
    settlements,
    transfers,
)
from ledger_core.rules.recorded import recorded


@dataclass(slots=True, frozen=True)
class Rule:
    """How one kind of fact is posted. A rule that comes to post something else gets a new version.

    `propose` None: no entries of its own (a void mirrors what was captured, as the locked subject knows it).
    A rule that answers with a whole draft says the kind itself.
    """

    kind: str
    name: str
    version: int
    # Any: the key of the table says which fact the function takes.
    propose: Callable[[Any, Chart], list[Line] | Draft | Refusal] | None

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


RULES: Mapping[type[Fact], Rule] = MappingProxyType({
    PaymentIntentCreated: Rule("intent", "payment_intent_created", 1, None),
    CashIntentCreated: Rule("intent", "cash_intent_created", 1, None),
    PaymentAuthorized: Rule("authorization", "payment_authorized", 1, None),
    PaymentCaptured: Rule("capture", "payment_captured", 1, payments.captured),
    ProvenCaptured: Rule("capture", "payment_captured_with_proof", 1, payments.proven),
    ExchangedCaptured: Rule("capture", "payment_captured_across_currencies", 1, exchanges.captured),
    SplitCaptured: Rule("capture", "payment_split", 1, marketplace.split),
    PaymentAuthorizationExpired: Rule("authorization_expired", "payment_authorization_expired", 1, recorded),
    PaymentCaptureFailed: Rule("capture_failed", "payment_capture_failed", 1, recorded),
    PaymentFailed: Rule("failure", "payment_failed", 1, recorded),
    PaymentVoided: Rule("void", "payment_voided", 1, None),
    PaymentRefunded: Rule("refund", "payment_refunded", 1, refunds.refunded),
    RefundRequested: Rule("refund", "refund_requested", 1, recorded),
    RefundApproved: Rule("refund", "refund_approved", 1, recorded),
    RefundProcessing: Rule("refund", "refund_processing", 1, recorded),
    RefundCompleted: Rule("refund", "refund_completed", 1, refunds.refunded),
    RefundFailed: Rule("refund", "refund_failed", 1, recorded),
    ChargebackOpened: Rule("chargeback", "chargeback_opened", 1, chargebacks.opened),
    ChargebackEvidenceSubmitted: Rule("chargeback", "chargeback_evidence_submitted", 1, recorded),
    ChargebackWon: Rule("chargeback", "chargeback_won", 1, chargebacks.won),
    ChargebackLost: Rule("chargeback", "chargeback_lost", 1, chargebacks.lost),
    SettlementConfirmed: Rule("settlement", "settlement_confirmed", 1, settlements.confirmed),
    SettlementFailed: Rule("settlement", "settlement_failed", 1, settlements.failed),
    SettlementFinalityConfirmed: Rule("settlement", "settlement_final", 1, settlements.finality_confirmed),
    SettlementFinalityFailed: Rule("settlement", "settlement_finality_failed", 1, settlements.failed),
    PayoutRequested: Rule("payout", "payout_requested", 1, payouts.requested),
    PayoutPaid: Rule("payout", "payout_paid", 1, payouts.paid),
    PayoutFailed: Rule("payout", "payout_failed", 1, recorded),
    PayoutReturned: Rule("payout", "payout_returned", 1, recorded),
    FeeCharged: Rule("fee", "fee_charged", 1, fees.charged),
    FeeFailed: Rule("fee", "fee_failed", 1, recorded),
    FeeRetried: Rule("fee", "fee_retried", 1, recorded),
    FeeRefunded: Rule("fee", "fee_refunded", 1, fees.refunded),
    DrawerOpened: Rule(cash.COUNT, "drawer_opened", 1, cash.opened),
    DrawerClosed: Rule(cash.COUNT, "drawer_closed", 1, cash.closed),
    CashReceived: Rule("cash_receipt", "cash_received", 1, cash.received),
    CashRefunded: Rule("cash_refund", "cash_refunded", 1, cash.refunded),
    VoucherRequested: Rule("", "voucher_requested", 1, requested.requested),
    HoldPlaced: Rule("hold", "hold_placed", 1, holds.placed),
    HoldCaptured: Rule("capture", "hold_captured", 1, holds.captured),
    HoldReleased: Rule("release", "hold_released", 1, holds.released),
    HoldConfirmed: Rule("confirmation", "hold_confirmed", 1, None),
    PaymentMethodTokenized: Rule("payment_method", "payment_method_tokenized", 1, payment_methods.recorded),
    PaymentMethodDetached: Rule("payment_method", "payment_method_detached", 1, payment_methods.recorded),
    CompensationRequested: Rule("", "compensation_requested", 1, requested.requested),
    MerchantChanged: Rule("merchant", "merchant_changed", 1, merchants.changed),
    Stray: Rule("", "stray", 1, None),
    VoidRequested: Rule("reversal", "void_requested", 1, None),
    AccountOpened: Rule("account", "account_opened", 1, openings.opened),
    AccountFrozen: Rule("account", "account_frozen", 1, None),
    AccountUnfrozen: Rule("account", "account_unfrozen", 1, None),
    AccountClosed: Rule("closing", "account_closed", 1, None),
    SettlementProfileUpdated: Rule(
        "settlement_profile", "settlement_profile_updated", 1, marketplace.profile_updated
    ),
    VerificationChanged: Rule("verification", "verification_changed", 1, recorded),
    TransferRequested: Rule("transfer", "transfer_requested", 1, transfers.told),
    InflowAnnounced: Rule("transfer", "inflow_announced", 1, transfers.told),
    InflowReceived: Rule("transfer", "inflow_received", 1, transfers.received),
    InflowCompensated: Rule("transfer", "inflow_compensated", 1, transfers.told),
    TransferApproved: Rule("transfer", "transfer_approved", 1, transfers.told),
    ReviewOpened: Rule("transfer", "review_opened", 1, transfers.told),
    ReviewCleared: Rule("transfer", "review_cleared", 1, transfers.told),
    MonitoringPassed: Rule("transfer", "monitoring_passed", 1, transfers.told),
    MonitoringFlagged: Rule("transfer", "monitoring_flagged", 1, transfers.told),
    MonitoringBlocked: Rule("transfer", "monitoring_blocked", 1, transfers.told),
    TransferSettled: Rule("transfer", "transfer_settled", 1, transfers.settled),
    TransferFailed: Rule("transfer", "transfer_failed", 1, transfers.told),
    TransactionCompensated: Rule("transfer", "transaction_compensated", 1, transfers.told),
    SweepRequested: Rule("transfer", "sweep_requested", 1, transfers.swept),
    FxRatePublished: Rule("fx_rate", "fx_rate_published", 1, rates.published),
    SaleCompleted: Rule("sale", "sale_completed", 1, commerce.sold),
    UnsourcedSale: Rule("sale", "unsourced_sale", 1, commerce.sold),
    CogsRecorded: Rule("cogs", "cogs_recorded", 1, commerce.cost_recorded),
    InventoryAdjusted: Rule("inventory_adjustment", "inventory_adjusted", 1, commerce.inventory_adjusted),
})  # fmt: skip

_LABELS: Mapping[type[Fact], str] = MappingProxyType({fact: rule.label for fact, rule in RULES.items()})


def propose(fact: Fact, chart: Chart) -> Draft | Refusal | None:
    """The voucher for this fact by the book's chart; None where the fact has no entries of its own."""
    rule = RULES[type(fact)]
    if rule.propose is None:
        return None
    lines = rule.propose(fact, chart)
    if isinstance(lines, list):
        return Draft(rule.kind, _LABELS[type(fact)], lines)
    if isinstance(lines, Draft):
        lines.rule = _LABELS[type(fact)]
    return lines
