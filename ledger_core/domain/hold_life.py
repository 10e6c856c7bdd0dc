"""Holds under lock: what is left of them decides, and so does the account of which money is held."""

from dataclasses import replace

from ledger_core.domain import holds
from ledger_core.domain.cases import Case, HeldBack, Locked, Movement, Proposal
from ledger_core.domain.heads import refuse_line
from ledger_core.domain.holds import Hold, HoldCaptured, HoldConfirmed, HoldFact, HoldPlaced, HoldReleased, HoldTerms
from ledger_core.domain.limit_checks import refuse_limits
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Refusal


def misfit(case: Case) -> str | None:
    """Its events stay in order by its id, and it expires after it was placed."""
    fact = _fact(case)
    if fact.hold_id != case.subject_key[1]:
        return "hold_id: not the subject of the event"
    if isinstance(fact, HoldPlaced) and fact.expires_at_us is not None and fact.expires_at_us <= case.effective_at_us:
        return "expires_at: not after the time of the event"
    return None


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the hold's life so far."""
    return holds.refuse(_fact(case), locked.holds.get(case.subject_key))


def refuse_placing(case: Case, locked: Locked) -> Refusal | None:
    """Status and currency of the account as for an entry, what is available of it, then what its counter can hold."""
    (movement,) = case.movements
    head, line = locked.heads[movement.head], movement.line
    refusal = refuse_line(head, movement.asset_id, line)
    if refusal is not None:
        return refusal
    limited = refuse_limits(propose(case, locked), locked)
    if limited is not None:  # nothing is posted: only the minimum can be in the way
        return Refusal(Code.INSUFFICIENT_AVAILABLE, limited.detail)
    if head.pending_minor(line.side) + line.amount_minor > MAX_COUNTER_MINOR:
        return Refusal(Code.OVERFLOW, "what is held of the account would pass 2^63 - 1")
    return None


def propose(case: Case, locked: Locked) -> Proposal:
    """As its rule says, with what only the locked hold tells: its status afterwards, and what is given back."""
    fact = _fact(case)
    if isinstance(fact, HoldPlaced):
        (movement,) = case.movements
        line = movement.line
        terms = HoldTerms(line.account, line.side, line.currency)
        return Proposal(case.draft, (), [HeldBack(movement.head, terms, line.amount_minor)])
    if isinstance(fact, HoldConfirmed):
        return Proposal(case.draft, ())
    hold = locked.holds[case.subject_key]
    after = replace(hold)
    given_back_minor = holds.advance(fact, after)
    said = {"hold": {"status": after.status.value, "released_minor": str(given_back_minor)}}
    assert case.draft is not None
    draft = replace(case.draft, details={**said, **(case.draft.details or {})})
    return Proposal(draft, case.movements, [HeldBack(hold.head, hold.terms, after.held_minor - hold.held_minor)])


def accept(case: Case, locked: Locked) -> None:
    """Writes the fact into its hold, and what is held into the head of its account."""
    fact = _fact(case)
    if isinstance(fact, HoldPlaced):
        (movement,) = case.movements
        hold = locked.holds[case.subject_key] = _placed(fact, movement, case.reference)
        locked.heads[hold.head].hold_back(hold.terms.side, hold.held_minor)
        return
    if isinstance(fact, HoldConfirmed):
        return
    hold = locked.holds[case.subject_key]
    held_before_minor = hold.held_minor
    holds.advance(fact, hold)
    if hold.status not in holds.OPEN_STATUSES:
        hold.closed_reference = case.reference
    locked.heads[hold.head].hold_back(hold.terms.side, hold.held_minor - held_before_minor)


def _placed(fact: HoldPlaced, movement: Movement, reference: int) -> Hold:
    line = movement.line
    return Hold(
        head=movement.head, asset_id=movement.asset_id, terms=HoldTerms(line.account, line.side, line.currency),
        amount_minor=fact.amount_minor, tolerance_bps=fact.tolerance_bps, expires_at_us=fact.expires_at_us,
        placed_reference=reference,
    )  # fmt: skip


def _fact(case: Case) -> HoldFact:
    assert isinstance(case.fact, HoldPlaced | HoldCaptured | HoldReleased | HoldConfirmed)
    return case.fact
