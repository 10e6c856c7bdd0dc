"""Payments across currencies under lock: one pair of currencies a payment, and what goes back at its own ratio.

`locked.exchanges` holds the payments of this batch that were captured so before; none is there of any other.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ledger_core.domain.cases import Case, Locked, Movement, Proposal
from ledger_core.domain.exchanges import Exchanged, exchange_of
from ledger_core.domain.originals import Original
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import ExchangedCaptured, PaymentCaptured, PaymentRefunded, SplitCaptured
from ledger_core.domain.stories import ChargebackOpened, RefundCompleted
from ledger_core.domain.subjects import EXCHANGED, Subject
from ledger_core.domain.vouchers import Draft, Line, Purpose

GIVE_BACK: Final = (PaymentRefunded, RefundCompleted, ChargebackOpened)
"""Facts by which something of a payment goes back, and which say in which currency it was credited."""
SAID: Final = "exchanged"
"""What the voucher says of the other amount."""
_OTHERWISE: Final = "the payment was credited in another currency, or in none but its own"


def refuse_capture(case: Case, locked: Locked) -> Refusal | None:
    """All captures of a payment are credited in one currency."""
    exchange, kept = exchange_of(case.fact), locked.exchanges.get(case.subject_key)
    wanted = exchange.currency if exchange else ""
    before = locked.subjects.get(case.subject_key) or Subject()
    if (kept is not None or before.captures) and wanted != (kept.currency if kept else ""):
        return Refusal(Code.CURRENCY_MISMATCH, f"exchange: another part of {_OTHERWISE}")
    return None


def refuse_step(case: Case, locked: Locked) -> Refusal | None:
    """What goes back of a payment says the currency in which it was credited."""
    if not isinstance(case.fact, GIVE_BACK):
        return None
    kept = locked.exchanges.get(case.subject_key)
    before = locked.subjects.get(case.subject_key) or Subject()
    if before.captured_minor and case.fact.credited_currency != (kept.currency if kept else ""):
        return Refusal(Code.CURRENCY_MISMATCH, f"exchange.currency: {_OTHERWISE}")
    return None


def refuse_reversal(original: Original, case: Case, locked: Locked) -> Refusal | None:
    """A capture stays once something of its payment went back, at a ratio that it was part of."""
    kept = locked.exchanges.get(case.subject_key)
    if kept is None or not kept.paid_back_minor or not original.event_type.startswith("payment.captured."):
        return None
    return Refusal(Code.VOID_AFTER_REFUND, "part of the payment went back, at the ratio of all its captures")


def refuse_sums(case: Case, locked: Locked) -> Refusal | None:
    exchange, kept = exchange_of(case.fact), locked.exchanges.get(case.subject_key)
    if exchange is None or kept is None or not isinstance(case.fact, PaymentCaptured):
        return None
    if kept.overflows(case.fact.amount_minor, exchange.amount_minor):
        return Refusal(Code.OVERFLOW, "the payment's sum would pass 2^63 - 1")
    return None


# What it posts ------------------------------------------------------------------------------------


def say_stale(case: Case, proposal: Proposal) -> Proposal:
    """A capture whose quote was too old says so."""
    fact = case.fact.told if isinstance(case.fact, SplitCaptured) else case.fact
    if not isinstance(fact, ExchangedCaptured) or fact.stale is None or proposal.draft is None:
        return proposal
    details = {**(proposal.draft.details or {}), "stale_quote": fact.stale._asdict()}
    return proposal._replace(draft=replace(proposal.draft, details=details))


def back_minor(case: Case, locked: Locked) -> int:
    """What goes back to, or comes from, the beneficiaries in their currency, by a refund or dispute."""
    assert isinstance(case.fact, GIVE_BACK)
    kept = locked.exchanges.get(case.subject_key)
    return case.fact.amount_minor if kept is None else kept.share_minor(case.fact.amount_minor)


def propose_step(case: Case, locked: Locked, draft: Draft | None, movements: Sequence[Movement]) -> Proposal | None:
    """What goes back of a payment across currencies, of what its rule, or its legs, propose; None of any other payment.
    See `rules.exchanges` for the order of the lines."""
    kept = locked.exchanges.get(case.subject_key)
    if kept is None or not isinstance(case.fact, GIVE_BACK) or draft is None:
        return None
    share_minor = back_minor(case, locked)
    movements = _at_share(movements, share_minor)
    return Proposal(told(replace(draft, lines=[one.line for one in movements]), kept, share_minor), movements)


def asset_of(case: Case, locked: Locked) -> int:
    """The asset that the parts of a payment's beneficiaries are counted in."""
    kept = locked.exchanges.get(case.subject_key)
    if kept is None:
        return case.asset_id
    assets = (movement.asset_id for movement in case.movements if movement.line.currency == kept.currency)
    return next(assets, case.asset_id)


def _at_share(movements: Sequence[Movement], share_minor: int) -> list[Movement]:
    """The lines that stood open at their amounts: the second one of trading, and the suspense for what the parts leave
    of it. A line of nothing is left out."""
    parts_minor = movements[2].line.amount_minor if movements[2].line.purpose == Purpose.EXCHANGE else 0
    rest_minor = share_minor - parts_minor
    made = []
    for place, movement in enumerate(movements):
        line = movement.line
        if line.purpose == Purpose.SUSPENSE:
            line = line._replace(amount_minor=abs(rest_minor), side="D" if rest_minor > 0 else "C")
        elif place == 2:
            line = line._replace(amount_minor=share_minor)
        if line.amount_minor:
            made.append(movement._replace(line=line))
    return made


def told(draft: Draft, kept: Exchanged, credited_minor: int) -> Draft:
    """The draft with what it moves in the beneficiaries' currency."""
    said = {SAID: {"amount_minor": str(credited_minor), "currency": kept.currency}}
    return replace(draft, details={**(draft.details or {}), **said})


def say_mirrored(draft: Draft, originals: Sequence[Original], case: Case, locked: Locked) -> Draft:
    """The draft of a mirror, with what it takes back in the beneficiaries' currency."""
    kept = locked.exchanges.get(case.subject_key)
    return draft if kept is None else told(draft, kept, credited_of(originals, kept))


def credited_of(originals: Sequence[Original], kept: Exchanged) -> int:
    """What these vouchers moved through the trading account of the beneficiaries' currency."""
    lines: list[Line] = [movement.line for original in originals for movement in original.movements]
    return sum(
        line.amount_minor for line in lines if line.purpose == Purpose.EXCHANGE and line.currency == kept.currency
    )


# What it leaves behind ----------------------------------------------------------------------------


def accept_capture(case: Case, locked: Locked) -> None:
    exchange = exchange_of(case.fact)
    if exchange is None:
        return
    assert isinstance(case.fact, PaymentCaptured)
    kept = locked.exchanges.setdefault(case.subject_key, Exchanged(exchange.currency))
    kept.paid_minor += case.fact.amount_minor
    kept.credited_minor += exchange.amount_minor
    locked.subjects[case.subject_key].marks |= EXCHANGED


def accept_step(case: Case, locked: Locked) -> None:
    kept = locked.exchanges.get(case.subject_key)
    if kept is not None and isinstance(case.fact, GIVE_BACK):
        share_minor = kept.share_minor(case.fact.amount_minor)
        kept.paid_back_minor += case.fact.amount_minor
        kept.credited_back_minor += share_minor


def accept_mirrored(case: Case, locked: Locked, original: Original) -> None:
    """Something that had gone back came again; or a capture was taken back by request."""
    kept = locked.exchanges.get(case.subject_key)
    if kept is None:
        return
    credited_minor = credited_of([original], kept)
    if original.event_type.startswith("payment.captured."):
        kept.paid_minor -= original.amount_minor
        kept.credited_minor -= credited_minor
    else:
        kept.paid_back_minor -= original.amount_minor
        kept.credited_back_minor -= credited_minor
