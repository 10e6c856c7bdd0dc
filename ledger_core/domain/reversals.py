"""Reversals by request: which posted voucher may be mirrored, and at most once.

A voucher is never changed: what was wrong is taken back by another one, its exact mirror, linked both ways.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ledger_core.domain import exchange_life, legs, part_life
from ledger_core.domain.cases import Case, Locked, Proposal
from ledger_core.domain.heads import late
from ledger_core.domain.holds import rfc3339
from ledger_core.domain.originals import Original, links_of, mirror_of, mirrored, ref_of
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.parts import PartKind
from ledger_core.domain.periods import NEVER_US, Late, redirect
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft

REVERSAL: Final = "reversal"
RULE: Final = "void_requested/1"

CAPTURED: Final = "payment.captured."
REFUNDED: Final = "payment.refunded."
"""Beginnings of the types of upstream events whose vouchers count in the sums of a payment."""

MIRRORS: Final = frozenset({REVERSAL, "void"})
"""Kinds of vouchers that are mirrors themselves: by request, and of a payment's void."""

NOT_VOIDABLE: Final[Mapping[str, Refusal]] = MappingProxyType({
    "cogs": Refusal(Code.COGS_NOT_VOIDABLE, "cost of goods sold is not voided: post an adjustment"),
    "inventory_adjustment": Refusal(
        Code.INVENTORY_ADJUSTMENT_NOT_VOIDABLE, "an inventory adjustment is not voided: post another one"
    ),
})  # fmt: skip
"""Kinds that only a new adjustment corrects: what has left the warehouse does not come back by bookkeeping."""


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """May the voucher that this request names be mirrored now?"""
    found = _original(case, locked)
    if isinstance(found, Refusal):
        return found
    subject = locked.subjects.setdefault(case.subject_key, Subject())
    refusal = exchange_life.refuse_reversal(found, case, locked)
    return first_of(
        first_of(refuse_original(found, case.subject_key[1], subject), refusal),
        first_of(_refuse_period(found, case, locked), part_life.refuse_reversal(found, case, locked)),
    )


def _refuse_period(original: Original, case: Case, locked: Locked) -> Refusal | None:
    """What a closed period says, only whoever asks knowingly, or a book that moves what is late, takes back later. A
    request of a time that is closed itself waits as any other event would."""
    assert isinstance(case.fact, VoidRequested)
    closed = _closed(original, case, locked)
    if closed is None or case.fact.in_open_period or case.subject_key[0] in locked.redirecting or late(case, locked):
        return None
    return Refusal(Code.VOUCHER_PERIOD_CLOSED, f"voucher {original.link.voucher_no} took effect in a closed period")


def _closed(original: Original, case: Case, locked: Locked) -> Late | None:
    """The closed period in which the voucher took effect."""
    return redirect(original.effective_at_us, locked.closed_through_us.get(case.subject_key[0], NEVER_US))


def refuse_original(original: Original, order_key: str, subject: Subject) -> Refusal | None:
    """The first reason, in the order of `Code`, why this voucher may not be mirrored by request; None when it may.

    `order_key` is the request's own. It must be the voucher's: what concerns one payment stays in one order, and
    accounts that are kept per order key come to zero again.
    """
    if order_key != original.order_key:
        return Refusal(Code.ORDER_KEY_DIFFERS, "the event's subject is not the order key of the voucher it names")
    if original.reversed:
        return Refusal(Code.ALREADY_REVERSED, f"voucher {original.link.voucher_no} was reversed before")
    if original.kind in MIRRORS:
        return Refusal(Code.REVERSAL_NOT_REVERSIBLE, "the voucher is a reversal: post anew what it took back")
    if original.kind in NOT_VOIDABLE:
        return NOT_VOIDABLE[original.kind]
    left_minor = subject.captured_minor - original.amount_minor
    if original.event_type.startswith(CAPTURED) and left_minor < subject.refunded_minor:
        return Refusal(Code.VOID_AFTER_REFUND, "the payment was refunded before: refund the rest instead")
    return None


def propose(case: Case, locked: Locked) -> Proposal:
    """The exact mirror, which says in which period the original stays if that is closed."""
    original, fact = _original(case, locked), case.fact
    assert isinstance(original, Original)
    assert isinstance(fact, VoidRequested)
    movements = mirror_of([original])
    details: dict[str, object] = {
        "reverses": links_of([original]), **mirrored([original]), "reason": fact.reason
    }  # fmt: skip
    if fact.requested_by:
        details["requested_by"] = fact.requested_by
    closed = _closed(original, case, locked)
    if closed is not None:
        details["closed_period"] = {"effective_at": rfc3339(original.effective_at_us), "period": closed.period}
    lines = [movement.line for movement in movements]
    draft = Draft(REVERSAL, RULE, lines, details, amount_minor=original.amount_minor)
    if original.event_type.startswith((CAPTURED, REFUNDED)):
        draft = exchange_life.say_mirrored(draft, [original], case, locked)
    return Proposal(draft, movements)


def accept(case: Case, locked: Locked) -> None:
    """Takes the voucher out of the sums of its payment, so that later refunds and voids see what is left."""
    original = _original(case, locked)
    assert isinstance(original, Original)
    original.reversed = True
    subject = locked.subjects[case.subject_key]
    if original.event_type.startswith(CAPTURED):
        subject.captured_minor -= original.amount_minor
        subject.captures.remove(original.reference)
        legs.restore(original, PartKind.LEG, case, locked)
        exchange_life.accept_mirrored(case, locked, original)
    elif original.event_type.startswith(REFUNDED):
        subject.refunded_minor -= original.amount_minor
        legs.restore(original, PartKind.LEG_BACK, case, locked)
        exchange_life.accept_mirrored(case, locked, original)


def _original(case: Case, locked: Locked) -> Original | Refusal:
    assert isinstance(case.fact, VoidRequested)
    if case.fact.voucher == ref_of(case.origin):  # it would wait for itself
        return Refusal(Code.VOUCHER_UNKNOWN, "the request names itself")
    return locked.vouchers.find(case.subject_key[0], case.fact.voucher, case.subject_key[1])
