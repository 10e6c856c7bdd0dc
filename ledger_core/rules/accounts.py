"""What all rules ask of the accounts that they name."""

from collections.abc import Sequence

from ledger_core.domain.charts import CONTROL_PREFIX
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Line


def control_missing(name: str, currency: str) -> Refusal:
    """The refusal when the chart has no control account of this role, with or without its prefix."""
    role = name.removeprefix(CONTROL_PREFIX)
    return Refusal(
        Code.CONTROL_ACCOUNT_MISSING,
        "the chart of the book has no account of a role that this voucher needs",
        f"{CONTROL_PREFIX}{role}:{currency}",
    )


def same_account_on_both_sides(lines: Sequence[Line]) -> Refusal | None:
    """A voucher that moves money from an account to itself hides what it means."""
    if len({line[0] for line in lines}) == len(lines):
        return None
    side_of: dict[str, str] = {}
    for line in lines:
        if side_of.setdefault(line.account, line.side) != line.side:
            return Refusal(Code.SAME_ACCOUNT_BOTH_SIDES, "the voucher would debit and credit one account")
    return None
