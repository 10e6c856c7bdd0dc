"""Vouchers by hand: the lines are the request's own; what is checked is that they make a voucher of that kind."""

from collections.abc import Sequence
from typing import Final

from ledger_core.domain.cash_policy import signed_by_two
from ledger_core.domain.charts import CONTROL_PREFIX, Chart, Role
from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.quotes import is_rate, refuse_quote
from ledger_core.domain.requests import CompensationRequested, VoucherRequested
from ledger_core.domain.vouchers import KINDS, MAX_LINES, Draft, Line
from ledger_core.rules.accounts import control_missing, same_account_on_both_sides

FX: Final = "fx"


def requested(fact: VoucherRequested, chart: Chart) -> Draft | Refusal:
    """The voucher as it was asked for, with its accounts found by the chart."""
    refusal = _refuse_kind(fact) or _refuse_quote(fact, chart)
    if refusal is None and (chart.cash.drawers or fact.signed_off_by):
        refusal = _refuse_cash(fact, chart)
    refusal = refusal or refuse_sums(fact.lines)
    if refusal is not None:
        return refusal
    lines: list[Line] = []
    for account, side, amount_minor, currency, purpose in fact.lines:
        code = chart.resolve(account, currency)
        if code is None:
            return control_missing(account, currency)
        lines.append(Line(code, side, amount_minor, currency, purpose or KINDS[fact.kind].purpose))
    refusal = same_account_on_both_sides(lines)
    if refusal is not None:
        return refusal
    return Draft(fact.kind, "", lines, _details(fact))


def _refuse_kind(fact: VoucherRequested) -> Refusal | None:
    if len(fact.lines) > MAX_LINES:
        return Refusal(Code.DATA_INVALID, f"splits: they make more than {MAX_LINES} lines")
    kind = KINDS.get(fact.kind)
    if kind is None or not kind.by_request:
        return Refusal(Code.DATA_INVALID, "kind: can't be asked for by hand")
    if kind.needs_adjustment and fact.adjustment is None:
        return Refusal(Code.DATA_INVALID, f"adjustment: a voucher of kind {fact.kind} needs its reason and reference")
    compensating = fact.adjustment is not None and fact.adjustment.reason == "compensating"
    if compensating and not isinstance(fact, CompensationRequested):
        return Refusal(Code.DATA_INVALID, "compensates: a compensating adjustment names its voucher")
    return None


def _refuse_quote(fact: VoucherRequested, chart: Chart) -> Refusal | None:
    """An exchange has two currencies, a trading account's line in each, and the quote between what is traded."""
    currencies = {line.currency for line in fact.lines}
    if fact.kind == FX:
        traded_minor = _traded_minor(fact.lines)
        if len(currencies) != 2 or traded_minor.keys() != currencies:
            return Refusal(
                Code.DATA_INVALID, "lines: an exchange has two currencies, and a line on control:TRADING in each"
            )
        if min(traded_minor.values()) >= 0 or max(traded_minor.values()) <= 0:
            return Refusal(Code.DATA_INVALID, "lines: an exchange gives one of its currencies for the other")
        if fact.quote is None:
            return Refusal(Code.FX_QUOTE_INVALID, "quote: an exchange needs one")
        amounts_minor = {currency: abs(traded) for currency, traded in traded_minor.items()}
        return refuse_quote(fact.quote, amounts_minor, chart.scale_of, "quote")
    quote = fact.quote
    if quote is None:
        return None
    if quote.base == quote.counter or not {quote.base, quote.counter} <= currencies:
        return Refusal(Code.FX_QUOTE_INVALID, "quote: base and counter are not two currencies of the voucher")
    if not is_rate(quote.rate):
        return Refusal(Code.FX_QUOTE_INVALID, "quote.rate: not above zero")
    return None


def _refuse_cash(fact: VoucherRequested, chart: Chart) -> Refusal | None:
    """Two sign for cash that leaves a drawer by hand, as they do for a refund in cash."""
    if fact.signed_off_by and not signed_by_two(fact.signed_off_by):
        return Refusal(Code.SIGN_OFFS_NOT_DISTINCT, "signed_off_by: not two distinct persons")
    if fact.signed_off_by:
        return None
    for account, side, _, currency, _ in fact.lines:
        code = chart.resolve(account, currency)
        if side == "C" and code is not None and chart.cash.is_drawer(code):
            return Refusal(Code.SIGN_OFFS_NOT_DISTINCT, f"two distinct persons sign for cash that leaves {code}")
    return None


def _traded_minor(lines: Sequence[Line]) -> dict[str, int]:
    """By currency, what the trading account is debited, less what it is credited."""
    moved: dict[str, int] = {}
    for account, side, amount_minor, currency, _ in lines:
        if account == CONTROL_PREFIX + Role.TRADING:
            moved[currency] = moved.get(currency, 0) + (amount_minor if side == "D" else -amount_minor)
    return moved


def refuse_sums(lines: Sequence[Line]) -> Refusal | None:
    """Debits equal credits in each currency, and a counter could hold them; in Python's integers, which never wrap."""
    debits: dict[str, int] = {}
    credits: dict[str, int] = {}
    for _, side, amount_minor, currency, _ in lines:
        sums = debits if side == "D" else credits
        sums[currency] = sums.get(currency, 0) + amount_minor
    for currency in dict.fromkeys(line.currency for line in lines):
        debit, credit = debits.get(currency, 0), credits.get(currency, 0)
        if debit != credit:
            return Refusal(Code.VOUCHER_UNBALANCED, f"debits of {debit} {currency}, credits of {credit}")
    if max(debits.values(), default=0) > MAX_COUNTER_MINOR:
        return Refusal(Code.SUM_TOO_LARGE, "the lines add up to more than a counter can hold")
    return None


def _details(fact: VoucherRequested) -> dict[str, object]:
    """What the voucher keeps of its request, in one order. What it compensates is found under lock."""
    details: dict[str, object] = {}
    if fact.memo:
        details["memo"] = fact.memo
    if fact.metadata:
        details["metadata"] = dict(fact.metadata)
    if fact.adjustment is not None:
        details["adjustment"] = fact.adjustment._asdict()
    if fact.quote is not None:
        details["quote"] = fact.quote._asdict()
    if fact.signed_off_by:
        details["signed_off_by"] = [name.strip() for name in fact.signed_off_by]
    return details
