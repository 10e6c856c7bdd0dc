"""Numbers and amounts as plain-text journals write them. A number that could be read two ways is refused."""

import re
from decimal import Decimal

from consumers.imports.model import EXACT, Amount

_DIGITS = r"[0-9]{1,24}"
_NUMBER = re.compile(rf"(?P<whole>[0-9]{{1,3}}(?:,[0-9]{{3}})+|{_DIGITS})?(?:\.(?P<places>[0-9]{{0,40}}))?")
_SYMBOL = r'[^\W\d_]+|[$€£¥₽₹₩₾₴¢]|"[^"\n;]+"'
_SYMBOL_FIRST = re.compile(rf"(?P<minus>-)?\s*(?P<symbol>{_SYMBOL})\s*(?P<inner>-)?\s*(?P<number>[0-9.,]+)")
_NUMBER_FIRST = re.compile(rf"(?P<minus>[-+])?\s*(?P<number>[0-9.,]+)\s*(?P<symbol>{_SYMBOL})?")


class AmountError(ValueError):
    """Not an amount, or not one that can be read in one way only."""


def number_of(text: str, *, lone_comma_groups: bool) -> Decimal:
    """A number without a sign: a point before decimals, commas between groups of three.

    `1,234` is a thousand and more to ledger and beancount and 1.234 to hledger: only with `lone_comma_groups` is it
    read. Raises `AmountError`.
    """
    match = _NUMBER.fullmatch(text)
    if match is None or not (match["whole"] or match["places"]):
        raise AmountError(f"{text!r:.60} is no number of this reader: 1234.56 or 1,234.56")
    whole = match["whole"] or "0"
    if "," in whole and match["places"] is None and not lone_comma_groups:
        raise AmountError(f"{text} can be read two ways: write {whole.replace(',', '')} or {whole}.00")
    return Decimal(f"{whole.replace(',', '')}.{match['places'] or ''}")


def amount_of(text: str, *, lone_comma_groups: bool) -> Amount:
    """`$-1,234.56`, `-1234.56 USD`, `12 "Gold coins"`, or a bare number, whose commodity is empty.

    Raises `AmountError`.
    """
    match = _NUMBER_FIRST.fullmatch(text) or _SYMBOL_FIRST.fullmatch(text)
    if match is None:
        raise AmountError(f"{text!r:.80} is no amount of this reader")
    number = number_of(match["number"], lone_comma_groups=lone_comma_groups)
    parts = match.groupdict()
    if parts.get("inner") and parts["minus"]:
        raise AmountError(f"{text!r:.80} has two signs")
    negative = "-" in (parts["minus"] or "") or bool(parts.get("inner"))
    symbol = (parts["symbol"] or "").strip('"')
    return Amount(EXACT.minus(number) if negative else number, symbol)


def symbol_of(text: str) -> str | None:
    """`USD`, `$` or `"Gold coins"` by itself, without its quotes; None for anything else."""
    return text.strip('"') if re.fullmatch(_SYMBOL, text) else None


def times(amount: Amount, unit_price: Amount) -> Amount:
    """What an amount weighs at a price for one."""
    return Amount(EXACT.multiply(amount.number, unit_price.number), unit_price.commodity)


def with_sign_of(amount: Amount, total: Amount) -> Amount:
    """A price for the whole, which is written without a sign."""
    return Amount(EXACT.copy_sign(total.number, amount.number), total.commodity)
