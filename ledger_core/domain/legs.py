"""Legs of split payments under lock: what each beneficiary got, what of it the platform took, and what went back since.

What is given back of a payment, by refund or dispute, follows the legs of its captures, whatever rate the chart names
by now. Where the event names no beneficiaries each bears its part of what is left of the legs, by the largest
remainder. Where it names no commission the platform gives back of what it took and still has on that leg as much as
what goes back is of what is left of the leg, rounded down; with the last of a leg goes all that is left. So no leg
gives back more commission than was taken on it, and all of it is given back with all of the leg.

In direct custody a settlement brings the platform its commission, by the same rule: as much of what is left as what
is settled is of what is left to settle.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ledger_core.domain import exchange_life
from ledger_core.domain.cases import Case, Locked, PartKey, Proposal, SubjectKey
from ledger_core.domain.chart_reading import CONTROL_PREFIX
from ledger_core.domain.originals import Original
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.parts import Part, PartKind
from ledger_core.domain.payments import AtBookRate, Beneficiary, ExactShare, PaymentRefunded, commission_of
from ledger_core.domain.splits import split_by_largest_remainder
from ledger_core.domain.stories import ChargebackOpened, RefundCompleted, SettlementConfirmed
from ledger_core.domain.subjects import IN_DIRECT_CUSTODY, SPLIT
from ledger_core.domain.vouchers import Purpose

LEGS: Final = "legs"
"""Member of a voucher of what follows a split payment: by beneficiary what it bears, and the commission on that which
is given back, or which the platform keeps for good."""
COMMISSION: Final = "commission_minor"
"""Member of what a settlement in direct custody says: what of it is the platform's."""

_Follower = PaymentRefunded | RefundCompleted | ChargebackOpened


@dataclass(slots=True)
class Left:
    """What is left of a leg, and of the commission that was taken on it."""

    amount_minor: int = 0
    commission_minor: int = 0


@dataclass(slots=True, frozen=True)
class Followed:
    """What a refund or dispute posts by the legs of its payment. `shares` count of each leg what goes back; of what
    the platform keeps of its commission for good, too."""

    proposal: Proposal
    shares: tuple[ExactShare, ...]


def proportion(left_minor: int, part_minor: int, whole_minor: int) -> int:
    """As much of what is left as the part is of the whole, rounded down; all of it with all of the whole."""
    return left_minor if part_minor >= whole_minor else left_minor * part_minor // whole_minor


def left_of(key: SubjectKey, locked: Locked) -> dict[str, Left]:
    """By beneficiary, in the order of names. Below zero nothing is left."""
    left: dict[str, Left] = {}
    for part_key in sorted(locked.legs.get(key, ())):
        _, _, kind, beneficiary = part_key
        part = locked.parts[part_key]
        if kind == PartKind.LEG:
            left[beneficiary] = Left(part.amount_minor, part.used_minor)
        elif kind == PartKind.LEG_BACK and beneficiary in left:
            left[beneficiary].amount_minor -= part.amount_minor
            left[beneficiary].commission_minor -= part.used_minor
    return left


def _marks(case: Case, locked: Locked) -> int:
    subject = locked.subjects.get(case.subject_key)
    return subject.marks if subject is not None else 0


def followed(case: Case, locked: Locked) -> Followed | Refusal | None:
    """By the legs of the payment, where it has any; None where the case's own proposal stands: also of a dispute in
    direct custody, which takes nothing of what is the platform's."""
    fact, marks = case.fact, _marks(case, locked)
    if not marks & SPLIT or locked.propose is None or not isinstance(fact, _Follower):
        return None
    direct = bool(marks & IN_DIRECT_CUSTODY)
    if direct and isinstance(fact, ChargebackOpened):
        return None
    shares = _shares(fact, exchange_life.back_minor(case, locked), left_of(case.subject_key, locked))
    if isinstance(shares, Refusal):
        return shares
    borne = tuple(replace(share, commission_minor=0) for share in shares) if _keeps_fee(fact) else shares
    proposal = locked.propose(case, replace(fact, beneficiaries=borne))
    if isinstance(proposal, Refusal):
        return proposal
    draft, movements = proposal.draft, proposal.movements
    assert draft is not None
    found = {movement.line.account for movement in movements}
    missing = [line.account for line in draft.lines if line.account not in found]
    if missing and not direct:
        return Refusal(Code.ACCOUNT_MISSING, f"there is no account {missing[0]}", f"account:{missing[0]}")
    draft = replace(draft, details={**(draft.details or {}), LEGS: said(shares)})
    return Followed(Proposal(draft, movements), shares)


def _keeps_fee(fact: _Follower) -> bool:
    return not isinstance(fact, ChargebackOpened) and fact.keeps_fee


def _shares(fact: _Follower, whole_minor: int, left: Mapping[str, Left]) -> tuple[ExactShare, ...] | Refusal:
    """Who bears what of the whole, with the commission on it."""
    named: Iterable[Beneficiary] = fact.beneficiaries or _of_all(whole_minor, left)
    shares = []
    for share in named:
        leg = left.get(share.account) or Left()
        if isinstance(share, AtBookRate):
            leg_minor, taken_minor = max(leg.amount_minor, 0), max(leg.commission_minor, 0)
            commission_minor = min(proportion(taken_minor, share.amount_minor, leg_minor), share.amount_minor)
        else:
            commission_minor = commission_of(share)
            if commission_minor > leg.commission_minor:
                return _too_much(fact, share.account, commission_minor, leg.commission_minor)
        leg.amount_minor -= share.amount_minor
        leg.commission_minor -= commission_minor
        shares.append(ExactShare(share.account, share.amount_minor, commission_minor=commission_minor))
    return tuple(shares)


def refuse_strangers(case: Case, locked: Locked) -> Refusal | None:
    """Where a book asks that refunds are covered: one that names a beneficiary bears no more by it than what is left of
    its leg, and nothing of a payment of which it got nothing. What the platform bears itself is its own."""
    fact = case.fact
    if not isinstance(fact, PaymentRefunded | RefundCompleted) or not _marks(case, locked) & SPLIT:
        return None
    left = left_of(case.subject_key, locked)
    for share in fact.beneficiaries:
        leg = left.setdefault(share.account, Left())
        if share.amount_minor > leg.amount_minor and not share.account.startswith(CONTROL_PREFIX):
            detail = f"{share.amount_minor} is more than the {leg.amount_minor} that is left of {share.account}'s part"
            return Refusal(Code.REFUND_EXCEEDS_CAPTURED, detail)
        leg.amount_minor -= share.amount_minor
    return None


def _too_much(fact: _Follower, beneficiary: str, commission_minor: int, left_minor: int) -> Refusal:
    disputed = isinstance(fact, ChargebackOpened)
    code = Code.CHARGEBACK_EXCEEDS_CAPTURED if disputed else Code.REFUND_EXCEEDS_CAPTURED
    detail = f"{commission_minor} of commission is more than the {left_minor} that is left of {beneficiary}'s"
    return Refusal(code, detail)


def _of_all(amount_minor: int, left: Mapping[str, Left]) -> list[AtBookRate]:
    """Each leg's part of an amount whose beneficiaries nobody named; what no leg knows stays the order's."""
    ratios = {account: leg.amount_minor for account, leg in left.items() if leg.amount_minor > 0}
    if not ratios:
        return []
    parts = split_by_largest_remainder(min(amount_minor, sum(ratios.values())), ratios)
    return [AtBookRate(account, part_minor) for account, part_minor in parts.items() if part_minor]


def said(shares: Iterable[ExactShare]) -> list[dict[str, str]]:
    """Shares as the state of a voucher keeps them."""
    return [
        {
            "beneficiary": share.account,
            "amount_minor": str(share.amount_minor),
            COMMISSION: str(share.commission_minor),
        }
        for share in shares
    ]


def leg_details(original: Original) -> dict[str, object]:
    """What the mirror of a voucher says of its legs."""
    return {LEGS: list(original.legs)} if original.legs else {}


# What it leaves behind ----------------------------------------------------------------------------


def _part(kind: PartKind, name: str, case: Case, locked: Locked) -> Part:
    key: PartKey = (*case.subject_key, kind.value, name)
    locked.legs.setdefault(case.subject_key, set()).add(key)
    return locked.parts.setdefault(key, Part(asset_id=exchange_life.asset_of(case, locked)))


def capture(case: Case, locked: Locked, shares: Iterable[Beneficiary]) -> None:
    """Adds the legs of a capture."""
    locked.subjects[case.subject_key].marks |= SPLIT
    for share in shares:
        part = _part(PartKind.LEG, share.account, case, locked)
        part.amount_minor += share.amount_minor
        part.used_minor += commission_of(share)


def give_back(case: Case, locked: Locked, shares: Iterable[ExactShare]) -> None:
    """Adds what a refund or dispute takes of the legs."""
    kept_minor = 0
    for share in shares:
        part = _part(PartKind.LEG_BACK, share.account, case, locked)
        part.amount_minor += share.amount_minor
        part.used_minor += share.commission_minor
        kept_minor += share.commission_minor
    if kept_minor and isinstance(case.fact, _Follower) and _keeps_fee(case.fact):
        _part(PartKind.KEPT, "", case, locked).amount_minor += kept_minor


def restore(original: Original, kind: PartKind, case: Case, locked: Locked) -> None:
    """Takes out again what a voucher that is mirrored had added."""
    commission_minor = 0
    for leg in original.legs:
        part = _part(kind, leg["beneficiary"], case, locked)
        part.amount_minor -= int(leg["amount_minor"])
        part.used_minor -= int(leg[COMMISSION])
        commission_minor += int(leg[COMMISSION])
    given_back = any(movement.line.purpose == Purpose.PLATFORM_FEE for movement in original.movements)
    if kind is PartKind.LEG_BACK and commission_minor and not given_back:
        _part(PartKind.KEPT, "", case, locked).amount_minor -= commission_minor


def refuse_restoring(original: Original, case: Case, locked: Locked) -> Refusal | None:
    """A capture stays while more than is left without it went back of one of its legs."""
    left = left_of(case.subject_key, locked) if original.legs else {}
    for leg in original.legs:
        of = left.get(leg["beneficiary"]) or Left()
        if of.amount_minor < int(leg["amount_minor"]) or of.commission_minor < int(leg[COMMISSION]):
            detail = f"part of what {leg['beneficiary']} got was refunded or disputed"
            return Refusal(Code.VOID_AFTER_REFUND, detail)
    return None


# Settlements in direct custody --------------------------------------------------------------------


def settled_minor(case: Case, locked: Locked, gross_left_minor: int) -> int:
    """What of a settlement is the platform's: nothing that it gave back meanwhile, or was brought before."""
    assert isinstance(case.fact, SettlementConfirmed)
    left_minor = sum(leg.commission_minor for leg in left_of(case.subject_key, locked).values())
    for key in locked.legs.get(case.subject_key, ()):
        part = locked.parts[key]
        if key[2] == PartKind.COMMISSION:
            left_minor -= part.amount_minor - part.used_minor
        elif key[2] == PartKind.KEPT:
            left_minor += part.amount_minor
    return proportion(max(left_minor, 0), case.fact.amount_minor, gross_left_minor)


def commission_part(case: Case, locked: Locked, settlement_id: str) -> Part:
    """What a settlement brought the platform, to be changed."""
    return _part(PartKind.COMMISSION, settlement_id, case, locked)


def brought_minor(case: Case, locked: Locked, settlement_id: str) -> int:
    """What a settlement brought the platform so far, and did not take back."""
    part = locked.parts.get((*case.subject_key, PartKind.COMMISSION.value, settlement_id)) or Part()
    return part.amount_minor - part.used_minor
