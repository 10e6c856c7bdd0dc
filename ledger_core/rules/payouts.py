"""Payouts: a seller's money leaves through the bank."""

from typing import Final

from ledger_core.domain.charts import CONTROL_PREFIX, Chart, Role
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.payments import PayoutPaid
from ledger_core.domain.vouchers import Line, Purpose, Side
from ledger_core.rules.accounts import control_missing, same_account_on_both_sides

_CASH: Final = CONTROL_PREFIX + Role.CASH.value
_PAYOUT_PURPOSE: Final = Purpose.PAYOUT.value


def paid(fact: PayoutPaid, chart: Chart) -> list[Line] | Refusal:
    """Debit the seller, credit the bank."""
    lines: list[Line] = []
    sides: tuple[tuple[str, Side], ...] = ((fact.account, "D"), (_CASH, "C"))
    for name, side in sides:
        account = chart.resolve(name, fact.currency)
        if account is None:
            return control_missing(name, fact.currency)
        lines.append(Line(account, side, fact.amount_minor, fact.currency, _PAYOUT_PURPOSE))
    return same_account_on_both_sides(lines) or lines
