"""Chargebacks: disputed money is reserved from those who received it, and goes back to them or to the payer.

| | opened | won | lost |
|---|---|---|---|
| each beneficiary | debit its part less commission | credit it again | |
| platform fees, in one line | debit the commissions | credit them again | |
| suspense of the order: amount less all parts | debit it | credit it again | |
| chargeback reserve, per order | credit the amount | debit it | debit it |
| clearing of the processor | credit the fee | debit the fee given back | credit amount and fee |
| chargeback fees | debit the fee | credit the fee given back | debit the fee |

Of a payment across currencies: see `exchanges`.
What goes back when it is won is the exact mirror of what was reserved, which only the log tells.
"""

from typing import Final

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.outcomes import Refusal, first_of
from ledger_core.domain.stories import ChargebackLost, ChargebackOpened, ChargebackWon, said
from ledger_core.domain.vouchers import Draft, Line, Purpose
from ledger_core.rules.exchanges import given_back
from ledger_core.rules.lines import Named, control, lines_of
from ledger_core.rules.payments import commissions_of, share_out

_RESERVE: Final = control(Role.CHARGEBACK_RESERVE)
_CLEARING: Final = control(Role.PROCESSOR_CLEARING)
_FEES: Final = control(Role.CHARGEBACK_FEES)


def opened(fact: ChargebackOpened, chart: Chart) -> Draft | Refusal:
    """The reserve, and the processor's fee for the dispute."""
    if fact.credited_currency:
        reserved = given_back(fact, fact.beneficiaries, chart)
    else:
        reserved = share_out(
            fact.amount_minor, fact.currency, _RESERVE, fact.beneficiaries, chart, "C", "D", Purpose.CHARGEBACK.value
        )
    fees = _fee_charged(fact.fee_minor, fact.currency, chart)
    if isinstance(reserved, Refusal):
        return first_of(reserved, fees if isinstance(fees, Refusal) else None) or reserved
    details = {**said(fact), **commissions_of(fact.beneficiaries)}
    return fees if isinstance(fees, Refusal) else Draft("chargeback", "", [*reserved, *fees], details)


def won(fact: ChargebackWon, chart: Chart) -> Draft | Refusal:
    """The fee that is given back; the rest is a mirror."""
    named: list[Named] = [
        (_CLEARING, "D", fact.fee_minor, Purpose.FEE), (_FEES, "C", fact.fee_minor, Purpose.FEE)
    ]  # fmt: skip
    lines = lines_of(named, fact.currency, chart)
    return lines if isinstance(lines, Refusal) else Draft("chargeback", "", lines, said(fact), recorded=True)


def lost(fact: ChargebackLost, chart: Chart) -> Draft | Refusal:
    """The processor takes what was reserved."""
    named: list[Named] = [
        (_RESERVE, "D", fact.amount_minor, Purpose.CHARGEBACK), (_CLEARING, "C", fact.amount_minor, Purpose.CHARGEBACK)
    ]  # fmt: skip
    lines = lines_of(named, fact.currency, chart)
    fees = _fee_charged(fact.fee_minor, fact.currency, chart)
    if isinstance(lines, Refusal):
        return lines
    return fees if isinstance(fees, Refusal) else Draft("chargeback", "", [*lines, *fees], said(fact))


def _fee_charged(fee_minor: int, currency: str, chart: Chart) -> list[Line] | Refusal:
    named: list[Named] = [(_FEES, "D", fee_minor, Purpose.FEE), (_CLEARING, "C", fee_minor, Purpose.FEE)]
    return lines_of(named, currency, chart)
