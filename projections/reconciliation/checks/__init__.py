"""The registry of checks: a new check is one file here, one row below and one example in the tests."""

from projections.reconciliation.checks.captures_exceeding import CAPTURE_EXCEEDS_AUTHORIZED
from projections.reconciliation.checks.check import Check, Scope
from projections.reconciliation.checks.commission_exceeding import COMMISSION_EXCEEDS_TAKEN
from projections.reconciliation.checks.idempotency_conflict import IDEMPOTENCY_CONFLICT
from projections.reconciliation.checks.order_suspense import ORDER_SUSPENSE_NOT_ZERO
from projections.reconciliation.checks.source_partitions import SOURCE_HISTORY_MISSING, SOURCE_STOPPED
from projections.reconciliation.checks.stale_quotes import QUOTE_STALE

CHECKS: tuple[Check, ...] = (
    ORDER_SUSPENSE_NOT_ZERO,
    IDEMPOTENCY_CONFLICT,
    SOURCE_STOPPED,
    SOURCE_HISTORY_MISSING,
    QUOTE_STALE,
    CAPTURE_EXCEEDS_AUTHORIZED,
    COMMISSION_EXCEEDS_TAKEN,
)

__all__ = ["CHECKS", "Check", "Scope"]
