"""Refunds, chargebacks, settlements, payouts and fees under lock: steps by their table, sums of a payment, mirrors.

A part is written under the lock of its order key's subject. `locked.parts` holds those that this batch is about.
"""

from dataclasses import replace
from typing import Final

from ledger_core.domain import (
    agreements,
    counterparts,
    custody,
    exchange_life,
    legs,
    payment_rules,
    subjects,
    transfers,
)
from ledger_core.domain.cases import Case, Locked, PartKey, Proposal
from ledger_core.domain.cash_policy import NO_DRAWERS
from ledger_core.domain.originals import Original, mirror_of, mirrored
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.parts import (
    BITS,
    OF_PAYMENT,
    STEPS,
    Part,
    PartKind,
    State,
    name_of,
    refuse_step,
    state_of,
    tell,
)
from ledger_core.domain.payments import PaymentRefunded, PayoutPaid
from ledger_core.domain.profiles import refuse_payout
from ledger_core.domain.stories import (
    ChargebackOpened,
    ChargebackWon,
    FeeCharged,
    FeeRefunded,
    PayoutFailed,
    PayoutRequested,
    PayoutReturned,
    RefundCompleted,
    RefundFailed,
    RefundRequested,
    SettlementConfirmed,
    SettlementFailed,
    SettlementFinalityConfirmed,
    SettlementFinalityFailed,
)
from ledger_core.domain.subjects import EXPIRED, FAILED, IN_DIRECT_CUSTODY, PARTS, Subject
from ledger_core.domain.vouchers import Draft, Purpose

PAYMENT_PARTS: Final = frozenset({PartKind.REFUND, PartKind.CHARGEBACK, PartKind.SETTLEMENT})
"""Kinds whose order key is a payment, which they need captured."""

BY_STEPS: Final = (
    "refund.",
    "chargeback.",
    "settlement.",
    "payout.requested.",
    "payout.failed.",
    "payout.returned.",
    "fee.",
    "drawer.",
    "cash.",
    "transfer.",
    "transaction.",
)
"""Beginnings of the types of upstream events whose vouchers only other steps take back; cash, which two persons sign
for when it leaves a drawer, by cash the other way."""
PAID_AT_ONCE: Final = 1 << BITS * STEPS[PayoutPaid].number

_SET_ASIDE: Final = (RefundRequested, ChargebackOpened)
_SET_FREE: Final = (RefundCompleted, RefundFailed, PaymentRefunded, ChargebackWon)
_TAKES_BACK: Final = (SettlementFailed, SettlementFinalityFailed)
MIRRORS: Final = (
    ChargebackWon, *_TAKES_BACK, PayoutPaid, PayoutFailed, PayoutReturned, *transfers.COMPENSATIONS,
)  # fmt: skip
"""Facts that may post the mirror of what their part posted before."""
REFERS: Final = (*MIRRORS, FeeRefunded)
"""Those, and what is compared with what its part posted before."""
_LIFTED: Final = frozenset({Code.ACCOUNT_MISSING, Code.CONTROL_ACCOUNT_MISSING})
MIRRORED: Final = (ChargebackOpened, SettlementConfirmed, PayoutRequested, FeeCharged, *transfers.POSTING)
"""Facts whose vouchers others of their part mirror, or are compared with, beside those of `PayoutPaid`."""


def key_of(case: Case) -> PartKey:
    """The part that the case's fact is a step of."""
    assert case.fact is not None
    name = name_of(case.fact)
    assert name is not None
    return (*case.subject_key, *name)


def _part(case: Case, locked: Locked) -> Part:
    return locked.parts.get(key_of(case)) or Part()


def of_payment(case: Case, locked: Locked) -> Part:
    """What the parts of the case's payment have taken of it."""
    return locked.parts.get((*case.subject_key, *OF_PAYMENT)) or Part()


def refuse(case: Case, locked: Locked) -> Refusal | None:
    """By the payment, the table of steps, and the amounts that went before; in the order of `Code`."""
    fact, part = case.fact, _part(case, locked)
    assert fact is not None
    kind = STEPS[type(fact)].kind
    subject = locked.subjects.get(case.subject_key) or Subject()
    refusal = None
    if kind in PAYMENT_PARTS:
        refusal = exchange_life.refuse_step(case, locked) or _refuse_payment(case, subject, part)
    refusal = refusal or agreements.refuse_currency(case, part)
    refusal = refusal or _refuse_reversed(case, locked) or refuse_step(fact, part)
    refusal = refusal or agreements.refuse(case, part, locked) or _refuse_amount(case, part, subject, locked)
    if refusal is not None:
        return refusal
    followed = legs.followed(case, locked)
    draft = followed.proposal.draft if isinstance(followed, legs.Followed) else case.draft
    refusal = counterparts.refuse(case, locked, draft)
    if isinstance(followed, Refusal):
        return first_of(refusal, followed)
    if refusal is not None:
        return refusal
    if isinstance(fact, PayoutRequested | PayoutPaid) and not part.told:
        return refuse_payout(fact.account, case, locked)
    if not locked.policies or _is_direct(case, locked):
        return None  # in direct custody no beneficiary's balance bears anything
    if followed is None and case.refusal is not None:
        return None  # nothing is known of what it would post
    own = followed.proposal if followed else Proposal(case.draft, case.movements)
    moved = exchange_life.propose_step(case, locked, own.draft, own.movements) or own
    return payment_rules.refuse_refund(case, moved.movements, locked)


def lifts(case: Case, locked: Locked) -> bool:
    """What was refused for want of an account holds no longer where only those who never get an entry have none, or
    where the legs of the payment say who bears it."""
    if case.refusal is None or case.refusal.code not in _LIFTED:
        return False
    return (_is_direct(case, locked) and custody.spares(case)) or legs.followed(case, locked) is not None


def _refuse_reversed(case: Case, locked: Locked) -> Refusal | None:
    if any(original.reversed for original in posted_before(case, locked)):
        return Refusal(Code.ALREADY_REVERSED, "what it would take back was reversed by request")
    return None


def refuse_reversal(original: Original, case: Case, locked: Locked) -> Refusal | None:
    """What a step posted goes back by another step, not by request: else it might go back twice. A capture of which
    refunds, disputes or settlements have taken something stays."""
    if original.event_type.startswith("payment.captured."):
        subject, taken = locked.subjects[case.subject_key], of_payment(case, locked)
        left_minor = subject.captured_minor - original.amount_minor
        if left_minor < subject.refunded_minor + taken.amount_minor:
            return Refusal(Code.VOID_AFTER_REFUND, "part of the payment is being refunded or disputed")
        if left_minor < taken.used_minor:
            return Refusal(Code.VOID_WINDOW_PASSED, "the payment was settled: refund it instead")
        if refusal := payment_rules.refuse_void(case, [original.effective_at_us], locked):
            return refusal
        if refusal := legs.refuse_restoring(original, case, locked) or counterparts.refuse_reversal(
            original, case, locked
        ):
            return refusal
    if original.event_type.startswith(BY_STEPS):
        return Refusal(Code.STEP_NOT_VOIDABLE, "a later step of the same kind takes it back")
    drawers = locked.cash_policies.get(case.subject_key[0], NO_DRAWERS)
    if any(movement.line.side == "D" and drawers.is_drawer(movement.line.account) for movement in original.movements):
        return Refusal(Code.STEP_NOT_VOIDABLE, "it brought cash to a drawer: a voucher that two sign takes it out")
    for (*key, _, _), part in locked.parts.items():
        steps = key == [*case.subject_key] and original.reference in part.vouchers and part.told != PAID_AT_ONCE
        if steps and original.event_type.startswith("payout."):
            return Refusal(Code.STEP_NOT_VOIDABLE, "the payout was made in steps")
    return None


def _refuse_payment(case: Case, subject: Subject, part: Part) -> Refusal | None:
    if case.asset_id and subject.asset_id not in (0, case.asset_id):
        return Refusal(Code.CURRENCY_MISMATCH, "the payment was made in another currency")
    if subject.voided:
        return Refusal(Code.PAYMENT_VOIDED, "the payment was voided before")
    if subject.marks & FAILED:
        return Refusal(Code.PAYMENT_FAILED, "the payment failed before")
    if subject.marks & IN_DIRECT_CUSTODY and getattr(case.fact, "payer", None) is not None:
        return Refusal(Code.CUSTODY_DIFFERS, "payer: nothing of the payment is in a wallet")
    if not subject.captured_minor and not part.told:  # whatever else it needs must itself come after a capture
        if subject.marks & EXPIRED:  # and that is refused from now on
            return Refusal(Code.AUTHORIZATION_EXPIRED, "the authorisation expired before anything was captured")
        return Refusal(Code.PREDECESSOR_ABSENT, "nothing was captured", subjects.CAPTURED)
    return None


def _refuse_amount(case: Case, part: Part, subject: Subject, locked: Locked) -> Refusal | None:
    fact, taken = case.fact, of_payment(case, locked)
    left_minor = subject.captured_minor - subject.refunded_minor - taken.amount_minor
    if isinstance(fact, PaymentRefunded) and state_of(PartKind.REFUND, part) is not State.NONE:
        return None  # it was set aside when it was asked for
    if isinstance(fact, RefundRequested | PaymentRefunded) and fact.amount_minor > left_minor:
        return Refusal(Code.REFUND_EXCEEDS_CAPTURED, f"{fact.amount_minor} is more than the {left_minor} that is left")
    if isinstance(fact, ChargebackOpened) and fact.amount_minor > left_minor:
        return Refusal(
            Code.CHARGEBACK_EXCEEDS_CAPTURED, f"{fact.amount_minor} is more than the {left_minor} that is left"
        )
    if isinstance(fact, SettlementConfirmed) and fact.amount_minor > counterparts.unsettled_minor(
        case, locked, of_payment(case, locked)
    ):
        detail = "more than what the processor captured and has not settled"
        return Refusal(Code.SETTLEMENT_EXCEEDS_CAPTURED, detail)
    return None


def refuse_void(case: Case, locked: Locked) -> Refusal | None:
    """A payment of which others have taken something can't be voided any more."""
    taken = of_payment(case, locked)
    if taken.amount_minor:
        return Refusal(Code.VOID_AFTER_REFUND, "part of the payment is being refunded or disputed")
    if taken.used_minor:
        return Refusal(Code.VOID_WINDOW_PASSED, "the payment was settled: refund it instead")
    return None


# What it posts ------------------------------------------------------------------------------------


def propose(case: Case, locked: Locked) -> Proposal:
    """As its rule says, or as the legs of its payment do, or its ratio across currencies; but where money that was on
    its way arrives, or goes back as it came."""
    fact, draft, movements = case.fact, case.draft, case.movements
    followed = legs.followed(case, locked)
    if isinstance(followed, legs.Followed):
        draft, movements = followed.proposal.draft, followed.proposal.movements
    if (across := exchange_life.propose_step(case, locked, draft, movements)) is not None:
        return across
    posted = posted_before(case, locked)
    kind = STEPS[type(fact)].kind.value
    if draft is not None and _is_direct(case, locked) and not (posted and isinstance(fact, _TAKES_BACK)):
        settled_minor = _settled_minor(case, locked)
        movements = custody.ours(case, movements, settled_minor)
        if settled_minor:
            draft = replace(draft, details={**(draft.details or {}), legs.COMMISSION: str(settled_minor)})
        shares = followed.shares if isinstance(followed, legs.Followed) else ()
        return Proposal(custody.draft_of(draft, movements, kind, shares), movements)
    if draft is None or not posted:
        return Proposal(draft, () if draft is not None and draft.recorded else movements)
    return _mirrored(case, locked, draft, posted)


def _mirrored(case: Case, locked: Locked, draft: Draft, posted: list[Original]) -> Proposal:
    """What takes back what the part posted, with what its rule adds to that."""
    fact, added = case.fact, case.movements[:0]
    restored = legs.leg_details(posted[0]) if isinstance(fact, ChargebackWon) else {}
    if isinstance(fact, PayoutPaid):
        posted, added = [replace(posted[0], movements=posted[0].movements[1:])], case.movements[1:]
    elif isinstance(fact, ChargebackWon):
        posted, added = [_without_fees(posted[0])], case.movements
    elif isinstance(fact, _TAKES_BACK) and (brought_minor := legs.brought_minor(case, locked, fact.settlement_id)):
        restored = {legs.COMMISSION: str(brought_minor)}
    movements = [*mirror_of(posted), *added]
    lines, amount_minor = [movement.line for movement in movements], _part(case, locked).amount_minor
    details = {**(draft.details or {}), **restored, **mirrored(posted)}
    kind = draft.kind or STEPS[type(fact)].kind.value
    posts = replace(draft, kind=kind, lines=lines, details=details, recorded=False, amount_minor=amount_minor)
    if isinstance(fact, ChargebackWon):
        posts = exchange_life.say_mirrored(posts, posted, case, locked)
    return Proposal(posts, movements)


def _settled_minor(case: Case, locked: Locked) -> int:
    """What of this settlement in direct custody is the platform's."""
    if isinstance(case.fact, SettlementConfirmed):
        return legs.settled_minor(case, locked, counterparts.unsettled_minor(case, locked, of_payment(case, locked)))
    if isinstance(case.fact, SettlementFinalityConfirmed):
        return legs.brought_minor(case, locked, case.fact.settlement_id)
    return 0


def _is_direct(case: Case, locked: Locked) -> bool:
    """A step of a payment whose money went straight to its beneficiaries."""
    subject = locked.subjects.get(case.subject_key)
    return subject is not None and bool(subject.marks & IN_DIRECT_CUSTODY)


def posted_before(case: Case, locked: Locked) -> list[Original]:
    """What the part of this case posted before, where that matters."""
    if not isinstance(case.fact, MIRRORS):
        return []
    book_id, _ = case.subject_key
    return [locked.vouchers.by_reference[book_id, reference] for reference in _part(case, locked).vouchers]


def _without_fees(opened: Original) -> Original:
    """What was reserved: what the processor charged stands at the end, and stays."""
    reserved = [movement for movement in opened.movements if movement.line.purpose != Purpose.FEE]
    return replace(opened, movements=reserved)


# What it leaves behind ----------------------------------------------------------------------------


def accept(case: Case, locked: Locked) -> None:
    """Counts the step, and what it takes of its payment and of its legs, or gives back."""
    fact, key = case.fact, key_of(case)
    assert fact is not None
    posts = _posts(case, locked)
    part = locked.parts.setdefault(key, Part())
    state = state_of(STEPS[type(fact)].kind, part)
    if STEPS[type(fact)].kind in PAYMENT_PARTS:
        _accept_of_legs(case, locked)
        _accept_of_payment(case, locked, part, state)
        exchange_life.accept_step(case, locked)
        for opened in posted_before(case, locked) if isinstance(fact, ChargebackWon) else ():
            exchange_life.accept_mirrored(case, locked, opened)
    begin(case, part, posts=posts)
    if isinstance(fact, FeeRefunded):
        part.used_minor += fact.amount_minor


def _posts(case: Case, locked: Locked) -> bool:
    """Whether it posts something of its own, not only the mirror of what its part posted before."""
    if case.draft is not None and case.draft.recorded:
        return False
    if isinstance(case.fact, PayoutPaid):  # also where it mirrors what was requested
        return bool(case.movements)
    return bool(propose(case, locked).movements)


def _accept_of_legs(case: Case, locked: Locked) -> None:
    fact = case.fact
    followed = legs.followed(case, locked)
    if isinstance(followed, legs.Followed):
        legs.give_back(case, locked, followed.shares)
    elif isinstance(fact, ChargebackWon):
        for original in posted_before(case, locked):
            legs.restore(original, PartKind.LEG_BACK, case, locked)
    elif isinstance(fact, SettlementConfirmed) and _is_direct(case, locked):
        if settled_minor := _settled_minor(case, locked):
            legs.commission_part(case, locked, fact.settlement_id).amount_minor += settled_minor
    elif isinstance(fact, _TAKES_BACK) and (brought_minor := legs.brought_minor(case, locked, fact.settlement_id)):
        legs.commission_part(case, locked, fact.settlement_id).used_minor += brought_minor


def begin(case: Case, part: Part, *, posts: bool) -> None:
    """What a step writes into its own part, whatever else is known."""
    fact = case.fact
    assert fact is not None
    tell(fact, part)
    if isinstance(fact, RefundRequested | PaymentRefunded | ChargebackOpened | SettlementConfirmed | FeeCharged) or (
        isinstance(fact, PayoutRequested | PayoutPaid) and not part.amount_minor
    ):
        part.amount_minor, part.asset_id = fact.amount_minor, case.asset_id
    if isinstance(fact, SettlementConfirmed):
        part.used_minor = fact.amount_minor - fact.fee_minor
    if posts:
        part.vouchers.append(case.reference)


def _accept_of_payment(case: Case, locked: Locked, part: Part, state: State) -> None:
    fact, subject = case.fact, locked.subjects[case.subject_key]
    if isinstance(fact, RefundCompleted | PaymentRefunded):
        subject.refunded_minor += fact.amount_minor
    reserves = isinstance(fact, _SET_ASIDE)
    frees = isinstance(fact, _SET_FREE) and state is not State.NONE
    settles = isinstance(fact, SettlementConfirmed)
    takes_back = isinstance(fact, _TAKES_BACK) and state is State.CONFIRMED
    if not (reserves or frees or settles or takes_back):
        return
    subject.marks |= PARTS
    taken = locked.parts.setdefault((*case.subject_key, *OF_PAYMENT), Part())
    if isinstance(fact, _SET_ASIDE):
        taken.amount_minor += fact.amount_minor
    elif frees:
        taken.amount_minor -= part.amount_minor
    elif isinstance(fact, SettlementConfirmed):
        taken.used_minor += fact.amount_minor
    else:
        taken.used_minor -= part.amount_minor


def foretell(case: Case, parts: dict[PartKey, Part]) -> bool:
    """Adds the part that a first step makes of an order key that nobody knows. False where there was one before, or
    where what it posts is known under lock alone."""
    key = key_of(case)
    if key in parts or (isinstance(case.fact, PaymentRefunded) and case.fact.credited_currency):
        return False
    posts = bool(case.movements) and not (case.draft is not None and case.draft.recorded)
    begin(case, parts.setdefault(key, Part()), posts=posts)
    return True
