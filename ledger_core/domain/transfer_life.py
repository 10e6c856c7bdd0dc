"""Transfers under lock: steps by their table, what of them was received, and the gates before they settle."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ledger_core.domain.cases import Case, Locked, PartKey, Proposal, SubjectKey
from ledger_core.domain.notices import UNTOLD, VERIFIED, verification_of
from ledger_core.domain.originals import links_of, mirror_of, mirrored
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.part_life import key_of, posted_before
from ledger_core.domain.parts import Part, PartKind, State, refuse_step, state_of, tell
from ledger_core.domain.transfer_policy import ASKS_NOTHING
from ledger_core.domain.transfers import (
    COMPENSATIONS,
    FLAGGED_GATE,
    INFLOWS,
    MONITORING,
    MONITORING_GATE,
    REVIEW_GATE,
    VERIFICATION_GATE,
    InflowAnnounced,
    InflowCompensated,
    InflowReceived,
    StepFact,
    TransactionCompensated,
    TransferApproved,
    TransferRequested,
    TransferSettled,
    TransferStand,
    approval_gate,
)

_MOVES: Final = (*INFLOWS, TransferSettled, *COMPENSATIONS)
"""Facts that the manual-processing flag stops."""
_OVER: Final = frozenset({State.SETTLED, State.COMPENSATED})
REQUESTED: Final = "transfer.requested"
RECEIVED: Final = "transfer.inflow.received"
TAKEN_BACK: Final = "transaction.compensated"


def misfit(case: Case) -> str | None:
    """Its events stay in order by its id."""
    return None if _fact(case).transfer_id == case.subject_key[1] else "transfer_id: not the subject of the event"


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the transfer, the table of steps, the amounts that went before, and the gates; in the order of `Code`."""
    fact, transfer = _fact(case), _transfer(case, locked)
    state = state_of(PartKind.TRANSFER, transfer)
    if case.asset_id and transfer.asset_id not in (0, case.asset_id):
        return Refusal(Code.CURRENCY_MISMATCH, "the transfer was requested in another currency")
    settles = isinstance(fact, TransferSettled | TransactionCompensated) and state not in _OVER
    if settles and _monitoring(case, locked) is State.BLOCKED:
        return Refusal(Code.TRANSFER_BLOCKED, "monitoring has blocked the transfer")
    return (
        _refuse_of_transfer(fact, state)
        or refuse_step(fact, locked.parts.get(key_of(case)) or Part())
        or _refuse_amount(case, locked)
        or _refuse_gate(case, locked)
    )


def _refuse_of_transfer(fact: StepFact, state: State) -> Refusal | None:
    """What its deposits, its monitoring and its approvals can't be told in this state of the transfer."""
    if not isinstance(fact, (*INFLOWS, *MONITORING, TransferApproved)):
        return None
    if state is State.NONE:
        return Refusal(Code.PREDECESSOR_ABSENT, "the transfer was not requested", REQUESTED)
    if isinstance(fact, InflowCompensated):
        if state is State.SETTLED:
            return Refusal(Code.PREDECESSOR_ABSENT, "the transfer is settled: that is taken back first", TAKEN_BACK)
        return None
    if isinstance(fact, MONITORING):  # what it says is kept, also of what is over
        return None
    # Money that comes after a transfer has failed is there, and must go back.
    if state in _OVER or (state is State.FAILED and isinstance(fact, TransferApproved)):
        return Refusal(Code.TRANSFER_STATE_INVALID, f"the transfer is {state}")
    return None


def _refuse_amount(case: Case, locked: Locked) -> Refusal | None:
    fact, transfer = _fact(case), _transfer(case, locked)
    if isinstance(fact, TransferSettled):
        if _stand(case, locked).received_minor < transfer.amount_minor:
            return Refusal(Code.PREDECESSOR_ABSENT, "not all of the transfer was received", RECEIVED)
        if fact.amount_minor != transfer.amount_minor:
            return Refusal(Code.AMOUNT_DIFFERS, "not the amount that was requested")
    if isinstance(fact, InflowReceived):
        announced = locked.parts.get(key_of(case))
        if announced is not None and announced.told and announced.amount_minor != fact.amount_minor:
            return Refusal(Code.AMOUNT_DIFFERS, "not the amount that was announced")
        left_minor = transfer.amount_minor - _stand(case, locked).received_minor
        if fact.amount_minor > left_minor:
            detail = f"{fact.amount_minor} is more than the {left_minor} that is left"
            return Refusal(Code.INFLOW_EXCEEDS_TRANSFER, detail)
    return None


def _refuse_gate(case: Case, locked: Locked) -> Refusal | None:
    """The first gate that is closed: whoever waits for it is asked again about all of them once it opens."""
    fact = _fact(case)
    if isinstance(fact, _MOVES) and state_of(PartKind.TRANSFER, _transfer(case, locked)) is State.UNDER_REVIEW:
        return _closed("the transfer is processed by hand", REVIEW_GATE)
    if not isinstance(fact, TransferSettled):
        return None
    book_id, _ = case.subject_key
    policy = locked.transfer_policies.get(book_id, ASKS_NOTHING)
    verdict = _monitoring(case, locked)
    if verdict is State.FLAGGED:
        return _closed("monitoring looks at the transfer", FLAGGED_GATE)
    if policy.monitoring and verdict is State.NONE:
        return _closed("monitoring has said nothing of the transfer", MONITORING_GATE)
    if policy.verification:
        told = locked.notices.get((book_id, *verification_of(fact.customer)), UNTOLD)
        if told.said.get("status") != VERIFIED:
            return _closed(f"{fact.customer} is not verified", f"{VERIFICATION_GATE}{fact.customer}")
    given, asked = _stand(case, locked).approvals, policy.approvals_of(fact.currency, fact.amount_minor)
    if given < asked:
        return _closed(
            f"{given} of {asked} persons have agreed", approval_gate(asked, fact.currency, fact.amount_minor)
        )
    return None


def _closed(detail: str, gate: str) -> Refusal:
    return Refusal(Code.TRANSFER_GATE_CLOSED, detail, gate)


def propose(case: Case, locked: Locked) -> Proposal:
    """As its rule says; what is compensated goes back exactly as it came, and the voucher says which one."""
    posted, draft = posted_before(case, locked), case.draft
    if draft is None or not posted:
        return Proposal(draft, () if draft is not None and draft.recorded else case.movements)
    movements = mirror_of(posted)
    lines, amount_minor = [movement.line for movement in movements], locked.parts[key_of(case)].amount_minor
    details = {**(draft.details or {}), **mirrored(posted), "compensates": links_of(posted)}
    return Proposal(replace(draft, lines=lines, details=details, recorded=False, amount_minor=amount_minor), movements)


def accept(case: Case, locked: Locked) -> None:
    """Counts the step, and what is in transit by it."""
    fact, stand = _fact(case), locked.transfers.setdefault(case.subject_key, TransferStand())
    part = locked.parts.setdefault(key_of(case), Part())
    tell(fact, part)
    if isinstance(fact, TransferRequested | InflowAnnounced | InflowReceived):
        part.amount_minor, part.asset_id = fact.amount_minor, case.asset_id
    if isinstance(fact, InflowReceived | TransferSettled):
        part.vouchers.append(case.reference)
    _add_up(stand, fact, part.amount_minor)


def _add_up(stand: TransferStand, fact: StepFact, amount_minor: int) -> None:
    if isinstance(fact, InflowReceived):
        stand.received_minor += amount_minor
    elif isinstance(fact, InflowCompensated):
        stand.received_minor -= amount_minor
    elif isinstance(fact, TransferApproved):
        stand.approvals += 1


def stands_of(parts: Mapping[PartKey, Part]) -> dict[SubjectKey, TransferStand]:
    """What stored parts add up to, by transfer."""
    stands: dict[SubjectKey, TransferStand] = {}
    for (book_id, order_key, kind, _), part in parts.items():
        if kind == PartKind.INFLOW and state_of(PartKind.INFLOW, part) is State.RECEIVED:
            stands.setdefault((book_id, order_key), TransferStand()).received_minor += part.amount_minor
        elif kind == PartKind.APPROVAL:
            stands.setdefault((book_id, order_key), TransferStand()).approvals += 1
    return stands


def _transfer(case: Case, locked: Locked) -> Part:
    return locked.parts.get((*case.subject_key, PartKind.TRANSFER.value, case.subject_key[1])) or Part()


def _monitoring(case: Case, locked: Locked) -> State:
    part = locked.parts.get((*case.subject_key, PartKind.MONITORING.value, case.subject_key[1])) or Part()
    return state_of(PartKind.MONITORING, part)


def _stand(case: Case, locked: Locked) -> TransferStand:
    return locked.transfers.get(case.subject_key) or TransferStand()


def _fact(case: Case) -> StepFact:
    fact = case.fact
    assert isinstance(fact, StepFact)
    return fact
