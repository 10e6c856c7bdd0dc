"""Turns validated data of transfers, sweeps and verifications into the core's facts."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ledger_core.domain import transfers
from ledger_core.domain.notices import VerificationChanged
from ledger_core.domain.transfers import StepFact, SweepRequested
from schemas.events.transfers import SweepRequestedV1, VerificationChangedV1


def _reader(kind: type[StepFact]) -> Callable[[Mapping[str, Any]], StepFact]:
    """Their members are those of the facts, but for digits. Any: the validator of the type has just made the data."""

    def read(data: Mapping[str, Any]) -> StepFact:
        if "amount_minor" in data:
            return kind(**{**data, "amount_minor": int(data["amount_minor"])})
        return kind(**data)

    return read


def sweep_requested(data: SweepRequestedV1) -> SweepRequested:
    return SweepRequested(data["sweep_id"], data["rule"], data["currency"])


def verification_changed(data: VerificationChangedV1) -> VerificationChanged:
    return VerificationChanged(data["customer"], data["status"], data.get("reason", ""))


# Any: each function takes the data of its own type, which the validator of that type has just made.
TRANSFER_FACTS: Mapping[str, Callable[[Any], StepFact | SweepRequested | VerificationChanged]] = MappingProxyType({
    "transfer.requested.v1": _reader(transfers.TransferRequested),
    "transfer.inflow.announced.v1": _reader(transfers.InflowAnnounced),
    "transfer.inflow.received.v1": _reader(transfers.InflowReceived),
    "transfer.inflow.compensated.v1": _reader(transfers.InflowCompensated),
    "transfer.approved.v1": _reader(transfers.TransferApproved),
    "transfer.review.opened.v1": _reader(transfers.ReviewOpened),
    "transfer.review.cleared.v1": _reader(transfers.ReviewCleared),
    "transfer.monitoring.passed.v1": _reader(transfers.MonitoringPassed),
    "transfer.monitoring.flagged.v1": _reader(transfers.MonitoringFlagged),
    "transfer.monitoring.blocked.v1": _reader(transfers.MonitoringBlocked),
    "transfer.settled.v1": _reader(transfers.TransferSettled),
    "transfer.failed.v1": _reader(transfers.TransferFailed),
    "transaction.compensated.v1": _reader(transfers.TransactionCompensated),
    "sweep.requested.v1": sweep_requested,
    "verification.changed.v1": verification_changed,
})  # fmt: skip
