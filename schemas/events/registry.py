"""The table of event types: to add one is a typed dictionary, a row here, a rule and an example."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from schemas.events.accounts import AccountClosedV1, AccountFrozenV1, AccountOpenedV1, AccountUnfrozenV1
from schemas.events.cash import CashReceivedV1, CashRefundedV1, DrawerClosedV1, DrawerOpenedV1
from schemas.events.commerce import CogsRecordedV1, InventoryAdjustedV1, SaleCompletedV1
from schemas.events.followups import (
    ChargebackEvidenceSubmittedV1,
    ChargebackLostV1,
    ChargebackOpenedV1,
    ChargebackWonV1,
    RefundApprovedV1,
    RefundCompletedV1,
    RefundFailedV1,
    RefundProcessingV1,
    RefundRequestedV1,
    SettlementConfirmedV1,
    SettlementFailedV1,
    SettlementFinalityConfirmedV1,
    SettlementFinalityFailedV1,
)
from schemas.events.holds import HoldCapturedV1, HoldPlacedV1, HoldReleasedV1
from schemas.events.marketplace import SettlementProfileUpdatedV1
from schemas.events.payments import (
    PaymentAuthorizationExpiredV1,
    PaymentAuthorizedV1,
    PaymentCapturedV1,
    PaymentCaptureFailedV1,
    PaymentFailedV1,
    PaymentIntentCreatedV1,
    PaymentRefundedV1,
    PaymentVoidedV1,
    PayoutPaidV1,
)
from schemas.events.payouts import (
    FeeChargedV1,
    FeeFailedV1,
    FeeRefundedV1,
    FeeRetriedV1,
    PayoutFailedV1,
    PayoutRequestedV1,
    PayoutReturnedV1,
)
from schemas.events.rates import FxRatePublishedV1
from schemas.events.reservations import (
    PaymentMethodDetachedV1,
    PaymentMethodTokenizedV1,
    ReservationCancelledV1,
    ReservationConfirmedV1,
    ReservationHeldV1,
    ReservationNoShowV1,
)
from schemas.events.transfers import (
    SweepRequestedV1,
    TransactionCompensatedV1,
    TransferApprovedV1,
    TransferFailedV1,
    TransferInflowAnnouncedV1,
    TransferInflowCompensatedV1,
    TransferInflowReceivedV1,
    TransferMonitoringBlockedV1,
    TransferMonitoringFlaggedV1,
    TransferMonitoringPassedV1,
    TransferRequestedV1,
    TransferReviewClearedV1,
    TransferReviewOpenedV1,
    TransferSettledV1,
    VerificationChangedV1,
)
from schemas.events.vouchers import VoucherGroupRequestedV1, VoucherRequestedV1, VoucherVoidRequestedV1
from schemas.events.webhooks import (
    AdapterHealthChangedV1,
    WebhookDuplicateDroppedV1,
    WebhookForgottenV1,
    WebhookProcessedV1,
    WebhookReceivedV1,
)

EVENT_TYPES: Mapping[str, type] = MappingProxyType({
    "payment.intent_created.v1": PaymentIntentCreatedV1,
    "payment.authorized.v1": PaymentAuthorizedV1,
    "payment.authorization_expired.v1": PaymentAuthorizationExpiredV1,
    "payment.captured.v1": PaymentCapturedV1,
    "payment.capture_failed.v1": PaymentCaptureFailedV1,
    "payment.failed.v1": PaymentFailedV1,
    "payment.voided.v1": PaymentVoidedV1,
    "payment.refunded.v1": PaymentRefundedV1,
    "refund.requested.v1": RefundRequestedV1,
    "refund.approved.v1": RefundApprovedV1,
    "refund.processing.v1": RefundProcessingV1,
    "refund.completed.v1": RefundCompletedV1,
    "refund.failed.v1": RefundFailedV1,
    "chargeback.opened.v1": ChargebackOpenedV1,
    "chargeback.evidence_submitted.v1": ChargebackEvidenceSubmittedV1,
    "chargeback.won.v1": ChargebackWonV1,
    "chargeback.lost.v1": ChargebackLostV1,
    "settlement.confirmed.v1": SettlementConfirmedV1,
    "settlement.failed.v1": SettlementFailedV1,
    "settlement.finality_confirmed.v1": SettlementFinalityConfirmedV1,
    "settlement.finality_failed.v1": SettlementFinalityFailedV1,
    "payout.requested.v1": PayoutRequestedV1,
    "payout.paid.v1": PayoutPaidV1,
    "payout.failed.v1": PayoutFailedV1,
    "payout.returned.v1": PayoutReturnedV1,
    "fee.charged.v1": FeeChargedV1,
    "fee.failed.v1": FeeFailedV1,
    "fee.retried.v1": FeeRetriedV1,
    "fee.refunded.v1": FeeRefundedV1,
    "drawer.opened.v1": DrawerOpenedV1,
    "drawer.closed.v1": DrawerClosedV1,
    "cash.received.v1": CashReceivedV1,
    "cash.refunded.v1": CashRefundedV1,
    "voucher.requested.v1": VoucherRequestedV1,
    "voucher.group_requested.v1": VoucherGroupRequestedV1,
    "hold.placed.v1": HoldPlacedV1,
    "hold.captured.v1": HoldCapturedV1,
    "hold.released.v1": HoldReleasedV1,
    "reservation.held.v1": ReservationHeldV1,
    "reservation.confirmed.v1": ReservationConfirmedV1,
    "reservation.cancelled.v1": ReservationCancelledV1,
    "reservation.no_show.v1": ReservationNoShowV1,
    "payment_method.tokenized.v1": PaymentMethodTokenizedV1,
    "payment_method.detached.v1": PaymentMethodDetachedV1,
    "voucher.void_requested.v1": VoucherVoidRequestedV1,
    "account.opened.v1": AccountOpenedV1,
    "account.frozen.v1": AccountFrozenV1,
    "account.unfrozen.v1": AccountUnfrozenV1,
    "account.closed.v1": AccountClosedV1,
    "settlement_profile.updated.v1": SettlementProfileUpdatedV1,
    "fx.rate_published.v1": FxRatePublishedV1,
    "sale.completed.v1": SaleCompletedV1,
    "cogs.recorded.v1": CogsRecordedV1,
    "inventory.adjusted.v1": InventoryAdjustedV1,
    "transfer.requested.v1": TransferRequestedV1,
    "transfer.inflow.announced.v1": TransferInflowAnnouncedV1,
    "transfer.inflow.received.v1": TransferInflowReceivedV1,
    "transfer.inflow.compensated.v1": TransferInflowCompensatedV1,
    "transfer.approved.v1": TransferApprovedV1,
    "transfer.review.opened.v1": TransferReviewOpenedV1,
    "transfer.review.cleared.v1": TransferReviewClearedV1,
    "transfer.monitoring.passed.v1": TransferMonitoringPassedV1,
    "transfer.monitoring.flagged.v1": TransferMonitoringFlaggedV1,
    "transfer.monitoring.blocked.v1": TransferMonitoringBlockedV1,
    "transfer.settled.v1": TransferSettledV1,
    "transfer.failed.v1": TransferFailedV1,
    "transaction.compensated.v1": TransactionCompensatedV1,
    "sweep.requested.v1": SweepRequestedV1,
    "verification.changed.v1": VerificationChangedV1,
})  # fmt: skip

_VERSION = re.compile(r"\.v[0-9]{1,6}$")


def family(event_type: str) -> str:
    """The type without its version: `payment.captured` of `payment.captured.v1`."""
    return _VERSION.sub("", event_type)


WEBHOOK_TYPES: Mapping[str, type] = MappingProxyType({
    "webhook.received.v1": WebhookReceivedV1,
    "webhook.duplicate_dropped.v1": WebhookDuplicateDroppedV1,
    "webhook.processed.v1": WebhookProcessedV1,
    "webhook.forgotten.v1": WebhookForgottenV1,
    "adapter.health_changed.v1": AdapterHealthChangedV1,
})  # fmt: skip
"""What the ledger publishes about webhooks; nobody sends them to it."""

FAMILIES = frozenset(family(event_type) for event_type in EVENT_TYPES)
