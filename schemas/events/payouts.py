"""Payouts in steps, and fees, version 1. The `subject` of each is the id of the payout or fee.

Fields stand in alphabetical order, as in `payments.py`. A payout in one step is `payout.paid.v1` alone.
"""

from typing import Annotated, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import STRICT, AccountCode, AmountMinor, Currency, FailureReason, Identifier

Reference = Annotated[Identifier, Field(description="What the fee is for", examples=["pay-1001"])]


@with_config(STRICT)
class PayoutRequestedV1(TypedDict):
    """A seller's money is on its way to the bank."""

    account: AccountCode
    amount_minor: AmountMinor
    currency: Currency
    payout_id: Identifier


@with_config(STRICT)
class PayoutFailedV1(TypedDict):
    """It never left: the seller has it back."""

    failure_reason: FailureReason
    payout_id: Identifier


@with_config(STRICT)
class PayoutReturnedV1(TypedDict):
    """It was paid, and the bank sent it back: the seller has it again."""

    failure_reason: FailureReason
    payout_id: Identifier


@with_config(STRICT)
class FeeChargedV1(TypedDict):
    """The platform took a fee from an account."""

    account: AccountCode
    amount_minor: AmountMinor
    currency: Currency
    fee_id: Identifier
    reference: NotRequired[Reference]


@with_config(STRICT)
class FeeFailedV1(TypedDict):
    """An attempt to charge the fee failed; the third is the last. Recorded."""

    failure_reason: FailureReason
    fee_id: Identifier


@with_config(STRICT)
class FeeRetriedV1(TypedDict):
    """Another attempt to charge the fee is under way. Recorded."""

    fee_id: Identifier


@with_config(STRICT)
class FeeRefundedV1(TypedDict):
    """The platform gave the fee back, whole or in part."""

    account: AccountCode
    amount_minor: AmountMinor
    currency: Currency
    fee_id: Identifier
