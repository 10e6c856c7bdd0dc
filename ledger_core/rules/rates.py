"""Exchange rates: nothing is posted by what somebody publishes; what posts names its own quote."""

from ledger_core.domain.charts import Chart
from ledger_core.domain.notices import FxRatePublished
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.quotes import is_rate
from ledger_core.domain.vouchers import Draft


def published(fact: FxRatePublished, _chart: Chart) -> Draft | Refusal:
    """A record."""
    if fact.valid_until_us is not None and fact.valid_until_us <= fact.published_at_us:
        return Refusal(Code.DATA_INVALID, "valid_until: not after published_at")
    if fact.base == fact.counter:
        return Refusal(Code.FX_QUOTE_INVALID, "counter: that is base")
    if not is_rate(fact.rate):
        return Refusal(Code.FX_QUOTE_INVALID, "rate: not above zero")
    return Draft("", "", [], recorded=True)
