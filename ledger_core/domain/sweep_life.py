"""Sweeps under lock: what an account has beyond what its rule keeps back is known there alone."""

from dataclasses import replace
from typing import Final

from ledger_core.domain.cases import Case, Locked, Proposal
from ledger_core.domain.limits import Counters, standing
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft, Side

KEEP: Final = "keep_minor"
"""Member of the details in which the rule says what the account keeps."""


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """A sweep that finds nothing posts nothing, and no line would tell."""
    if case.movements and locked.heads[case.movements[0].head].asset_id != case.asset_id:
        return Refusal(Code.CURRENCY_MISMATCH, "what is swept is kept in another currency")
    return None


def propose(case: Case, locked: Locked) -> Proposal:
    """What is available beyond what is kept, less what holds keep back; a record where there is nothing to move."""
    draft = case.draft
    if draft is None or not case.movements:
        return Proposal(draft, ())
    amount_minor = _beyond_minor(case, draft, locked)
    if amount_minor <= 0:
        return Proposal(replace(draft, lines=[], details={**(draft.details or {}), "amount_minor": "0"}), ())
    lowers: Side = "C" if locked.heads[case.movements[0].head].normal_side == "D" else "D"
    raises: Side = "D" if lowers == "C" else "C"
    movements = [
        movement._replace(line=movement.line._replace(side=side, amount_minor=amount_minor))
        for movement, side in zip(case.movements, (lowers, raises), strict=True)
    ]
    lines = [movement.line for movement in movements]
    return Proposal(replace(draft, lines=lines, recorded=False), movements)


def _beyond_minor(case: Case, draft: Draft, locked: Locked) -> int:
    head = locked.heads[case.movements[0].head]
    now = Counters(head.debits_minor, head.credits_minor, head.debits_pending_minor, head.credits_pending_minor)
    keep_minor = int(str((draft.details or {})[KEEP]))
    return standing(head.normal_side, now).available_minor - keep_minor


def refuse_sums(case: Case, locked: Locked) -> Refusal | None:
    """A line can hold no more."""
    if any(movement.line.amount_minor > MAX_AMOUNT_MINOR for movement in propose(case, locked).movements):
        return Refusal(Code.OVERFLOW, "what is swept is more than a line can hold")
    return None
