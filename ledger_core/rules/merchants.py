"""Merchants: nothing is posted; the change is kept with what it said."""

from ledger_core.domain.charts import Chart
from ledger_core.domain.merchants import MerchantChanged
from ledger_core.domain.vouchers import Draft


def changed(fact: MerchantChanged, _chart: Chart) -> Draft:
    """A record of the change."""
    status = fact.status.value if fact.status is not None else "TOMBSTONE"
    said: dict[str, object] = {"merchant_id": fact.merchant_id, "book": fact.book, "status": status}
    return Draft("merchant", "", [], {"merchant": said}, recorded=True)
