"""Commerce: a sale, the cost of its goods, and what the warehouse counts.

| | sale | cost of goods | inventory worth more | inventory worth less |
|---|---|---|---|---|
| the account chosen as source of the sale | debit | | | |
| sales | credit | | | |
| cost of goods sold | | debit | | |
| inventory | | credit | debit | credit |
| inventory adjustments | | | credit | debit |

A sale that names no source is skipped: whoever sells chose that it is not kept here.
"""

from typing import Final

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.commerce import CogsRecorded, InventoryAdjusted, SaleCompleted
from ledger_core.domain.outcomes import Refusal, SkipReason
from ledger_core.domain.vouchers import Draft, Line, Purpose, Skipped
from ledger_core.rules.accounts import same_account_on_both_sides
from ledger_core.rules.lines import control, lines_of

_SALES: Final = control(Role.SALES)
_COGS: Final = control(Role.COGS)
_INVENTORY: Final = control(Role.INVENTORY)
_ADJUSTMENTS: Final = control(Role.INVENTORY_ADJUSTMENTS)


def sold(fact: SaleCompleted, chart: Chart) -> Draft | Refusal:
    """Debit the chosen source, credit sales."""
    if fact.source is None:
        return Skipped(SkipReason.SOURCE_NOT_CHOSEN, "attempt.finance.source.id: the sale names no account")
    return _draft("sale", (fact.source, _SALES), Purpose.PAYMENT, fact, chart, {"sale_id": fact.sale_id})


def cost_recorded(fact: CogsRecorded, chart: Chart) -> Draft | Refusal:
    """Debit cost of goods sold, credit inventory."""
    return _draft("cogs", (_COGS, _INVENTORY), Purpose.COGS, fact, chart, {"sale_id": fact.sale_id})


def inventory_adjusted(fact: InventoryAdjusted, chart: Chart) -> Draft | Refusal:
    """Between inventory and inventory adjustments, which way its direction says."""
    more = fact.direction == "increase"
    accounts = (_INVENTORY, _ADJUSTMENTS) if more else (_ADJUSTMENTS, _INVENTORY)
    details: dict[str, object] = {
        "adjustment_id": fact.adjustment_id,
        "adjustment": {"reason": fact.reason, "reference": fact.reference},
    }
    return _draft("inventory_adjustment", accounts, Purpose.INVENTORY, fact, chart, details)


def _draft(
    kind: str,
    accounts: tuple[str, str],
    purpose: Purpose,
    fact: SaleCompleted | CogsRecorded | InventoryAdjusted,
    chart: Chart,
    details: dict[str, object],
) -> Draft | Refusal:
    """Debit the first account, credit the second."""
    debit, credit = accounts
    lines: list[Line] | Refusal = lines_of(
        [(debit, "D", fact.amount_minor, purpose), (credit, "C", fact.amount_minor, purpose)], fact.currency, chart
    )
    if isinstance(lines, Refusal):
        return lines
    return same_account_on_both_sides(lines) or Draft(kind, "", lines, details)
