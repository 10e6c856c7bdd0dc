"""What a book's policy refuses of captures, voids and refunds, by what is locked and by the times of their events."""

from collections.abc import Iterable, Sequence
from typing import Final

from ledger_core.domain import legs
from ledger_core.domain.awaited import Awaited
from ledger_core.domain.cases import Case, HeadKey, Locked, Movement, Ruling, SubjectKey
from ledger_core.domain.limits import Counters, standing
from ledger_core.domain.money import part_minor
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payment_policy import NOTHING, PaymentPolicy
from ledger_core.domain.payments import PaymentCaptured, PaymentRefunded, ProvenCaptured, capture_itself
from ledger_core.domain.stories import RefundCompleted
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Purpose

MINUTE_US: Final = 60_000_000
CLOCKS_APART_US: Final = 5 * MINUTE_US
"""How far the clocks of a processor and of a service may differ."""


def _policy(case: Case, locked: Locked) -> PaymentPolicy:
    return locked.policies.get(case.subject_key[0], NOTHING)


def refuse_capture(case: Case, locked: Locked) -> Refusal | None:
    """In the order of `Code`: captured before, no intent, no proof, too soon after a failed attempt, too much."""
    fact, policy = case.fact, _policy(case, locked)
    if not isinstance(fact, PaymentCaptured) or not policy.asks_of_captures:
        return None
    subject = locked.subjects.get(case.subject_key) or Subject()
    if policy.captures_once:
        if subject.captured_minor and not fact.partial:
            return Refusal(Code.PAYMENT_CAPTURED, "the payment was captured before, and this is no partial capture")
        if not subject.asset_id:
            detail = "the payment was neither initiated nor authorised"
            return Refusal(Code.PREDECESSOR_ABSENT, detail, Awaited.ANNOUNCED)
    if policy.proof_required and fact.payer is None and not isinstance(capture_itself(fact), ProvenCaptured):
        return Refusal(Code.CAPTURE_PROOF_MISSING, "gateway_transaction_id: what is prepaid names its transaction")
    apart_us = policy.attempts_apart_minutes * MINUTE_US
    if any(abs(case.effective_at_us - at_us) < apart_us for at_us in locked.attempts.get(case.subject_key, ())):
        detail = f"an attempt failed less than {policy.attempts_apart_minutes} minutes before or after"
        return Refusal(Code.CAPTURE_TOO_SOON, detail)
    return _refuse_more(fact, subject, policy)


def _refuse_more(fact: PaymentCaptured, subject: Subject, policy: PaymentPolicy) -> Refusal | None:
    """Than was authorised: by all captures of the payment together. One that nobody authorised has no such bound."""
    tolerance_bps, authorised_minor = policy.capture_tolerance_bps, subject.authorised_minor
    captured_minor = subject.captured_minor + fact.amount_minor
    if tolerance_bps is None or not authorised_minor:
        return None
    if captured_minor <= authorised_minor + part_minor(authorised_minor, tolerance_bps):
        return None
    detail = f"with it {captured_minor} were captured, {authorised_minor} are authorised"
    return Refusal(Code.CAPTURE_EXCEEDS_AUTHORIZED, detail)


def refuse_void(case: Case, captured_at_us: Iterable[int], locked: Locked) -> Refusal | None:
    """`captured_at_us` are the times of the captures that would be taken back."""
    window = _policy(case, locked).void_window_minutes
    if window is None:
        return None
    ages_us = [case.effective_at_us - at_us for at_us in captured_at_us]
    # Where late events are redirected a capture may stand later than it happened.
    redirected = case.subject_key[0] in locked.redirecting
    if not redirected and any(age_us < -CLOCKS_APART_US for age_us in ages_us):
        return Refusal(Code.VOID_WINDOW_PASSED, "it is dated before the capture that it would take back")
    if all(age_us <= window * MINUTE_US for age_us in ages_us):
        return None
    return Refusal(Code.VOID_WINDOW_PASSED, f"it was captured more than {window} minutes before: refund it instead")


def refuse_refund(case: Case, movements: Sequence[Movement], locked: Locked) -> Refusal | None:
    """By the parts of a split payment; then the first beneficiary, in the order of lines, of which not enough is
    available; or an order whose suspense does not hold what nobody is named to bear."""
    if not _policy(case, locked).refunds_covered or not isinstance(case.fact, PaymentRefunded | RefundCompleted):
        return None
    return (
        legs.refuse_strangers(case, locked)
        or _refuse_shares(movements, locked)
        or _refuse_rest(case, movements, locked)
    )


def _refuse_shares(movements: Sequence[Movement], locked: Locked) -> Refusal | None:
    borne: dict[HeadKey, int] = {}
    for movement in movements:
        if movement.line.purpose == Purpose.SELLER_SHARE and movement.line.side == "D":
            borne[movement.head] = borne.get(movement.head, 0) + movement.line.amount_minor
    for key, share_minor in borne.items():
        floor_minor = locked.floors.get(key)
        head = locked.heads[key]
        now = Counters(head.debits_minor, head.credits_minor, head.debits_pending_minor, head.credits_pending_minor)
        available_minor = standing(head.normal_side, now).available_minor
        if floor_minor is not None and available_minor - share_minor < floor_minor:
            account = next(movement.line.account for movement in movements if movement.head == key)
            detail = f"{account} has {available_minor} available, its share of the refund is {share_minor}"
            return Refusal(Code.SELLER_BALANCE_INSUFFICIENT, detail)
    return None


def _refuse_rest(case: Case, movements: Sequence[Movement], locked: Locked) -> Refusal | None:
    """What no beneficiary bears was never given to any: it is still in suspense."""
    for movement in movements:
        line = movement.line
        if line.purpose != Purpose.SUSPENSE or line.side != "D":
            continue
        head = locked.heads[movement.head]
        held_minor = head.credits_minor - head.debits_minor
        if movement.keyed:
            held_minor = locked.of_orders.get((movement.head, case.subject_key[1]), 0)
        if line.amount_minor > held_minor:
            detail = (
                f"no beneficiary bears {line.amount_minor} of it, and {line.account} holds {held_minor} of the order"
            )
            return Refusal(Code.SELLER_BALANCE_INSUFFICIENT, detail)
    return None


def add_up(whole: Ruling, locked: Locked) -> None:
    """What an accepted case posts on accounts of whose order keys refunds of the batch may draw."""
    for ruling in (whole, *whole.followers):
        for movement in ruling.movements:
            key = (movement.head, ruling.case.subject_key[1])
            if key in locked.of_orders:
                signed_minor = movement.line.amount_minor if movement.line.side == "C" else -movement.line.amount_minor
                locked.of_orders[key] += signed_minor


def note_attempt(key: SubjectKey, at_us: int, locked: Locked) -> None:
    """For captures later in the same batch."""
    locked.attempts.setdefault(key, []).append(at_us)
