"""Who holds the money of a split payment: the platform, or each beneficiary from the start.

In escrow the processor owes the platform the whole amount, and the platform owes the beneficiaries their shares. In
direct custody the processor pays each beneficiary itself: of the payment only the commission is the platform's, and
nothing else of it ever stands in its books. Which of the two holds is said with the capture and kept on the payment's
subject; what follows is posted by it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ledger_core.domain.cases import Case, Movement
from ledger_core.domain.chart_reading import CONTROL_PREFIX
from ledger_core.domain.payments import Beneficiary, PaymentRefunded, commission_of
from ledger_core.domain.stories import (
    ChargebackLost,
    ChargebackOpened,
    ChargebackWon,
    RefundCompleted,
    SettlementConfirmed,
    SettlementFinalityConfirmed,
)
from ledger_core.domain.vouchers import Draft, Purpose

COMMISSIONS: Final = "commissions"
"""What a voucher says of whose the commissions in it are, where its lines do not tell."""
FOLLOWS: Final = (PaymentRefunded, RefundCompleted, ChargebackOpened)
"""Facts that name beneficiaries of a payment that was captured before."""


def spares(case: Case) -> bool:
    """True when all accounts that this step names and that there are not are beneficiaries' of its payment."""
    if not isinstance(case.fact, FOLLOWS) or case.draft is None:
        return False
    found = {movement.line.account for movement in case.movements}
    return all(line.account in found or line.purpose == Purpose.SELLER_SHARE for line in case.draft.lines)


def ours(case: Case, movements: Sequence[Movement], settled_minor: int) -> Sequence[Movement]:
    """What is the platform's own of a step that follows a payment in direct custody: of a refund the commission that is
    given back, of a dispute what the processor charges for it; of a settlement, of which most goes to others, the
    commission that it brings."""
    if isinstance(case.fact, PaymentRefunded | RefundCompleted):
        commission = [one for one in movements if one.line.purpose == Purpose.PLATFORM_FEE]
        if not commission:
            return ()
        return [_of(movements[0], commission[0].line.amount_minor), *commission]
    if isinstance(case.fact, ChargebackOpened | ChargebackWon | ChargebackLost):
        return [one for one in movements if one.line.purpose == Purpose.FEE]
    if isinstance(case.fact, SettlementConfirmed | SettlementFinalityConfirmed) and settled_minor and movements:
        return [_of(movements[0], settled_minor), _of(movements[-1], settled_minor)]
    return ()


def _of(movement: Movement, amount_minor: int) -> Movement:
    return movement._replace(line=movement.line._replace(amount_minor=amount_minor))


def draft_of(draft: Draft, movements: Sequence[Movement], kind: str, shares: Sequence[Beneficiary] = ()) -> Draft:
    """The draft with these movements' lines instead of its own, and whose the commissions in them are: no line is a
    beneficiary's, so the voucher names even a single one."""
    lines = [movement.line for movement in movements]
    details = {name: said for name, said in (draft.details or {}).items() if name != COMMISSIONS}
    fee_minor = sum(line.amount_minor for line in lines if line.purpose == Purpose.PLATFORM_FEE)
    if fee_minor:
        details |= commissions_of(shares)
    return replace(draft, kind=draft.kind or kind, lines=lines, details=details, recorded=not lines)


def commissions_of(beneficiaries: Sequence[Beneficiary]) -> dict[str, object]:
    """Commission by beneficiary, control accounts aside, as a voucher says it."""
    sums: dict[str, int] = {}
    for share in beneficiaries:
        fee_minor = commission_of(share)
        if fee_minor and not share.account.startswith(CONTROL_PREFIX):
            sums[share.account] = sums.get(share.account, 0) + fee_minor
    return {COMMISSIONS: {account: str(fee_minor) for account, fee_minor in sums.items()}} if sums else {}
