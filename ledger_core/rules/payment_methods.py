"""Payment methods on file: recorded, without entries."""

from dataclasses import fields
from functools import cache

from ledger_core.domain.charts import Chart
from ledger_core.domain.payment_methods import PaymentMethodFact
from ledger_core.domain.vouchers import Draft


def recorded(fact: PaymentMethodFact, _chart: Chart) -> Draft:
    """What the log keeps of it; its method stands there anyway."""
    kind: type = type(fact)
    said = {name: value for name in _told_by(kind) if (value := getattr(fact, name))}
    return Draft("payment_method", "", [], said, recorded=True)


@cache
def _told_by(kind: type) -> tuple[str, ...]:
    """What the log keeps of a kind of fact: asked once a kind, not of every fact."""
    return tuple(field.name for field in fields(kind) if field.name != "method")
