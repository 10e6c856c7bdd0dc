"""Accounts that an event opens: nothing is posted; the one line says which account in which currency."""

from ledger_core.domain.account_facts import AccountOpened
from ledger_core.domain.charts import Chart
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Draft, Line, Purpose


def opened(fact: AccountOpened, chart: Chart) -> Draft | Refusal:
    """Refused where it would roll up into a group that the chart does not have."""
    if fact.parent is not None and fact.parent not in chart.groups:
        return Refusal(Code.DATA_INVALID, f"parent: the chart has no group {fact.parent}")
    return Draft("account", "", [Line(fact.account, "D", 0, fact.currency, Purpose.OPENING)], recorded=True)
