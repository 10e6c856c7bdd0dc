"""The table of life cycles: for each kind of fact, what of its decision is its own.

A fact without a row (a payout, a voucher by hand) is decided by the rules of vouchers alone. To add one is a row
here, and a module of its own that says what it refuses and keeps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ledger_core.domain import (
    account_life,
    compensations,
    drawer_life,
    hold_life,
    notice_life,
    part_life,
    payment_counts,
    payment_life,
    reversals,
    split_life,
    subjects,
    sweep_life,
    told_once,
    transfer_life,
)
from ledger_core.domain.account_facts import (
    ACCOUNT_WAITED_FOR,
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
)
from ledger_core.domain.cases import Case, Locked, PartKey, Proposal
from ledger_core.domain.cash import CashReceived, CashRefunded, DrawerClosed, DrawerOpened
from ledger_core.domain.commerce import CogsRecorded, InventoryAdjusted, SaleCompleted, UnsourcedSale
from ledger_core.domain.facts import Fact
from ledger_core.domain.holds import HOLD_PLACED, HoldCaptured, HoldConfirmed, HoldPlaced, HoldReleased
from ledger_core.domain.notices import NOTICE_FACTS
from ledger_core.domain.outcomes import Outcome, Refusal
from ledger_core.domain.parts import STEPS, Part
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
from ledger_core.domain.requests import CompensationRequested
from ledger_core.domain.stories import FeeCharged, PayoutRequested
from ledger_core.domain.strays import Stray
from ledger_core.domain.transfers import STEP_FACTS, SweepRequested


def _never(case: Case, locked: Locked) -> Refusal | None:  # noqa: ARG001
    return None


def _as_proposed(case: Case, locked: Locked) -> Proposal:  # noqa: ARG001
    return Proposal(case.draft, case.movements)


def _nothing(case: Case, locked: Locked) -> None:
    pass


@dataclass(slots=True, frozen=True, kw_only=True)
class LifeCycle:
    """The steps of a decision, in their order; whatever a kind of fact has no need of stays as it is here.

    Steps are pure: they read the case and what is locked. Only `accept` changes, and only what is locked.
    """

    misfit: Callable[[Case], str | None] | None = None
    """How its data do not fit its envelope, if they do not: told before anything else is asked of it. Of a fact that
    may be decided over columns only where `foretell` asks it, too."""
    refuse: Callable[[Case, Locked], Refusal | None] = _never
    """May it happen now, by its order key? Asked before its voucher is looked at."""
    lifts: Callable[[Case, Locked], bool] | None = None
    """Whether what is locked lifts what was refused before anything was. A refusal that is final stays."""
    propose: Callable[[Case, Locked], Proposal] = _as_proposed
    """What it posts: as its rule proposed, or what only the locked rows tell (a mirror)."""
    refuse_sums: Callable[[Case, Locked], Refusal | None] = _never
    """Asked once every rule of vouchers has agreed."""
    accept: Callable[[Case, Locked], None] = _nothing
    """Writes an accepted fact into what is locked, heads aside. Nothing may fail here."""
    heals: str = ""
    """The name by which a parked event of the same order key says that it waits for this fact; ends in a colon where
    the order key belongs to it."""
    unposted: Outcome = Outcome.RECORDED
    """What comes of it when nothing is posted and nothing refused."""
    has_subject: bool = True
    """The order key has a subject row, which is locked."""
    by_columns: bool = False
    """What comes of it can be foretold without a lock, by `subjects`: its batch may be decided over columns."""
    foretell: Callable[[Case, dict[PartKey, Part]], bool] | None = None
    """Of one that is decided over columns: adds the part that it makes of an order key that nobody knows."""
    has_part: bool = False
    """It is a step of a refund, chargeback, settlement, payout or fee."""
    stands_alone: bool = False
    """It waits only for what it needs itself: events of this kind don't queue behind one another."""
    counted_in: Callable[[Case], PartKey] | None = None
    """The part that counts it, or that says whether it may happen."""
    once: Callable[[Case], PartKey] | None = None
    """The part that says that it happened: told by another event, it is refused."""


def _once(life: LifeCycle) -> LifeCycle:
    """Of what happens once: refused where it was told before, whatever else is said of it."""

    def refuse(case: Case, locked: Locked) -> Refusal | None:
        return told_once.refuse(case, locked) or life.refuse(case, locked)

    def accept(case: Case, locked: Locked) -> None:
        life.accept(case, locked)
        told_once.accept(case, locked)

    return replace(
        life, misfit=life.misfit or told_once.misfit, refuse=refuse, accept=accept, has_subject=True,
        foretell=told_once.foretell if life.by_columns else None, once=told_once.key_of,
    )  # fmt: skip


_PAYMENT = LifeCycle(
    refuse=payment_life.refuse,
    propose=payment_life.propose,
    refuse_sums=payment_life.refuse_sums,
    accept=payment_life.accept,
    by_columns=True,
)
_END = LifeCycle(refuse=payment_life.refuse_end, accept=payment_life.end)
_PART = LifeCycle(
    refuse=part_life.refuse, lifts=part_life.lifts, propose=part_life.propose, accept=part_life.accept, has_part=True
)
_HOLD = LifeCycle(misfit=hold_life.misfit, refuse=hold_life.refuse, propose=hold_life.propose, accept=hold_life.accept)
_ACCOUNT = LifeCycle(
    misfit=account_life.misfit,
    refuse=account_life.refuse,
    propose=account_life.propose,
    accept=account_life.accept,
    has_subject=False,
)
_DRAWER = LifeCycle(
    misfit=drawer_life.misfit,
    refuse=drawer_life.refuse,
    propose=drawer_life.propose,
    refuse_sums=drawer_life.refuse_sums,
    accept=drawer_life.accept,
    counted_in=drawer_life.part_key,
)
_TRANSFER = LifeCycle(
    misfit=transfer_life.misfit,
    refuse=transfer_life.refuse,
    propose=transfer_life.propose,
    accept=transfer_life.accept,
    stands_alone=True,
)
_NOTICE = LifeCycle(refuse=notice_life.refuse, propose=notice_life.propose, accept=notice_life.accept)
_FIRST_STEPS = frozenset({PaymentRefunded, PayoutRequested, PayoutPaid, FeeCharged})
"""Steps that mostly come first, and alone: foretold where their part is new."""
NONE = LifeCycle(has_subject=False, by_columns=True)

LIFE_CYCLES: Mapping[type, LifeCycle] = MappingProxyType({
    PaymentAuthorized: replace(_PAYMENT, heals=subjects.AUTHORIZED),
    **dict.fromkeys((PaymentCaptured, ProvenCaptured), replace(_PAYMENT, heals=subjects.CAPTURED)),
    PaymentVoided: _PAYMENT,
    PaymentIntentCreated: replace(_PAYMENT, heals=subjects.INTENT_CREATED),
    CashIntentCreated: replace(
        _PAYMENT, heals=subjects.INTENT_CREATED, by_columns=False, accept=payment_counts.announce,
        counted_in=payment_counts.delivery_key,
    ),
    PaymentAuthorizationExpired: _END,
    PaymentCaptureFailed: replace(_END, accept=payment_counts.fail, counted_in=payment_counts.attempt_key),
    PaymentFailed: _END,
    **{fact: replace(_PART, heals=step.name) for fact, step in STEPS.items()},
    **{fact: replace(_PART, heals=STEPS[fact].name, by_columns=True, foretell=part_life.foretell)
       for fact in _FIRST_STEPS},
    **{fact: replace(_TRANSFER, heals=STEPS[fact].name) for fact in STEP_FACTS},
    SweepRequested: _once(LifeCycle(
        refuse=sweep_life.refuse, propose=sweep_life.propose, refuse_sums=sweep_life.refuse_sums
    )),
    DrawerOpened: replace(_DRAWER, heals=drawer_life.DRAWER_OPENED),
    DrawerClosed: _DRAWER,
    CashReceived: _once(_DRAWER),
    CashRefunded: _once(_DRAWER),
    HoldPlaced: replace(_HOLD, refuse_sums=hold_life.refuse_placing, heals=HOLD_PLACED),
    HoldCaptured: _HOLD,
    HoldReleased: _HOLD,
    HoldConfirmed: _HOLD,
    CompensationRequested: LifeCycle(refuse=compensations.refuse, propose=compensations.propose, has_subject=False),
    Stray: LifeCycle(unposted=Outcome.SKIPPED),
    VoidRequested: LifeCycle(refuse=reversals.refuse, propose=reversals.propose, accept=reversals.accept),
    AccountOpened: replace(_ACCOUNT, heals=ACCOUNT_WAITED_FOR),
    AccountFrozen: _ACCOUNT,
    AccountUnfrozen: replace(_ACCOUNT, heals=ACCOUNT_WAITED_FOR),
    AccountClosed: replace(_ACCOUNT, lifts=account_life.lifts, refuse_sums=account_life.refuse_sums),
    ExchangedCaptured: replace(_PAYMENT, heals=subjects.CAPTURED, by_columns=False),
    SplitCaptured: replace(
        _PAYMENT, refuse=split_life.refuse, accept=split_life.accept, heals=subjects.CAPTURED, by_columns=False,
        counted_in=split_life.key_of,
    ),
    **dict.fromkeys(NOTICE_FACTS, _NOTICE),
    UnsourcedSale: replace(NONE, unposted=Outcome.SKIPPED),
    **dict.fromkeys((SaleCompleted, CogsRecorded, InventoryAdjusted), _once(NONE)),
})  # fmt: skip

HAVE_SUBJECT = frozenset(fact for fact, life in LIFE_CYCLES.items() if life.has_subject)
"""Kinds of facts whose order key has a subject row."""


def life_cycle_of(fact: Fact | None) -> LifeCycle:
    return LIFE_CYCLES.get(type(fact), NONE)
