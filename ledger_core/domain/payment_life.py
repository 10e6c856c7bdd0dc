"""Payments under lock: their subjects decide, and a void posts the mirror of what was captured."""

from collections.abc import Sequence

from ledger_core.domain import subjects
from ledger_core.domain.cases import CaptureKey, Case, Locked, Movement, Proposal
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import PaymentVoided
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft, mirror


def _subject(case: Case, locked: Locked) -> Subject:
    return locked.subjects.setdefault(case.subject_key, Subject())


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the payment's life so far."""
    assert case.fact is not None
    return subjects.refuse(case.fact, _subject(case, locked), case.asset_id)


def propose(case: Case, locked: Locked) -> Proposal:
    """As its rule says, but for the void of a captured payment."""
    references = locked.subjects[case.subject_key].captures
    if not isinstance(case.fact, PaymentVoided) or not references:
        return Proposal(case.draft, case.movements)
    book_id, _ = case.subject_key
    movements = _mirror_of([(book_id, reference) for reference in references], locked)
    return Proposal(Draft("void", "payment_voided/1", [movement.line for movement in movements]), movements)


def _mirror_of(captures: Sequence[CaptureKey], locked: Locked) -> list[Movement]:
    originals = [movement for capture in captures for movement in locked.captures[capture]]
    lines = mirror([movement.line for movement in originals])
    return [movement._replace(line=line) for movement, line in zip(originals, lines, strict=True)]


def refuse_sums(case: Case, locked: Locked) -> Refusal | None:
    """No account's counter limits what a subject adds up."""
    assert case.fact is not None
    if subjects.overflows(case.fact, locked.subjects[case.subject_key]):
        return Refusal(Code.OVERFLOW, "the payment's sum would pass 2^63 - 1")
    return None


def accept(case: Case, locked: Locked) -> None:
    assert case.fact is not None
    subjects.advance(case.fact, locked.subjects[case.subject_key], case.asset_id, case.reference)
