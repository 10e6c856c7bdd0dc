"""Drawers under lock: open or closed by their events, and what is over or short when they are counted.

The order key of a drawer's events is its account, so its subject is their order. How often it was opened and closed is
counted in its part: it is open while one opening has no closing.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ledger_core.domain.cases import Case, Locked, Movement, PartKey, Proposal
from ledger_core.domain.cash import CashReceived, CashRefunded, DrawerClosed, DrawerFact, DrawerOpened
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.parts import Part, PartKind

DRAWER_OPENED: Final = "drawer.opened"
"""What cash waits for that no open drawer takes."""


def part_key(case: Case) -> PartKey:
    """The one part of a drawer: `amount_minor` counts its openings, `used_minor` its closings."""
    return (*case.subject_key, PartKind.DRAWER.value, "")


def misfit(case: Case) -> str | None:
    """Its events stay in order by its account."""
    return None if _fact(case).account == case.subject_key[1] else "account: not the subject of the event"


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the drawer's life so far, and by its currency."""
    fact, part = _fact(case), locked.parts.get(part_key(case)) or Part()
    is_open = part.amount_minor > part.used_minor
    if isinstance(fact, DrawerOpened) and is_open:
        return Refusal(Code.DRAWER_OPEN, "the drawer was not closed since it was opened")
    if not isinstance(fact, DrawerOpened) and not is_open:
        # Who closes twice would close the next opening, if this waited for it: that can never be right.
        if isinstance(fact, DrawerClosed) and part.used_minor:
            return Refusal(Code.DRAWER_CLOSED, "the drawer was closed before")
        return Refusal(Code.PREDECESSOR_ABSENT, "the drawer is not open", DRAWER_OPENED)
    return _refuse_currency(case, locked)


def _refuse_currency(case: Case, locked: Locked) -> Refusal | None:
    """A count that finds nothing over or short posts nothing, and no line would tell."""
    if case.movements and locked.heads[case.movements[0].head].asset_id != case.asset_id:
        return Refusal(Code.CURRENCY_MISMATCH, "the drawer is kept in another currency")
    return None


def propose(case: Case, locked: Locked) -> Proposal:
    """Cash as its rule says; of a count what was moved, and what is over or short."""
    fact, draft = _fact(case), case.draft
    if isinstance(fact, CashReceived | CashRefunded) or draft is None or not case.movements:
        return Proposal(draft, case.movements)
    head = locked.heads[case.movements[0].head]
    expected_minor = head.debits_minor - head.credits_minor
    said = {"drawer": _said(fact, expected_minor), **(draft.details or {})}
    movements = _movements(case.movements, _debits(fact, expected_minor))
    if not movements:
        return Proposal(replace(draft, lines=[], details=said), ())
    lines = [movement.line for movement in movements]
    return Proposal(replace(draft, lines=lines, details=said, recorded=False), movements)


def _moved_minor(fact: DrawerOpened | DrawerClosed) -> int:
    """Into the drawer; out of it, below zero."""
    if isinstance(fact, DrawerOpened):
        return fact.brought.amount_minor if fact.brought else 0
    return -fact.taken.amount_minor if fact.taken else 0


def _over_minor(fact: DrawerOpened | DrawerClosed, expected_minor: int) -> int:
    """What was counted beyond what should be there; what is short, below zero. What is taken leaves after the count."""
    return fact.counted_minor - expected_minor - max(_moved_minor(fact), 0)


def _debits(fact: DrawerOpened | DrawerClosed, expected_minor: int) -> tuple[int, int, int]:
    """Of the drawer, of over and short, of the other account; credits are below zero. They add up to nothing."""
    moved_minor, over_minor = _moved_minor(fact), _over_minor(fact, expected_minor)
    return over_minor + moved_minor, -over_minor, -moved_minor


def _movements(accounts: Sequence[Movement], debits: Sequence[int]) -> list[Movement]:
    return [
        movement._replace(line=movement.line._replace(side="D" if debit > 0 else "C", amount_minor=abs(debit)))
        for movement, debit in zip(accounts, debits, strict=False)
        if debit
    ]


def _said(fact: DrawerOpened | DrawerClosed, expected_minor: int) -> dict[str, str]:
    """What the log keeps of a count, whether anything was posted or not."""
    over_minor = _over_minor(fact, expected_minor)
    said = {
        "status": "OPEN" if isinstance(fact, DrawerOpened) else "CLOSED",
        "counted_minor": str(fact.counted_minor),
        "expected_minor": str(fact.counted_minor - over_minor),
    }
    return {**said, "over_minor" if over_minor > 0 else "short_minor": str(abs(over_minor))} if over_minor else said


def refuse_sums(case: Case, locked: Locked) -> Refusal | None:
    """A line can hold no more."""
    if any(movement.line.amount_minor > MAX_AMOUNT_MINOR for movement in propose(case, locked).movements):
        return Refusal(Code.OVERFLOW, "what is over or short is more than a line can hold")
    return None


def accept(case: Case, locked: Locked) -> None:
    """Counts openings and closings."""
    fact = _fact(case)
    part = locked.parts.setdefault(part_key(case), Part())
    if isinstance(fact, DrawerOpened):
        part.amount_minor += 1
    elif isinstance(fact, DrawerClosed):
        part.used_minor += 1


def _fact(case: Case) -> DrawerFact:
    assert isinstance(case.fact, DrawerOpened | DrawerClosed | CashReceived | CashRefunded)
    return case.fact
