"""Captures of split payments under lock: one custody a payment, and beneficiaries that may be paid out."""

from ledger_core.domain import legs, payment_life
from ledger_core.domain.cases import Case, Locked, PartKey
from ledger_core.domain.marketplaces import DIRECT
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.parts import CUSTODY, Part
from ledger_core.domain.payments import SplitCaptured
from ledger_core.domain.profiles import refuse_unready
from ledger_core.domain.subjects import IN_DIRECT_CUSTODY, Subject


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """As any capture, by what came before it of its payment, and by the profiles of its beneficiaries."""
    return payment_life.refuse(case, locked) or _refuse_custody(case, locked) or _refuse_unready(case, locked)


def _refuse_custody(case: Case, locked: Locked) -> Refusal | None:
    subject = locked.subjects[case.subject_key]
    if subject.captures and not subject.marks & IN_DIRECT_CUSTODY and _fact(case).custody == DIRECT:
        return Refusal(Code.CUSTODY_DIFFERS, "another part of the payment was captured in another custody")
    return None


def _refuse_unready(case: Case, locked: Locked) -> Refusal | None:
    fact = _fact(case)
    if not fact.needs_profiles:
        return None
    return refuse_unready([share.account for share in fact.beneficiaries], case, locked)


def accept(case: Case, locked: Locked) -> None:
    """As any capture; its legs are kept, and of one in direct custody what it was, and what of it is the platform's."""
    payment_life.accept(case, locked)
    fact = _fact(case)
    legs.capture(case, locked, fact.beneficiaries)
    if fact.custody != DIRECT:
        return
    locked.subjects.setdefault(case.subject_key, Subject()).marks |= IN_DIRECT_CUSTODY
    part = locked.parts.setdefault(key_of(case), Part())
    part.amount_minor += fact.amount_minor
    part.used_minor += case.movements[0].line.amount_minor if case.movements else 0
    part.asset_id = case.asset_id


def key_of(case: Case) -> PartKey:
    """Of the row that says what of the payment was captured in direct custody."""
    return (*case.subject_key, *CUSTODY)


def _fact(case: Case) -> SplitCaptured:
    assert isinstance(case.fact, SplitCaptured)
    return case.fact
