"""What follows a payment in steps, version 1: refunds, chargebacks and settlements.

The `subject` of each is that of its payment. Fields stand in alphabetical order, as in `payments.py`.
"""

from typing import Annotated, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import (
    STRICT,
    AccountCode,
    AmountMinor,
    Beneficiaries,
    Currency,
    ExchangedData,
    FailureReason,
    Identifier,
    PlatformFee,
)

FeeMinor = Annotated[AmountMinor, Field(description="What the processor charges, in minor units; nothing if absent")]
FeeBackMinor = Annotated[AmountMinor, Field(description="What the processor gives back of its fee; nothing if absent")]


@with_config(STRICT)
class RefundRequestedV1(TypedDict):
    """Money is asked back, and set aside from what is left to refund. Recorded."""

    amount_minor: AmountMinor
    currency: Currency
    payment_id: Identifier
    refund_id: Identifier


@with_config(STRICT)
class RefundApprovedV1(TypedDict):
    """The refund may go out. Recorded."""

    payment_id: Identifier
    refund_id: Identifier


@with_config(STRICT)
class RefundProcessingV1(TypedDict):
    """The processor is at it. Recorded."""

    payment_id: Identifier
    refund_id: Identifier


@with_config(STRICT)
class RefundCompletedV1(TypedDict):
    """The money went back to the payer; the beneficiaries bear it as they would have received it."""

    amount_minor: AmountMinor
    beneficiaries: NotRequired[Beneficiaries]
    currency: Currency
    exchange: NotRequired[ExchangedData]
    payer: NotRequired[AccountCode]
    payment_id: Identifier
    platform_fee: NotRequired[PlatformFee]
    refund_id: Identifier


@with_config(STRICT)
class RefundFailedV1(TypedDict):
    """The money will not go back: nothing is set aside any more. Recorded."""

    failure_reason: FailureReason
    payment_id: Identifier
    refund_id: Identifier


@with_config(STRICT)
class ChargebackOpenedV1(TypedDict):
    """The payer disputes: what the beneficiaries got of it is reserved."""

    amount_minor: AmountMinor
    beneficiaries: NotRequired[Beneficiaries]
    chargeback_id: Identifier
    currency: Currency
    exchange: NotRequired[ExchangedData]
    fee_minor: NotRequired[FeeMinor]
    payment_id: Identifier


@with_config(STRICT)
class ChargebackEvidenceSubmittedV1(TypedDict):
    """Evidence was sent to the processor. Recorded."""

    chargeback_id: Identifier
    payment_id: Identifier


@with_config(STRICT)
class ChargebackWonV1(TypedDict):
    """The dispute was won: the reserve goes back to whom it came from."""

    amount_minor: AmountMinor
    chargeback_id: Identifier
    currency: Currency
    fee_minor: NotRequired[FeeBackMinor]
    payment_id: Identifier


@with_config(STRICT)
class ChargebackLostV1(TypedDict):
    """The dispute was lost: the processor takes the reserve."""

    amount_minor: AmountMinor
    chargeback_id: Identifier
    currency: Currency
    fee_minor: NotRequired[FeeMinor]
    payment_id: Identifier


@with_config(STRICT)
class SettlementConfirmedV1(TypedDict):
    """The processor executed a transfer of the amount, less its fee, to our bank. Executed is not final."""

    amount_minor: AmountMinor
    currency: Currency
    fee_minor: NotRequired[FeeMinor]
    payment_id: Identifier
    settlement_id: Identifier


@with_config(STRICT)
class SettlementFailedV1(TypedDict):
    """The transfer failed: what was confirmed of it is taken back."""

    failure_reason: FailureReason
    payment_id: Identifier
    settlement_id: Identifier


@with_config(STRICT)
class SettlementFinalityConfirmedV1(TypedDict):
    """The amount, net of fees, is ours for good."""

    amount_minor: AmountMinor
    currency: Currency
    payment_id: Identifier
    settlement_id: Identifier


@with_config(STRICT)
class SettlementFinalityFailedV1(TypedDict):
    """What was executed did not last: it is taken back."""

    failure_reason: FailureReason
    payment_id: Identifier
    settlement_id: Identifier
