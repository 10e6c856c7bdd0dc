"""Quotes: the rate between two currencies as somebody gave it, and whether two amounts agree with it.

A rate is an exact decimal: units of `counter` for one unit of `base`. It is kept to its last digit and never computed
again. Amounts agree with it when one of them is what the rate makes of the other, rounded to whole minor units in
whatever way: the difference is less than one minor unit of that currency. All of it in integers.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ledger_core.domain.outcomes import Code, Refusal

ScaleOf = Callable[[str], int | None]
"""The decimals of an asset, by its code; None where there is no such asset."""


class Quote(NamedTuple):
    """The rate of an exchange, as it was given. `rate` is an exact decimal: units of `counter` for one of `base`."""

    rate: str
    base: str
    counter: str
    provider: str
    source: str
    quoted_at: str


def refuse_quote(quote: Quote, amounts_minor: Mapping[str, int], scale_of: ScaleOf, where: str) -> Refusal | None:
    """Why this is no quote between these amounts, which are by currency; `where` says which member has it."""
    if any(scale_of(currency) is None for currency in amounts_minor):
        return Refusal(
            Code.CURRENCY_UNKNOWN, f"{where}: between currencies of which one is not an asset of this ledger"
        )
    if quote.base == quote.counter or not {quote.base, quote.counter} <= amounts_minor.keys():
        return Refusal(Code.FX_QUOTE_INVALID, f"{where}: base and counter are not the two currencies of it")
    if not is_rate(quote.rate):
        return Refusal(Code.FX_QUOTE_INVALID, f"{where}.rate: not above zero")
    return _refuse_amounts(quote, amounts_minor, scale_of, where)


def is_rate(rate: str) -> bool:
    """True above zero."""
    return bool(rate.strip("0."))


def _refuse_amounts(quote: Quote, amounts_minor: Mapping[str, int], scale_of: ScaleOf, where: str) -> Refusal | None:
    """Amounts that are not what the rate makes of each other."""
    base_scale, counter_scale = scale_of(quote.base), scale_of(quote.counter)
    assert base_scale is not None
    assert counter_scale is not None
    base_minor, counter_minor = amounts_minor[quote.base], amounts_minor[quote.counter]
    if agree(quote.rate, base_minor, base_scale, counter_minor, counter_scale):
        return None
    said = f"{base_minor} {quote.base} and {counter_minor} {quote.counter}, in minor units, are not at {quote.rate}"
    return Refusal(Code.QUOTE_MISMATCH, f"{where}: {said}")


def agree(rate: str, base_minor: int, base_scale: int, counter_minor: int, counter_scale: int) -> bool:
    """True when one of two amounts in minor units is what the rate makes of the other, less than one unit apart.

    With a rate of n / 10^d the counter amount should be base * n * 10^counter_scale / (10^d * 10^base_scale): both
    sides times that denominator are whole numbers, and so is one unit of either currency.
    """
    whole, _, decimals = rate.partition(".")
    times: int = int(whole + decimals) * 10**counter_scale
    over: int = 10 ** (len(decimals) + base_scale)
    return abs(counter_minor * over - base_minor * times) < max(over, times)
