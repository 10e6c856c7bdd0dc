"""Settlements: what the processor owes us arrives in our bank. Executed is not final.

| | confirmed | finality confirmed | failed after it was confirmed, or finality failed |
|---|---|---|---|
| clearing of the processor | credit the amount | | debit it again |
| processor fees | debit the fee | | credit it again |
| settlements in transit | debit the rest | credit the rest | credit the rest |
| cash | | debit the rest | |

Of a payment in direct custody the commission that it brings is moved, and no fee: the legs tell (`domain.legs`).
"""

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.stories import (
    SettlementConfirmed,
    SettlementFailed,
    SettlementFinalityConfirmed,
    SettlementFinalityFailed,
    said,
)
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.lines import Named, control, lines_of


def confirmed(fact: SettlementConfirmed, chart: Chart) -> Draft | Refusal:
    """Out of clearing, on its way to cash."""
    if fact.fee_minor >= fact.amount_minor:
        return Refusal(Code.DATA_INVALID, "fee_minor: not less than the amount")
    return _draft(
        fact,
        [
            (control(Role.SETTLEMENTS_IN_TRANSIT), "D", fact.amount_minor - fact.fee_minor, Purpose.TRANSFER),
            (control(Role.PROCESSOR_FEES), "D", fact.fee_minor, Purpose.FEE),
            (control(Role.PROCESSOR_CLEARING), "C", fact.amount_minor, Purpose.TRANSFER),
        ],
        chart,
    )


def finality_confirmed(fact: SettlementFinalityConfirmed, chart: Chart) -> Draft | Refusal:
    """It is cash now."""
    return _draft(
        fact,
        [
            (control(Role.CASH), "D", fact.amount_minor, Purpose.TRANSFER),
            (control(Role.SETTLEMENTS_IN_TRANSIT), "C", fact.amount_minor, Purpose.TRANSFER),
        ],
        chart,
    )


def failed(fact: SettlementFailed | SettlementFinalityFailed, _chart: Chart) -> Draft:
    """Nothing, or the mirror of what was confirmed."""
    return Draft("settlement", "", [], said(fact), recorded=True)


def _draft(
    fact: SettlementConfirmed | SettlementFinalityConfirmed, named: list[Named], chart: Chart
) -> Draft | Refusal:
    lines = lines_of(named, fact.currency, chart)
    return lines if isinstance(lines, Refusal) else Draft("settlement", "", lines, said(fact))
