"""Payouts: a seller's money leaves through the bank, at once or by way of an account for what is on its way.

| | requested | paid after that | paid at once | failed | returned |
|---|---|---|---|---|---|
| the seller | debit | | debit | credit | credit |
| payouts in transit | credit | debit | | debit | |
| cash | | credit | credit | | debit |

What a payout that was requested posts when it is paid, fails or is returned follows from what it posted before, which
only the log tells.
"""

from typing import Final

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.payments import PayoutPaid
from ledger_core.domain.stories import PayoutRequested, said
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.accounts import same_account_on_both_sides
from ledger_core.rules.lines import control, lines_of

_CASH: Final = control(Role.CASH)
_IN_TRANSIT: Final = control(Role.PAYOUTS_IN_TRANSIT)


def paid(fact: PayoutPaid, chart: Chart) -> Draft | Refusal:
    """Debit the seller, credit the bank."""
    return _from_seller(fact, _CASH, chart)


def requested(fact: PayoutRequested, chart: Chart) -> Draft | Refusal:
    """Debit the seller: the money is no longer there to spend."""
    return _from_seller(fact, _IN_TRANSIT, chart)


def _from_seller(fact: PayoutPaid | PayoutRequested, to: str, chart: Chart) -> Draft | Refusal:
    amount_minor = fact.amount_minor
    lines = lines_of(
        [(fact.account, "D", amount_minor, Purpose.PAYOUT), (to, "C", amount_minor, Purpose.PAYOUT)],
        fact.currency,
        chart,
    )
    if isinstance(lines, Refusal):
        return lines
    return same_account_on_both_sides(lines) or Draft("payout", "", lines, said(fact))
