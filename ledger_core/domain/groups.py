"""Groups: several vouchers of one upstream event, which post together or not at all.

A group is its first case, with the others as its followers. Where one member is refused all are: it by its own
code, the others by GROUP_MEMBER_REFUSED, which names it.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from ledger_core.domain.cases import Case, Head, HeadKey, Locked, Ruling
from ledger_core.domain.heads import apply
from ledger_core.domain.outcomes import Code, Refusal, first_of


def spread(members: Sequence[Case], place: int, refusal: Refusal) -> list[Refusal]:
    """Why each member is refused when the one at `place` (from 0) is."""
    others = Refusal(
        Code.GROUP_MEMBER_REFUSED,
        f"member {place + 1} of {len(members)}: {refusal.code}: {refusal.detail}",
        refusal.waits_for,
        refusal.code,
    )
    return [refusal if number == place else others for number in range(len(members))]


def refuse_in_advance(members: Sequence[Case]) -> None:
    """Writes into all members the refusal, first in the order of `Code`, that their rules have for one of them."""
    worst: Refusal | None = None
    for case in members:
        worst = first_of(worst, case.refusal)
    if worst is not None:
        place = next(number for number, case in enumerate(members) if case.refusal is worst)
        for case, reason in zip(members, spread(members, place, worst), strict=True):
            case.refusal = reason


def refused(case: Case, refusal: Refusal) -> Ruling:
    """The ruling that refuses a case; of a group, all of it: as it was in advance, or as its first member is."""
    if not case.followers:
        return Ruling(case, refusal.outcome, refusal)
    members = (case, *case.followers)
    if refusal is case.refusal:
        return _ruling(members, [member.refusal or refusal for member in members])
    return _ruling(members, spread(members, 0, refusal))


def decide_group(first: Case, locked: Locked, decide: Callable[[Case, Locked], Ruling]) -> Ruling:
    """Members in order, each on what those before it leave behind, or would leave; one that is refused undoes them all.

    Of several it is the one whose code comes first.
    """
    members = (first, *first.followers)
    heads = {movement.head: locked.heads[movement.head] for case in members for movement in case.movements}
    before = {key: replace(head) for key, head in heads.items()}
    crossed = len(locked.crossings)
    rulings: list[Ruling] = []
    worst: Refusal | None = None
    for place, case in enumerate(members):
        case.reference = first.reference + place
        ruling = decide(case, locked)
        rulings.append(ruling)
        if ruling.refusal is not None:
            worst = first_of(worst, ruling.refusal if ruling.refusal.fault is None else None)
            for movement in case.movements:
                apply(movement, heads[movement.head])
    if worst is not None:
        _restore(heads, before)
        del locked.crossings[crossed:]
        place = next(place for place, ruling in enumerate(rulings) if ruling.refusal is worst)
        if first.refusal is not None and worst is members[place].refusal:
            return refused(first, first.refusal)
        return _ruling(members, spread(members, place, worst))
    rulings[0].followers = rulings[1:]
    return rulings[0]


def _ruling(members: Sequence[Case], reasons: Sequence[Refusal]) -> Ruling:
    first, *followers = (Ruling(case, reason.outcome, reason) for case, reason in zip(members, reasons, strict=True))
    first.followers = followers
    return first


def _restore(heads: dict[HeadKey, Head], before: dict[HeadKey, Head]) -> None:
    for key, head in heads.items():
        for field in fields(Head):
            setattr(head, field.name, getattr(before[key], field.name))
