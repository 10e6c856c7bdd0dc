"""The states by which lists are asked for, one enumeration each: what is not in it can be no answer."""

from enum import StrEnum

from ledger_core.domain.payment_state import PaymentState

__all__ = ["FeeState", "PaymentState", "PayoutState", "RefundState", "TransferState"]


class RefundState(StrEnum):
    """TAKEN_BACK, here and below: its voucher was reversed by request."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TAKEN_BACK = "TAKEN_BACK"


class PayoutState(StrEnum):
    """Of money on its way to an owner of an account."""

    REQUESTED = "REQUESTED"
    PAID = "PAID"
    FAILED = "FAILED"
    RETURNED = "RETURNED"
    TAKEN_BACK = "TAKEN_BACK"


class FeeState(StrEnum):
    """PERMANENTLY_FAILED after three tries."""

    CHARGED = "CHARGED"
    FAILED = "FAILED"
    RETRYING = "RETRYING"
    PERMANENTLY_FAILED = "PERMANENTLY_FAILED"
    TAKEN_BACK = "TAKEN_BACK"


class TransferState(StrEnum):
    """Of a transfer with its deposits, reviews and verdicts."""

    REQUESTED = "REQUESTED"
    INFLOW_PARTIAL = "INFLOW_PARTIAL"
    FUNDED = "FUNDED"
    UNDER_REVIEW = "UNDER_REVIEW"
    BLOCKED = "BLOCKED"
    SETTLED = "SETTLED"
    FAILED = "FAILED"
    COMPENSATED = "COMPENSATED"
