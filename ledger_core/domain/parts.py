"""Refunds, chargebacks, settlements, payouts, fees and transfers by their steps: what each was told, what may follow.

A part belongs to an order key and has a kind and an id. It counts how often each step was accepted, a byte a step
in one number, and its state is a pure function of that: so it is small, it adds up from the events of the log whatever
their order, and the table below is all there is to know of its life.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger_core.domain import stories, transfers
from ledger_core.domain.facts import Fact
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import PaymentRefunded, PayoutPaid

BITS: Final = 8
MOST: Final = (1 << BITS) - 1
"""A step that may be taken again is accepted so often."""

FEE_TRIES: Final = 3


class PartKind(StrEnum):
    """`PAYMENT` is the one part, without an id, that says what of its payment the others have taken. A transfer has,
    beside its own, parts for deposits, for monitoring and for each person that approved. Those from `DRAWER` on have no
    steps: three count, and the rest add up. `CUSTODY`, without an id, what was captured in direct custody, and what of
    that is the platform's. `LEG` and `LEG_BACK`, by beneficiary, what was captured for it and what of that went back,
    each with the platform's commission on it. `KEPT`, without an id, what the platform did not give back of that.
    `COMMISSION`, by settlement in direct custody, what it brought the platform, and took back. From `SALE` on, by an
    id of its business, what happens once."""

    PAYMENT = "payment"
    REFUND = "refund"
    CHARGEBACK = "chargeback"
    SETTLEMENT = "settlement"
    PAYOUT = "payout"
    FEE = "fee"
    TRANSFER = "transfer"
    INFLOW = "inflow"
    MONITORING = "monitoring"
    APPROVAL = "approval"
    DRAWER = "drawer"
    DELIVERY = "delivery"
    ATTEMPT = "attempt"
    CUSTODY = "custody"
    LEG = "leg"
    LEG_BACK = "leg_back"
    KEPT = "kept"
    COMMISSION = "commission"
    SALE = "sale"
    COGS = "cogs"
    INVENTORY = "inventory"
    RECEIPT = "receipt"
    CASH_REFUND = "cash_refund"
    SWEEP = "sweep"


class PartName(NamedTuple):
    kind: str
    part_id: str


OF_PAYMENT: Final = PartName(PartKind.PAYMENT.value, "")
OF_SPLIT: Final = frozenset({PartKind.LEG, PartKind.LEG_BACK, PartKind.KEPT, PartKind.COMMISSION})
"""Kinds that say how a payment was split, and what of its legs went where."""
HAPPEN_ONCE: Final = frozenset({
    PartKind.SALE, PartKind.COGS, PartKind.INVENTORY, PartKind.RECEIPT, PartKind.CASH_REFUND, PartKind.SWEEP
})  # fmt: skip
"""Kinds of what is told once (`told_once`): counted, with the place of its event, whatever that posted."""
COUNTED: Final = (
    frozenset({PartKind.DRAWER, PartKind.DELIVERY, PartKind.ATTEMPT, PartKind.CUSTODY}) | OF_SPLIT | HAPPEN_ONCE
)
CUSTODY: Final = PartName(PartKind.CUSTODY.value, "")


@dataclass(slots=True)
class Part:
    """Of a refund, payout, deposit … `amount_minor` is its amount, of a settlement the gross one; `used_minor`
    is what of a fee was refunded, and the net amount of a settlement. Of the payment `amount_minor` is what open
    refunds and disputes have set aside, and `used_minor` what was settled. Of a counted kind `amount_minor` says how
    often, and `used_minor` how often a drawer was closed."""

    told: int = 0
    amount_minor: int = 0
    used_minor: int = 0
    asset_id: int = 0
    vouchers: list[int] = field(default_factory=list)
    """Log references (batch_id << 16 | ordinal) of the vouchers that it posted, in their order."""

    def count(self, step: int) -> int:
        return self.told >> BITS * step & MOST


class Step(NamedTuple):
    """Which step of a part of which kind a fact is; `name` is how others say that they wait for it."""

    kind: PartKind
    number: int
    name: str


_NAMES: Mapping[PartKind, tuple[type, ...]] = {
    PartKind.REFUND: (
        stories.RefundRequested, stories.RefundApproved, stories.RefundProcessing, stories.RefundCompleted,
        stories.RefundFailed, PaymentRefunded,
    ),
    PartKind.CHARGEBACK: (
        stories.ChargebackOpened, stories.ChargebackEvidenceSubmitted, stories.ChargebackWon, stories.ChargebackLost,
    ),
    PartKind.SETTLEMENT: (
        stories.SettlementConfirmed, stories.SettlementFailed, stories.SettlementFinalityConfirmed,
        stories.SettlementFinalityFailed,
    ),
    PartKind.PAYOUT: (stories.PayoutRequested, PayoutPaid, stories.PayoutFailed, stories.PayoutReturned),
    PartKind.FEE: (stories.FeeCharged, stories.FeeFailed, stories.FeeRetried, stories.FeeRefunded),
    PartKind.TRANSFER: (
        transfers.TransferRequested, transfers.TransferSettled, transfers.TransferFailed,
        transfers.TransactionCompensated, transfers.ReviewOpened, transfers.ReviewCleared,
    ),
    PartKind.INFLOW: transfers.INFLOWS,
    PartKind.MONITORING: transfers.MONITORING,
    PartKind.APPROVAL: (transfers.TransferApproved,),
}  # fmt: skip
_STEP_NAMES: Mapping[PartKind, tuple[str, ...]] = {
    PartKind.REFUND: (
        "refund.requested", "refund.approved", "refund.processing", "refund.completed", "refund.failed",
        "payment.refunded",
    ),
    PartKind.CHARGEBACK: ("chargeback.opened", "chargeback.evidence_submitted", "chargeback.won", "chargeback.lost"),
    PartKind.SETTLEMENT: (
        "settlement.confirmed", "settlement.failed", "settlement.finality_confirmed", "settlement.finality_failed",
    ),
    PartKind.PAYOUT: ("payout.requested", "payout.paid", "payout.failed", "payout.returned"),
    PartKind.FEE: ("fee.charged", "fee.failed", "fee.retried", "fee.refunded"),
    PartKind.TRANSFER: (
        "transfer.requested", "transfer.settled", "transfer.failed", "transaction.compensated",
        "transfer.review.opened", "transfer.review.cleared",
    ),
    PartKind.INFLOW: ("transfer.inflow.announced", "transfer.inflow.received", "transfer.inflow.compensated"),
    PartKind.MONITORING: (
        "transfer.monitoring.passed", "transfer.monitoring.flagged", "transfer.monitoring.blocked",
    ),
    PartKind.APPROVAL: ("transfer.approved",),
}  # fmt: skip

STEPS: Mapping[type, Step] = MappingProxyType({
    fact: Step(kind, number, _STEP_NAMES[kind][number])
    for kind, facts in _NAMES.items()
    for number, fact in enumerate(facts)
})  # fmt: skip
"""Every fact that is a step of a part."""


class State(StrEnum):
    """Where a part stands. A settlement's CONFIRMED is executed and not yet final. TAKEN_BACK says that its voucher was
    reversed by request: no step leads there, so no step follows."""

    NONE = "NONE"
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"
    CONFIRMED = "CONFIRMED"
    FINAL = "FINAL"
    FINALITY_FAILED = "FINALITY_FAILED"
    REQUESTED = "REQUESTED"
    PAID = "PAID"
    RETURNED = "RETURNED"
    RETRYING = "RETRYING"
    PERMANENTLY_FAILED = "PERMANENTLY_FAILED"
    CHARGED = "CHARGED"
    TAKEN_BACK = "TAKEN_BACK"
    UNDER_REVIEW = "UNDER_REVIEW"
    SETTLED = "SETTLED"
    COMPENSATED = "COMPENSATED"
    ANNOUNCED = "ANNOUNCED"
    RECEIVED = "RECEIVED"
    PASSED = "PASSED"
    FLAGGED = "FLAGGED"
    BLOCKED = "BLOCKED"
    GIVEN = "GIVEN"


_LAST_FIRST: Mapping[PartKind, tuple[tuple[int, State], ...]] = MappingProxyType({
    PartKind.REFUND: (
        (3, State.COMPLETED), (5, State.COMPLETED), (4, State.FAILED), (2, State.PROCESSING), (1, State.APPROVED),
        (0, State.PENDING),
    ),
    PartKind.CHARGEBACK: ((2, State.WON), (3, State.LOST), (0, State.OPEN)),
    PartKind.SETTLEMENT: (
        (2, State.FINAL), (3, State.FINALITY_FAILED), (1, State.FAILED), (0, State.CONFIRMED),
    ),
    PartKind.PAYOUT: ((3, State.RETURNED), (1, State.PAID), (2, State.FAILED), (0, State.REQUESTED)),
    PartKind.FEE: ((0, State.CHARGED),),
    PartKind.TRANSFER: ((3, State.COMPENSATED), (1, State.SETTLED), (2, State.FAILED)),
    PartKind.INFLOW: ((2, State.COMPENSATED), (1, State.RECEIVED), (0, State.ANNOUNCED)),
    PartKind.MONITORING: ((2, State.BLOCKED), (0, State.PASSED), (1, State.FLAGGED)),
    PartKind.APPROVAL: ((0, State.GIVEN),),
})  # fmt: skip
"""The state that each step leads to, the last one first."""


def state_of(kind: PartKind, part: Part) -> State:
    """Where it stands, by what it was told."""
    for step, state in _LAST_FIRST[kind]:
        if part.count(step):
            return state
    if kind is PartKind.FEE and part.told:
        failures, retries = part.count(1), part.count(2)
        if failures >= FEE_TRIES:
            return State.PERMANENTLY_FAILED
        return State.RETRYING if retries == failures else State.FAILED
    if kind is PartKind.TRANSFER and part.told:
        return State.UNDER_REVIEW if part.count(4) > part.count(5) else State.REQUESTED
    return State.NONE


MAY: Final = ""
Answer = str | Code
"""MAY, the code by which it never can, or the names of the steps to wait for, joined by `|`."""

_REFUND, _CHARGEBACK, _PAYOUT, _FEE = "refund.requested", "chargeback.opened", "payout.requested", "fee.charged"
_SETTLEMENT, _TRANSFER, _INFLOW = "settlement.confirmed", "transfer.requested", "transfer.inflow.received"
_FEE_OVER = Code.FEE_PERMANENTLY_FAILED

STATE_CODES: Mapping[PartKind, Code] = MappingProxyType({
    PartKind.REFUND: Code.REFUND_STATE_INVALID,
    PartKind.CHARGEBACK: Code.CHARGEBACK_STATE_INVALID,
    PartKind.SETTLEMENT: Code.SETTLEMENT_STATE_INVALID,
    PartKind.PAYOUT: Code.PAYOUT_STATE_INVALID,
    PartKind.FEE: Code.FEE_STATE_INVALID,
    PartKind.TRANSFER: Code.TRANSFER_STATE_INVALID,
    PartKind.INFLOW: Code.TRANSFER_STATE_INVALID,
    PartKind.MONITORING: Code.TRANSFER_STATE_INVALID,
    PartKind.APPROVAL: Code.APPROVAL_NOT_DISTINCT,
})  # fmt: skip
"""The answer in every state that the table does not name."""

TABLE: Mapping[type, Mapping[State, Answer]] = MappingProxyType({
    stories.RefundRequested: {State.NONE: MAY},
    stories.RefundApproved: {State.NONE: _REFUND, State.PENDING: MAY},
    stories.RefundProcessing: {State.NONE: _REFUND, State.PENDING: "refund.approved", State.APPROVED: MAY},
    stories.RefundCompleted: {
        State.NONE: _REFUND, State.PENDING: "refund.approved", State.APPROVED: MAY, State.PROCESSING: MAY,
    },
    stories.RefundFailed: {State.NONE: _REFUND, State.PENDING: MAY, State.APPROVED: MAY, State.PROCESSING: MAY},
    PaymentRefunded: {State.NONE: MAY, State.PENDING: MAY, State.APPROVED: MAY, State.PROCESSING: MAY},
    stories.ChargebackOpened: {State.NONE: MAY},
    stories.ChargebackEvidenceSubmitted: {State.NONE: _CHARGEBACK, State.OPEN: MAY},
    stories.ChargebackWon: {State.NONE: _CHARGEBACK, State.OPEN: MAY},
    stories.ChargebackLost: {State.NONE: _CHARGEBACK, State.OPEN: MAY},
    stories.SettlementConfirmed: {State.NONE: MAY},
    stories.SettlementFailed: {State.NONE: MAY, State.CONFIRMED: MAY},
    stories.SettlementFinalityConfirmed: {State.NONE: _SETTLEMENT, State.CONFIRMED: MAY},
    stories.SettlementFinalityFailed: {State.NONE: _SETTLEMENT, State.CONFIRMED: MAY},
    stories.PayoutRequested: {State.NONE: MAY},
    PayoutPaid: {State.NONE: MAY, State.REQUESTED: MAY},
    stories.PayoutFailed: {State.NONE: f"{_PAYOUT}|payout.paid", State.REQUESTED: MAY},
    stories.PayoutReturned: {State.NONE: "payout.paid", State.REQUESTED: "payout.paid", State.PAID: MAY},
    stories.FeeCharged: {
        State.NONE: MAY, State.FAILED: MAY, State.RETRYING: MAY, State.PERMANENTLY_FAILED: _FEE_OVER,
    },
    stories.FeeFailed: {
        State.NONE: MAY, State.FAILED: "fee.retried", State.RETRYING: MAY, State.PERMANENTLY_FAILED: _FEE_OVER,
    },
    stories.FeeRetried: {
        State.NONE: "fee.failed", State.FAILED: MAY, State.RETRYING: "fee.failed",
        State.PERMANENTLY_FAILED: _FEE_OVER,
    },
    stories.FeeRefunded: {
        State.NONE: _FEE, State.FAILED: _FEE, State.RETRYING: _FEE, State.PERMANENTLY_FAILED: _FEE_OVER,
        State.CHARGED: MAY,
    },
    transfers.TransferRequested: {State.NONE: MAY},
    transfers.TransferSettled: {State.NONE: _TRANSFER, State.REQUESTED: MAY, State.UNDER_REVIEW: MAY},
    transfers.TransferFailed: {State.NONE: _TRANSFER, State.REQUESTED: MAY, State.UNDER_REVIEW: MAY},
    transfers.TransactionCompensated: {
        State.NONE: _TRANSFER, State.REQUESTED: "transfer.settled", State.UNDER_REVIEW: "transfer.settled",
        State.SETTLED: MAY, State.COMPENSATED: Code.ALREADY_COMPENSATED,
    },
    transfers.ReviewOpened: {State.NONE: _TRANSFER, State.REQUESTED: MAY},
    transfers.ReviewCleared: {
        State.NONE: _TRANSFER, State.REQUESTED: "transfer.review.opened", State.UNDER_REVIEW: MAY,
    },
    transfers.InflowAnnounced: {State.NONE: MAY},
    transfers.InflowReceived: {State.NONE: MAY, State.ANNOUNCED: MAY},
    transfers.InflowCompensated: {
        State.NONE: _INFLOW, State.ANNOUNCED: _INFLOW, State.RECEIVED: MAY,
        State.COMPENSATED: Code.ALREADY_COMPENSATED,
    },
    transfers.MonitoringPassed: {State.NONE: MAY, State.FLAGGED: MAY, State.BLOCKED: Code.TRANSFER_BLOCKED},
    transfers.MonitoringFlagged: {State.NONE: MAY, State.BLOCKED: Code.TRANSFER_BLOCKED},
    transfers.MonitoringBlocked: {State.NONE: MAY, State.PASSED: MAY, State.FLAGGED: MAY},
    transfers.TransferApproved: {State.NONE: MAY},
})  # fmt: skip
"""What a step may do in each state of its part."""


def name_of(fact: Fact) -> PartName | None:
    """The part that a fact is a step of."""
    step = STEPS.get(type(fact))
    return PartName(step.kind.value, getattr(fact, stories.ID_OF[type(fact)])) if step else None


def refuse_step(fact: Fact, part: Part) -> Refusal | None:
    """By the table."""
    step = STEPS[type(fact)]
    state = state_of(step.kind, part)
    answer = TABLE[type(fact)].get(state, STATE_CODES[step.kind])
    if answer == MAY:
        if part.count(step.number) >= MOST:
            return Refusal(STATE_CODES[step.kind], f"{step.name} came {MOST} times before")
        return None
    if isinstance(answer, Code):
        return Refusal(answer, f"the {step.kind} is {state}")
    return Refusal(Code.PREDECESSOR_ABSENT, f"the {step.kind} is {state}", answer)


def tell(fact: Fact, part: Part) -> None:
    """Counts an accepted step."""
    part.told += 1 << BITS * STEPS[type(fact)].number
