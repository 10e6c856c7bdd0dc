"""Fees: what the platform takes from an account for a service, and gives back.

| | charged | refunded |
|---|---|---|
| the account that pays | debit | credit |
| platform fees | credit | debit |
"""

from typing import Final

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.stories import FeeCharged, FeeRefunded, said
from ledger_core.domain.vouchers import Draft, Purpose, Side
from ledger_core.rules.accounts import same_account_on_both_sides
from ledger_core.rules.lines import control, lines_of

_FEES: Final = control(Role.PLATFORM_FEES)


def charged(fact: FeeCharged, chart: Chart) -> Draft | Refusal:
    return _between(fact, "D", "C", chart)


def refunded(fact: FeeRefunded, chart: Chart) -> Draft | Refusal:
    """Whole or in part."""
    return _between(fact, "C", "D", chart)


def _between(fact: FeeCharged | FeeRefunded, payer: Side, platform: Side, chart: Chart) -> Draft | Refusal:
    amount_minor = fact.amount_minor
    lines = lines_of(
        [(fact.account, payer, amount_minor, Purpose.FEE), (_FEES, platform, amount_minor, Purpose.FEE)],
        fact.currency,
        chart,
    )
    if isinstance(lines, Refusal):
        return lines
    return same_account_on_both_sides(lines) or Draft("fee", "", lines, said(fact))
