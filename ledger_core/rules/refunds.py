"""Refunds: the payer's money goes back, borne by those who would have received it.

| | completed, commission given back | completed, commission kept |
|---|---|---|
| clearing of the processor, or the payer's wallet | credit the amount | credit the amount |
| each beneficiary | debit its part less commission | debit its part |
| platform fees, in one line | debit the commissions | |
| suspense of the order: amount less all parts | debit it, or credit what is too much | the same |

Of a payment across currencies: see `exchanges`. It goes back where the payment came from: `domain.counterparts`.
A refund that is asked for, approved, processed or failed has no entries: it is set aside under lock.
"""

from dataclasses import replace

from ledger_core.domain.charts import Chart
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.payments import PaymentRefunded
from ledger_core.domain.stories import RefundCompleted, said
from ledger_core.domain.vouchers import Draft, Purpose
from ledger_core.rules.exchanges import given_back
from ledger_core.rules.payments import commissions_of, share_out


def refunded(fact: PaymentRefunded | RefundCompleted, chart: Chart) -> Draft | Refusal:
    """As a capture with sides exchanged."""
    beneficiaries = fact.beneficiaries
    if fact.keeps_fee:
        beneficiaries = tuple([replace(share, commission_bps=0) for share in beneficiaries])
    if fact.credited_currency:
        lines = given_back(fact, beneficiaries, chart)
    else:
        lines = share_out(
            fact.amount_minor, fact.currency, fact.payer, beneficiaries, chart, "C", "D", Purpose.REFUND.value
        )
    details = {**said(fact), **commissions_of(beneficiaries)}
    return lines if isinstance(lines, Refusal) else Draft("refund", "", lines, details)
