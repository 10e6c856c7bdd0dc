"""Payments under lock: their subjects decide, and a void posts the mirror of what was captured."""

from ledger_core.domain import exchange_life, part_life, payment_rules, subjects
from ledger_core.domain.cases import Case, Locked, Proposal
from ledger_core.domain.originals import Original, links_of, mirror_of, mirrored
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.payments import PaymentCaptured, PaymentVoided
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft


def _subject(case: Case, locked: Locked) -> Subject:
    return locked.subjects.setdefault(case.subject_key, Subject())


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the payment's life so far."""
    assert case.fact is not None
    subject = _subject(case, locked)
    refusal = subjects.refuse(case.fact, subject, case.asset_id)
    if isinstance(case.fact, PaymentCaptured):
        refusal = first_of(exchange_life.refuse_capture(case, locked), refusal)
    if refusal is None and subject.marks and isinstance(case.fact, PaymentVoided):
        refusal = part_life.refuse_void(case, locked)
    if refusal is None and locked.policies:
        refusal = payment_rules.refuse_void(case, _captured_at_us(case, locked), locked)
    return first_of(refusal, payment_rules.refuse_capture(case, locked)) if locked.policies else refusal


def refuse_end(case: Case, locked: Locked) -> Refusal | None:
    """Of facts that end a payment, or an attempt of it, without an amount."""
    assert case.fact is not None
    return subjects.refuse_end(case.fact, _subject(case, locked))


def end(case: Case, locked: Locked) -> None:
    assert case.fact is not None
    subjects.end(case.fact, locked.subjects[case.subject_key])


def propose(case: Case, locked: Locked) -> Proposal:
    """As its rule says, but for the void of a captured payment."""
    captures = _captures(case, locked)
    if not captures:
        return exchange_life.say_stale(case, Proposal(case.draft, case.movements))
    movements = mirror_of(captures)
    lines = [movement.line for movement in movements]
    details = {"reverses": links_of(captures), **mirrored(captures)}
    if isinstance(case.fact, PaymentVoided) and case.fact.reason:
        details["reason"] = case.fact.reason
    amount_minor = sum(capture.amount_minor for capture in captures)  # what went through suspense is not part of it
    draft = Draft("void", "payment_voided/1", lines, details, amount_minor=amount_minor)
    return Proposal(exchange_life.say_mirrored(draft, captures, case, locked), movements)


def _captures(case: Case, locked: Locked) -> list[Original]:
    """What a void of this payment mirrors: each capture that was not taken back by request."""
    if not isinstance(case.fact, PaymentVoided):
        return []
    book_id, _ = case.subject_key
    known = locked.vouchers.by_reference  # a capture of which nothing is the platform's posted no voucher
    keys = [(book_id, reference) for reference in locked.subjects[case.subject_key].captures]
    return [known[key] for key in keys if key in known]


def _captured_at_us(case: Case, locked: Locked) -> list[int]:
    """When that was captured which a void of this payment takes back, also where nothing was posted of it."""
    if not isinstance(case.fact, PaymentVoided):
        return []
    recorded = locked.vouchers.recorded_at_us
    keys = [(case.subject_key[0], reference) for reference in locked.subjects[case.subject_key].captures]
    unposted = [recorded[key] for key in keys if key in recorded]
    return [*(capture.effective_at_us for capture in _captures(case, locked)), *unposted]


def refuse_sums(case: Case, locked: Locked) -> Refusal | None:
    """No account's counter limits what a subject adds up."""
    assert case.fact is not None
    if subjects.overflows(case.fact, locked.subjects[case.subject_key]):
        return Refusal(Code.OVERFLOW, "the payment's sum would pass 2^63 - 1")
    return exchange_life.refuse_sums(case, locked)


def accept(case: Case, locked: Locked) -> None:
    assert case.fact is not None
    for capture in _captures(case, locked):
        capture.reversed = True
    exchange_life.accept_capture(case, locked)
    subjects.advance(case.fact, locked.subjects[case.subject_key], case.asset_id, case.reference)
