"""Notices under lock: each gets the next revision of what it is about."""

from fractions import Fraction

from ledger_core.domain.cases import Case, Locked, Proposal
from ledger_core.domain.notices import NOTICE_FACTS, UNTOLD, FxRatePublished, Notice, NoticeFact, NoticeKey
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft

NOTICE = "notice"
"""Member of the state that keeps it."""


def _fact(case: Case) -> NoticeFact:
    assert isinstance(case.fact, NOTICE_FACTS)
    return case.fact


def _key(case: Case) -> NoticeKey:
    return (case.subject_key[0], *_fact(case).name)


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """Notices of one thing come in one order only if it is their order key. A rate that was published at a time was
    published once: nobody can say later that it was another."""
    fact = _fact(case)
    if case.subject_key[1] != fact.order_key:
        return Refusal(Code.DATA_INVALID, f"subject: not {fact.order_key}, which the event is about")
    stands = locked.notices.get(_key(case), UNTOLD).said
    if isinstance(fact, FxRatePublished) and stands and Fraction(str(stands["rate"])) != Fraction(fact.rate):
        return Refusal(Code.FX_RATE_CONFLICT, f"rate: {fact.provider} published {stands['rate']} at this time before")
    return None


def propose(case: Case, locked: Locked) -> Proposal:
    """A record of it, with its revision."""
    fact, revision = _fact(case), _next(case, locked)
    notice = {"kind": fact.name.kind, "key": fact.name.key, "revision": revision, **fact.said}
    return Proposal(Draft("", "", [], {NOTICE: notice}, recorded=True), ())


def accept(case: Case, locked: Locked) -> None:
    notice = Notice(_next(case, locked), _fact(case).said)
    locked.notices[_key(case)] = notice
    locked.told.append((_key(case), notice))


def _next(case: Case, locked: Locked) -> int:
    return locked.notices.get(_key(case), UNTOLD).revision + 1
