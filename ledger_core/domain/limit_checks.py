"""Limits of the accounts that one voucher or hold touches: what it would do to them, whole."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from ledger_core.domain.cases import Case, Crossing, HeadKey, HeldBack, Locked, Movement, Proposal
from ledger_core.domain.limits import Counters, Limits, Standing, falls_below, refuse, rises_above, standing
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.vouchers import Side


class _Concerned(NamedTuple):
    """A limited account before and after the case."""

    head: HeadKey
    account: str
    currency: str
    limits: Limits
    before: Standing
    after: Standing


def refuse_limits(proposal: Proposal, locked: Locked) -> Refusal | None:
    """The first account, in the order of lines, that denies what the case would do to it; a minimum first."""
    refusals = [refuse(one.account, one.limits, one.before, one.after) for one in _concerned(proposal, locked)]
    found = [refusal for refusal in refusals if refusal is not None]
    return min(found, key=lambda refusal: refusal.place, default=None)


def crossings(proposal: Proposal, case: Case, locked: Locked) -> list[Crossing]:
    """Limits that warn and that an accepted case is about to cross."""
    found = []
    for one in _concerned(proposal, locked):
        place = (one.head, one.account, one.currency)
        low, high = one.limits.minimum_minor, one.limits.maximum_minor
        if low is not None and falls_below(one.limits, one.before, one.after):
            found.append(Crossing(*place, True, one.after.available_minor, low, case.reference))
        if high is not None and rises_above(one.limits, one.before, one.after):
            found.append(Crossing(*place, False, one.after.posted_minor, high, case.reference))
    return found


def _concerned(proposal: Proposal, locked: Locked) -> Iterator[_Concerned]:
    seen: set[HeadKey] = set()
    posted = ((movement.head, movement.line.account, movement.line.currency) for movement in proposal.movements)
    held = ((one.head, one.terms.account, one.terms.currency) for one in proposal.held)
    for key, account, currency in chain(posted, held):
        head = locked.heads[key]
        if head.limits is None or key in seen or key == proposal.ends:
            continue
        seen.add(key)
        now = Counters(head.debits_minor, head.credits_minor, head.debits_pending_minor, head.credits_pending_minor)
        then = Counters(
            head.debits_minor + _moved(proposal.movements, key, "D"),
            head.credits_minor + _moved(proposal.movements, key, "C"),
            head.debits_pending_minor + _held_back(proposal.held, key, "D"),
            head.credits_pending_minor + _held_back(proposal.held, key, "C"),
        )
        side = head.normal_side
        yield _Concerned(key, account, currency, head.limits, standing(side, now), standing(side, then))


def _moved(movements: Sequence[Movement], key: HeadKey, side: Side) -> int:
    return sum(m.line.amount_minor for m in movements if m.head == key and m.line.side == side)


def _held_back(held: Sequence[HeldBack], key: HeadKey, side: Side) -> int:
    return sum(one.change_minor for one in held if one.head == key and one.terms.side == side)
