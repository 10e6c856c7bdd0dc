"""Payment methods on file: recorded, without entries."""

from dataclasses import asdict

from ledger_core.domain.charts import Chart
from ledger_core.domain.payment_methods import PaymentMethodFact
from ledger_core.domain.vouchers import Draft


def recorded(fact: PaymentMethodFact, _chart: Chart) -> Draft:
    """What the log keeps of it; its method stands there anyway."""
    said = {name: value for name, value in asdict(fact).items() if value and name != "method"}
    return Draft("payment_method", "", [], said, recorded=True)
