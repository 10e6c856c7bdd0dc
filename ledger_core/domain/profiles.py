"""Settlement profiles under lock: whoever is to be paid out in a book that requires them has one that is verified."""

from collections.abc import Iterable

from ledger_core.domain.cases import Case, Locked
from ledger_core.domain.chart_reading import CONTROL_PREFIX
from ledger_core.domain.notices import PROFILE_WAITED_FOR, UNTOLD, VERIFIED, profile_of
from ledger_core.domain.outcomes import Code, Refusal


def refuse_unready(accounts: Iterable[str], case: Case, locked: Locked) -> Refusal | None:
    """The first account, in the order of the event, that lacks one; a control account is nobody's to be paid out."""
    for account in accounts:
        if account.startswith(CONTROL_PREFIX):
            continue
        notice = locked.notices.get((case.subject_key[0], *profile_of(account)), UNTOLD)
        if notice.said.get("status") != VERIFIED:
            detail = f"{account} has no verified settlement profile"
            return Refusal(Code.SELLER_PAYOUT_PROFILE_MISSING, detail, f"{PROFILE_WAITED_FOR}{account}")
    return None


def refuse_payout(account: str, case: Case, locked: Locked) -> Refusal | None:
    """Asked of its first step: what was requested once has left the account, and may be told to be paid."""
    return refuse_unready([account], case, locked) if case.subject_key[0] in locked.requiring_profiles else None
