"""Payments across currencies: what the payer pays in one is credited in another, through the trading accounts.

| | capture | refund | chargeback |
|---|---|---|---|
| clearing, or the payer's wallet; of a chargeback the reserve | debit the amount | credit it | credit it |
| trading, in the currency paid | credit the amount | debit it | debit it |
| trading, in the currency credited | debit the exchanged amount | credit its share of that | the same |
| beneficiaries, platform fees, suspense, in the currency credited | as of any capture | of any refund | the same |

Each currency balances by itself; what the trading accounts are left with is the open position. A capture states both
amounts and the quote between them. What goes back is never quoted anew: of what was credited for the payment so much as
the amount is of what was paid, added up over all that went back and rounded down, so that the whole gives back exactly
what came. That is known under lock alone (`domain.exchanges`).
"""

from collections.abc import Sequence
from typing import Final

from ledger_core.domain.charts import Chart, Role
from ledger_core.domain.money import MAX_AMOUNT_MINOR
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.payments import Beneficiary, ExchangedCaptured, PaymentCaptured, PaymentRefunded
from ledger_core.domain.quotes import refuse_quote
from ledger_core.domain.stories import ChargebackOpened, RefundCompleted
from ledger_core.domain.vouchers import Draft, Line, Purpose
from ledger_core.rules.accounts import control_missing, same_account_on_both_sides
from ledger_core.rules.lines import control, lines_of
from ledger_core.rules.payments import commissions_of, payer_of, proof_of, share_out

_TRADING: Final = control(Role.TRADING)
_CLEARING: Final = control(Role.PROCESSOR_CLEARING)
_RESERVE: Final = control(Role.CHARGEBACK_RESERVE)

GivesBack = PaymentRefunded | RefundCompleted | ChargebackOpened


def captured(fact: ExchangedCaptured, chart: Chart) -> Draft | Refusal:
    """One voucher, with a side in each currency."""
    exchange, proof, quoted = fact.exchange, proof_of(fact.told), refuse_exchange(fact, chart)
    if isinstance(proof, Refusal):
        return first_of(proof, quoted) or proof
    if quoted is not None:
        return quoted
    paid = lines_of(
        [
            (payer_of(fact.told) or _CLEARING, "D", fact.amount_minor, Purpose.PAYMENT),
            (_TRADING, "C", fact.amount_minor, Purpose.EXCHANGE),
        ],
        fact.currency,
        chart,
    )
    credited = share_out(
        exchange.amount_minor, exchange.currency, _TRADING, fact.beneficiaries, chart, "D", "C", Purpose.EXCHANGE.value
    )
    lines = _together(paid, credited)
    if isinstance(lines, Refusal):
        return lines
    said = {
        **proof,
        **commissions_of(fact.beneficiaries),
        "exchanged": {"amount_minor": str(exchange.amount_minor), "currency": exchange.currency},
        "quote": exchange.quote._asdict(),
    }
    return same_account_on_both_sides(lines) or Draft("capture", "", lines, said)


def _together(paid: list[Line] | Refusal, credited: list[Line] | Refusal) -> list[Line] | Refusal:
    """Both sides of a voucher, or the refusal of one."""
    if isinstance(paid, Refusal):
        return first_of(paid, credited if isinstance(credited, Refusal) else None) or paid
    return credited if isinstance(credited, Refusal) else [*paid, *credited]


def refuse_exchange(fact: PaymentCaptured, chart: Chart) -> Refusal | None:
    """Of a capture across currencies: the quote is between them, and the amounts are at its rate."""
    if not isinstance(fact, ExchangedCaptured):
        return None
    exchange = fact.exchange
    amounts_minor = {fact.currency: fact.amount_minor, exchange.currency: exchange.amount_minor}
    return refuse_quote(exchange.quote, amounts_minor, chart.scale_of, "exchange.quote")


def given_back(fact: GivesBack, beneficiaries: Sequence[Beneficiary], chart: Chart) -> list[Line] | Refusal:
    """All lines that there may be: how much is credited back, and what of that nobody accounts for, stands open.

    In this order: who paid, trading in both currencies, each beneficiary, platform fees, and last the suspense.
    """
    currency = fact.credited_currency
    if chart.scale_of(currency) is None:
        return Refusal(Code.CURRENCY_UNKNOWN, "exchange.currency: not an asset of this ledger")
    if currency == fact.currency:
        return Refusal(Code.DATA_INVALID, "exchange.currency: that of the payment itself")
    whole_minor = sum(share.amount_minor for share in beneficiaries)
    if whole_minor > MAX_AMOUNT_MINOR:
        return Refusal(Code.SUM_TOO_LARGE, "the parts add up to more than a line can hold")
    payer, purpose = _RESERVE, Purpose.CHARGEBACK
    if not isinstance(fact, ChargebackOpened):
        payer, purpose = fact.payer or _CLEARING, Purpose.REFUND
    paid = lines_of(
        [(payer, "C", fact.amount_minor, purpose), (_TRADING, "D", fact.amount_minor, Purpose.EXCHANGE)],
        fact.currency,
        chart,
    )
    credited = share_out(whole_minor, currency, _TRADING, beneficiaries, chart, "C", "D", Purpose.EXCHANGE.value)
    lines = _together(paid, credited)
    if isinstance(lines, Refusal):
        return lines
    suspense = chart.control(Role.ORDER_SUSPENSE, currency)
    if suspense is None:
        return control_missing(Role.ORDER_SUSPENSE.value, currency)
    if any(line.account == suspense for line in lines):
        return Refusal(Code.SAME_ACCOUNT_BOTH_SIDES, "the voucher would debit and credit one account")
    lines.append(Line(suspense, "D", 0, currency, Purpose.SUSPENSE.value))
    return same_account_on_both_sides(lines) or lines
