"""Where the money of a payment came from: what goes back goes back there, and no more than came from there.

A refund credits the account that a capture of its payment debited: the clearing of the processor, the wallet that paid,
or cash on delivery. A dispute is the processor's: it takes what the processor captured and has not given back. Of a
payment that was captured from one account alone its own sums say how much is left; of one captured from several, what
went back to each is read from the vouchers of its refunds.
"""

from dataclasses import dataclass

from ledger_core.domain.cases import Case, Locked
from ledger_core.domain.custody import FOLLOWS
from ledger_core.domain.originals import Original
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.parts import Part, PartKind, State, state_of
from ledger_core.domain.payments import PaymentRefunded
from ledger_core.domain.stories import ChargebackOpened, RefundCompleted
from ledger_core.domain.subjects import IN_DIRECT_CUSTODY
from ledger_core.domain.vouchers import Draft


@dataclass(slots=True, frozen=True)
class _Counterpart:
    """An account on the payer's side of a payment's vouchers."""

    account: str
    is_clearing: bool

    def moved_minor(self, original: Original) -> int:
        """What a capture took from it, or a refund gave back to it. Of the processor's clearing also what went through
        an account that was that before the chart gave the role to this one."""
        head, _, _, line = original.movements[0]
        its_own = line.account == self.account or (self.is_clearing and head in original.clearing)
        return line.amount_minor if its_own else 0


def refuse(case: Case, locked: Locked, draft: Draft | None) -> Refusal | None:
    """Of a refund, by what it would post, or of a dispute."""
    fact = case.fact
    if not isinstance(fact, FOLLOWS) or case.subject_key not in locked.subjects:
        return None
    counterpart = _counterpart(_account_of(fact, draft), fact.currency, case, locked)
    if not counterpart.account:  # the chart has none, so that nothing posts
        return None
    left_minor = _left_minor(counterpart, case, locked)
    if left_minor is None or fact.amount_minor <= left_minor:
        return None
    disputed = isinstance(fact, ChargebackOpened)
    code = Code.CHARGEBACK_EXCEEDS_CAPTURED if disputed else Code.REFUND_EXCEEDS_CAPTURED
    detail = (
        f"{fact.amount_minor} is more than the {max(left_minor, 0)} that is left of what {counterpart.account} paid"
    )
    return Refusal(code, detail)


def refuse_reversal(original: Original, case: Case, locked: Locked) -> Refusal | None:
    """A capture stays once more than came from its account without it went back there."""
    line = original.movements[0].line
    left_minor = _left_minor(_counterpart(line.account, line.currency, case, locked), case, locked)
    if left_minor is None or original.amount_minor <= left_minor:
        return None
    return Refusal(Code.VOID_AFTER_REFUND, f"part of what {line.account} paid was refunded or disputed")


def captures_of(case: Case, locked: Locked) -> list[Original]:
    """The vouchers of the captures of the case's payment that were not taken back."""
    known, book_id = locked.vouchers.by_reference, case.subject_key[0]
    references = locked.subjects[case.subject_key].captures
    return [known[book_id, reference] for reference in references if (book_id, reference) in known]


def unsettled_minor(case: Case, locked: Locked, taken: Part) -> int:
    """What of the payment is with the processor and not settled: of captures in escrow what they debited the account
    that settlements credit, or one that was its clearing before the chart gave the role to that; what a wallet paid,
    or whoever delivered collected, never was there. `taken` is what its parts have taken of it."""
    subject = locked.subjects[case.subject_key]
    if subject.marks & IN_DIRECT_CUSTODY or not case.movements:
        return subject.captured_minor - taken.used_minor
    clearing = _Counterpart(case.movements[-1].line.account, is_clearing=True)
    return sum(clearing.moved_minor(capture) for capture in captures_of(case, locked)) - taken.used_minor


def _account_of(fact: PaymentRefunded | RefundCompleted | ChargebackOpened, draft: Draft | None) -> str:
    """`''`: the clearing of the processor. Of what can't be posted as it is, as the event names it."""
    if isinstance(fact, ChargebackOpened):
        return ""
    return draft.lines[0].account if draft is not None else fact.payer or ""


def _counterpart(account: str, currency: str, case: Case, locked: Locked) -> _Counterpart:
    clearing = locked.vouchers.clearing.get((case.subject_key[0], currency), "")
    return _Counterpart(account or clearing, account in ("", clearing))


def _left_minor(counterpart: _Counterpart, case: Case, locked: Locked) -> int | None:
    """What came from there and did not go back. None where the payment's own sums say that: nobody else paid, or in
    direct custody nothing went through the platform's accounts."""
    subject = locked.subjects[case.subject_key]
    came_minor = sum(counterpart.moved_minor(capture) for capture in captures_of(case, locked))
    if came_minor == subject.captured_minor or subject.marks & IN_DIRECT_CUSTODY:
        return None
    return came_minor - _went_back_minor(counterpart, case, locked)


def _went_back_minor(counterpart: _Counterpart, case: Case, locked: Locked) -> int:
    return sum(
        _of_part_minor(counterpart, part, kind, book_id, locked)
        for (book_id, order_key, kind, _), part in locked.parts.items()
        if (book_id, order_key) == case.subject_key
    )


def _of_part_minor(counterpart: _Counterpart, part: Part, kind: str, book_id: int, locked: Locked) -> int:
    """What a refund gave back to it, or a dispute that is not won takes of what the processor has."""
    if kind == PartKind.CHARGEBACK and counterpart.is_clearing:
        return part.amount_minor if state_of(PartKind.CHARGEBACK, part) in (State.OPEN, State.LOST) else 0
    if kind != PartKind.REFUND:
        return 0
    known = locked.vouchers.by_reference
    refunds = [known[book_id, reference] for reference in part.vouchers if (book_id, reference) in known]
    return sum(counterpart.moved_minor(refund) for refund in refunds if not refund.reversed)
