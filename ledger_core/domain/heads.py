"""What a voucher may do to the account heads that it touches, and what it does to them."""

from collections.abc import Sequence

from ledger_core.domain.cases import CLOSED, FROZEN, Case, Head, HeadKey, Locked, Movement, Proposal
from ledger_core.domain.limit_checks import refuse_limits
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.periods import NEVER_US, Late, redirect
from ledger_core.domain.vouchers import Line


def refuse_voucher(proposal: Proposal, case: Case, locked: Locked) -> Refusal | None:
    """Status, currency, limits, period and overflow of every account the voucher touches, before any changes."""
    movements = proposal.movements
    if not movements:
        return None
    return (
        refuse_lines(movements, locked)
        or refuse_limits(proposal, locked)
        or _refuse_time(case, locked)
        or _refuse_counters(movements, locked)
    )


def refuse_lines(movements: Sequence[Movement], locked: Locked) -> Refusal | None:
    """Currency and status of every account; the first code in the order of `Code`, whichever line it is of."""
    worst: Refusal | None = None
    for key, asset_id, _, line in movements:
        refusal = refuse_line(locked.heads[key], asset_id, line)
        if refusal is not None:
            worst = first_of(worst, refusal)
    return worst


def _refuse_time(case: Case, locked: Locked) -> Refusal | None:
    """A closed period takes nothing, save in a book that moves what is late into the open one."""
    if case.subject_key[0] not in locked.redirecting and late(case, locked):
        return Refusal(Code.PERIOD_CLOSED, "the period of this effective time is closed", "period")
    return None


def _refuse_counters(movements: Sequence[Movement], locked: Locked) -> Refusal | None:
    debits: dict[HeadKey, int] = {}
    credits: dict[HeadKey, int] = {}
    for key, _, _, line in movements:
        totals = debits if line.side == "D" else credits
        totals[key] = totals.get(key, 0) + line.amount_minor
    for key, amount in debits.items():
        if locked.heads[key].debits_minor + amount > MAX_COUNTER_MINOR:
            return Refusal(Code.OVERFLOW, "the account's debits would pass 2^63 - 1")
    for key, amount in credits.items():
        if locked.heads[key].credits_minor + amount > MAX_COUNTER_MINOR:
            return Refusal(Code.OVERFLOW, "the account's credits would pass 2^63 - 1")
    return None


def refuse_line(head: Head, asset_id: int, line: Line) -> Refusal | None:
    """Currency and status: what no line may go against, posted or held."""
    if head.asset_id != asset_id:
        return Refusal(Code.ACCOUNT_CURRENCY_MISMATCH, f"{line.account} is not kept in {line.currency}")
    if head.status == CLOSED:
        return Refusal(Code.ACCOUNT_CLOSED, f"{line.account} is closed")
    if head.status == FROZEN:
        return Refusal(Code.ACCOUNT_FROZEN, f"{line.account} is frozen", f"account:{line.account}")
    return None


def late(case: Case, locked: Locked) -> Late | None:
    """Where the case goes when it took effect in a closed period; None when it did not."""
    return redirect(case.effective_at_us, locked.closed_through_us.get(case.subject_key[0], NEVER_US))


def apply(movement: Movement, head: Head) -> None:
    head.posting_sequence += 1
    if movement.line.side == "D":
        head.debits_minor += movement.line.amount_minor
    else:
        head.credits_minor += movement.line.amount_minor
