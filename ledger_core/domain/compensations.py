"""Vouchers that make another one good: they say which, and any number may name the same one.

Unlike a void, a compensation has lines of its own, and an order key of its own: what it makes good stands already.
"""

from dataclasses import replace

from ledger_core.domain.cases import Case, Locked, Proposal
from ledger_core.domain.originals import Original, links_of
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.requests import CompensationRequested


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """It names a voucher that stands in its book. One that may yet come is not waited for: it would come under an
    order key of its own, past the queue in which this one waits."""
    found = _original(case, locked)
    return found if isinstance(found, Refusal) else None


def propose(case: Case, locked: Locked) -> Proposal:
    """As its rule says, with the place of the voucher that it names."""
    original, draft = _original(case, locked), case.draft
    assert isinstance(original, Original)
    assert draft is not None
    link = {"compensates": links_of([original])}
    return Proposal(replace(draft, details={**(draft.details or {}), **link}), case.movements)


def _original(case: Case, locked: Locked) -> Original | Refusal:
    assert isinstance(case.fact, CompensationRequested)
    found = locked.vouchers.by_ref.get((case.subject_key[0], case.fact.compensates))
    return found or Refusal(Code.VOUCHER_UNKNOWN, "compensates: there is no such voucher")
