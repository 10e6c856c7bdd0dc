"""Steps without entries of their own. What some of them post, only the locked rows tell: mirrors, in `part_life`."""

from ledger_core.domain.charts import Chart
from ledger_core.domain.stories import said
from ledger_core.domain.vouchers import Draft


def recorded(fact: object, _chart: Chart) -> Draft:
    """What the log keeps of it."""
    return Draft("", "", [], said(fact), recorded=True)
