"""Transfers, sweeps and the verification of customers, version 1.

The `subject` of a transfer's events is its id, that of a sweep the sweep's, that of a verification the customer. Fields
stand in alphabetical order, as in `payments.py`.
"""

from typing import Annotated, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict  # pydantic wants this one below Python 3.12

from schemas.events.payments import (
    STRICT,
    AccountCode,
    AmountMinor,
    Currency,
    FailureReason,
    Identifier,
    Person,
    Reason,
)

TransferId = Annotated[
    Identifier, Field(description="The transfer, which is the subject of the event", examples=["transfer-1"])
]
InflowId = Annotated[Identifier, Field(description="One deposit of the transfer", examples=["deposit-1"])]
Origin = Annotated[
    AccountCode,
    Field(
        description="The account that it came from; the clearing account of the processor if absent",
        examples=["wallet:buyer:9"],
    ),
]
To = Annotated[AccountCode, Field(description="The account that it goes to", examples=["wallet:seller:42"])]
Customer = Annotated[
    Identifier,
    Field(description="Whose verification counts; needed where the book asks for one", examples=["customer-7"]),
]
Reference = Annotated[Identifier, Field(description="What the transfer is for", examples=["invoice-88"])]
By = Annotated[Person, Field(description="Who it was, in the words of the publishing service", examples=["anna"])]


@with_config(STRICT)
class TransferRequestedV1(TypedDict):
    """Somebody wants money to be passed on. Recorded."""

    amount_minor: AmountMinor
    currency: Currency
    reference: NotRequired[Reference]
    transfer_id: TransferId


@with_config(STRICT)
class TransferInflowAnnouncedV1(TypedDict):
    """First stage of a deposit: it is promised. Recorded."""

    amount_minor: AmountMinor
    currency: Currency
    inflow_id: InflowId
    transfer_id: TransferId


@with_config(STRICT)
class TransferInflowReceivedV1(TypedDict):
    """Second stage of a deposit: the money is here, and in transit. A transfer may have several deposits."""

    amount_minor: AmountMinor
    currency: Currency
    inflow_id: InflowId
    origin: NotRequired[Origin]
    transfer_id: TransferId


@with_config(STRICT)
class TransferInflowCompensatedV1(TypedDict):
    """Last stage of a deposit that is not kept: it went back exactly as it came."""

    inflow_id: InflowId
    reason: FailureReason
    transfer_id: TransferId


@with_config(STRICT)
class TransferApprovedV1(TypedDict):
    """One person agrees that the transfer settles; the book's chart says how many must. Recorded."""

    approved_by: By
    transfer_id: TransferId


@with_config(STRICT)
class TransferReviewOpenedV1(TypedDict):
    """The manual-processing flag: nothing of the transfer moves until it is cleared. Recorded."""

    opened_by: NotRequired[By]
    reason: NotRequired[Reason]
    transfer_id: TransferId


@with_config(STRICT)
class TransferReviewClearedV1(TypedDict):
    """The manual-processing flag is taken away; what waited goes on. Recorded."""

    cleared_by: NotRequired[By]
    reason: NotRequired[Reason]
    transfer_id: TransferId


@with_config(STRICT)
class TransferMonitoringPassedV1(TypedDict):
    """Verdict of monitoring: the transfer may settle. Recorded."""

    reason: NotRequired[Reason]
    transfer_id: TransferId


@with_config(STRICT)
class TransferMonitoringFlaggedV1(TypedDict):
    """Verdict of monitoring: somebody looks at the transfer, which waits for another verdict. Recorded."""

    reason: NotRequired[Reason]
    transfer_id: TransferId


@with_config(STRICT)
class TransferMonitoringBlockedV1(TypedDict):
    """Verdict of monitoring: the transfer never settles. What was received may go back. Recorded."""

    reason: NotRequired[Reason]
    transfer_id: TransferId


@with_config(STRICT)
class TransferSettledV1(TypedDict):
    """All of the transfer is where it was to go, once it was received and every gate is open."""

    amount_minor: AmountMinor
    currency: Currency
    customer: NotRequired[Customer]
    to: To
    transfer_id: TransferId


@with_config(STRICT)
class TransferFailedV1(TypedDict):
    """The transfer will not settle. What was received may go back. Recorded."""

    failure_reason: FailureReason
    transfer_id: TransferId


@with_config(STRICT)
class TransactionCompensatedV1(TypedDict):
    """What settled the transfer was taken back, exactly: the money is in transit, and its deposits may go back."""

    reason: FailureReason
    transfer_id: TransferId


@with_config(STRICT)
class SweepRequestedV1(TypedDict):
    """What an account has beyond what it keeps goes to another one, by a rule that the book's chart declares."""

    currency: Currency
    rule: Annotated[Identifier, Field(description="Name of the rule in the chart", examples=["daily"])]
    sweep_id: Annotated[Identifier, Field(description="An id of the publishing service", examples=["sweep-2026-10-04"])]


@with_config(STRICT)
class VerificationChangedV1(TypedDict):
    """Whether a customer is verified. Recorded: the last one stands; settlements that waited go on."""

    customer: Annotated[
        Identifier, Field(description="The customer, which is the subject of the event", examples=["customer-7"])
    ]
    reason: NotRequired[Reason]
    status: Literal["PENDING", "VERIFIED", "REJECTED", "SUSPENDED"]
