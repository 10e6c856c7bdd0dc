"""Transfers: what services tell of money that is passed on, already validated. Amounts in minor units.

| deposit (inflow) | | transfer | |
|---|---|---|---|
| ANNOUNCED | somebody's bank promised it | REQUESTED | somebody wants it |
| RECEIVED | it is in transit | SETTLED | it is where it was to go |
| COMPENSATED | it went back as it came | FAILED | it will not be settled |
| | | COMPENSATED | its settlement was taken back |

A transfer is settled once what was received is all of it and every gate is open: monitoring, the verification of a
customer, approvals. The manual-processing flag (`UNDER_REVIEW`) stops all that moves money until it is cleared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(slots=True)
class TransferRequested:
    """Somebody wants money to be passed on."""

    transfer_id: str
    amount_minor: int
    currency: str
    reference: str = ""


@dataclass(slots=True)
class InflowAnnounced:
    """First stage of a deposit: it is promised."""

    transfer_id: str
    inflow_id: str
    amount_minor: int
    currency: str


@dataclass(slots=True)
class InflowReceived:
    """Second stage: it is here. `origin` is the account that it came from, or '' for the clearing of the processor."""

    transfer_id: str
    inflow_id: str
    amount_minor: int
    currency: str
    origin: str = ""


@dataclass(slots=True)
class InflowCompensated:
    """It went back as it came."""

    transfer_id: str
    inflow_id: str
    reason: str


@dataclass(slots=True)
class TransferApproved:
    """One person agrees that it settles."""

    transfer_id: str
    approved_by: str

    @property
    def approver(self) -> str:
        """However the name is written: one person has one voice."""
        return " ".join(self.approved_by.split()).casefold()


@dataclass(slots=True)
class ReviewOpened:
    """The manual-processing flag is set."""

    transfer_id: str
    reason: str = ""
    opened_by: str = ""


@dataclass(slots=True)
class ReviewCleared:
    """The manual-processing flag is taken away."""

    transfer_id: str
    reason: str = ""
    cleared_by: str = ""


@dataclass(slots=True)
class MonitoringPassed:
    transfer_id: str
    reason: str = ""


@dataclass(slots=True)
class MonitoringFlagged:
    """Monitoring is not sure: the transfer does not settle before it says more."""

    transfer_id: str
    reason: str = ""


@dataclass(slots=True)
class MonitoringBlocked:
    """It must never settle."""

    transfer_id: str
    reason: str = ""


@dataclass(slots=True)
class TransferSettled:
    """It arrived. `customer` is whose verification the book may ask for."""

    transfer_id: str
    amount_minor: int
    currency: str
    to: str
    customer: str = ""


@dataclass(slots=True)
class TransferFailed:
    """It will not be settled; what was received may go back."""

    transfer_id: str
    failure_reason: str


@dataclass(slots=True)
class TransactionCompensated:
    """What settled it was taken back: the money is in transit again."""

    transfer_id: str
    reason: str


@dataclass(slots=True)
class SweepRequested:
    """What an account has beyond what it keeps goes on to another one, by a rule of the book's chart."""

    sweep_id: str
    rule: str
    currency: str


InflowFact = InflowAnnounced | InflowReceived | InflowCompensated
GateFact = TransferApproved | ReviewOpened | ReviewCleared | MonitoringPassed | MonitoringFlagged | MonitoringBlocked
StepFact = TransferRequested | TransferSettled | TransferFailed | TransactionCompensated | InflowFact | GateFact
TransferFact = StepFact | SweepRequested

INFLOWS: Final = (InflowAnnounced, InflowReceived, InflowCompensated)
MONITORING: Final = (MonitoringPassed, MonitoringFlagged, MonitoringBlocked)
COMPENSATIONS: Final = (InflowCompensated, TransactionCompensated)
"""Facts that post the mirror of what their part posted."""
POSTING: Final = (InflowReceived, TransferSettled)
"""Facts whose vouchers they mirror."""

ID_OF: Mapping[type, str] = MappingProxyType({
    **dict.fromkeys((TransferRequested, TransferSettled, TransferFailed, TransactionCompensated), "transfer_id"),
    **dict.fromkeys((ReviewOpened, ReviewCleared), "transfer_id"),
    **dict.fromkeys(INFLOWS, "inflow_id"),
    **dict.fromkeys(MONITORING, "transfer_id"),
    TransferApproved: "approver",
})  # fmt: skip
"""Which member of a fact names the transfer, the deposit or the person of whom it tells."""

STEP_FACTS: Final = tuple(ID_OF)

GATE: Final = "gate:"
"""Beginning of the name by which a parked event says that a gate is closed."""
REVIEW_GATE: Final = f"{GATE}review"
MONITORING_GATE: Final = f"{GATE}monitoring"
FLAGGED_GATE: Final = f"{GATE}monitoring_review"
APPROVAL_GATE: Final = f"{GATE}approval:"
"""See `approval_gate`."""
VERIFICATION_GATE: Final = f"{GATE}verification:"
"""With the customer that must be verified."""
SWEEP_WAITED_FOR: Final = "sweep:"
"""With the rule that the chart of the book must declare."""


@dataclass(slots=True)
class TransferStand:
    """What the parts of a transfer add up to; stored nowhere."""

    received_minor: int = 0
    """Less what went back: in transit, unless it was settled."""
    approvals: int = 0
    """Distinct persons that agreed."""


def approval_gate(persons: int, currency: str, amount_minor: int) -> str:
    """How many persons must have agreed, and to what: a chart that asks fewer of such an amount opens it."""
    return f"{APPROVAL_GATE}{persons}:{currency}:{amount_minor}"
