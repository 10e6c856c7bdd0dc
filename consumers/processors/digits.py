"""Amounts of a processor in the ledger's minor units. How many digits an amount has is the processor's word for a
currency, not ISO 4217's alone: Stripe counts ISK in hundredths and MGA in whole ariary, Adyen CLP in hundredths.

Sources: docs.stripe.com/currencies (zero-decimal, three-decimal, and its special cases: of ISK and UGX it says that a
charge of 5 is an amount of 500; HUF and TWD have two digits and are only paid out in whole units), and
support.stripe.com/questions/deprecation-of-fractional-isk-charges-and-refunds;
docs.adyen.com/development-resources/currency-codes (what "differs from standard": CLP, CVE, IDR, ISK);
developer.paypal.com/api/rest/reference/currency-codes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from consumers.processors.fields import MAX_AMOUNT
from consumers.processors.model import UnmappableError

CURRENCY: Final = re.compile(r"[A-Z][A-Z0-9]{1,11}")
Scales = Mapping[str, int]
"""Digits of the ledger's assets, by code."""
DECIMAL: Final = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Digits:
    """Digits of a processor's amounts: what `exceptions` say, else `usual`, else (None) as many as the ledger's."""

    usual: int | None
    exceptions: Mapping[str, int]

    def of(self, currency: str, scales: Scales) -> int:
        """Raises `UnmappableError` for a currency that the ledger does not know."""
        scale = scale_of(currency, scales)
        usual = scale if self.usual is None else self.usual
        return self.exceptions.get(currency, usual)


def _each(digits: int, currencies: str) -> dict[str, int]:
    return dict.fromkeys(currencies.split(), digits)


STRIPE: Final = Digits(
    2,
    MappingProxyType({
        **_each(0, "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"),
        **_each(3, "BHD JOD KWD OMR TND"),
        # ISK and UGX have no decimals any more and are written with two zeros all the same: like the rest, they have 2.
    }),
)  # fmt: skip
ADYEN: Final = Digits(None, MappingProxyType({**_each(2, "CLP ISK"), **_each(0, "CVE IDR")}))
PAYPAL: Final = Digits(2, MappingProxyType(_each(0, "HUF JPY TWD")))


def scale_of(currency: str, scales: Scales) -> int:
    """Digits of the ledger's own asset. Raises `UnmappableError`."""
    if CURRENCY.fullmatch(currency) is None or currency not in scales:
        raise UnmappableError("CURRENCY_UNKNOWN", "the ledger has no asset of this code")
    return scales[currency]


def minor_units(value: int, currency: str, digits: Digits, scales: Scales) -> str:
    """A whole number of the processor's units, as digits of the ledger's minor units. Raises `UnmappableError`."""
    return _scaled(value, digits.of(currency, scales), scale_of(currency, scales))


def minor_units_of_decimal(text: str, currency: str, digits: Digits, scales: Scales) -> str:
    """A decimal such as `12.50`, as digits of the ledger's minor units. Raises `UnmappableError`."""
    match = DECIMAL.fullmatch(text)
    if match is None:
        raise UnmappableError("AMOUNT_INVALID", "the amount is no decimal")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > digits.of(currency, scales):
        raise UnmappableError("AMOUNT_INVALID", "the amount has more digits than the processor gives this currency")
    return _scaled(int(whole + fraction), len(fraction), scale_of(currency, scales))


def _scaled(value: int, digits: int, scale: int) -> str:
    """Exactly, or not at all: money is never rounded on its way in."""
    if scale >= digits:
        result, rest = value * 10 ** (scale - digits), 0
    else:
        result, rest = divmod(value, 10 ** (digits - scale))
    if rest:
        raise UnmappableError("AMOUNT_INVALID", "the amount is finer than the ledger's minor unit of this currency")
    if not 0 < result <= MAX_AMOUNT:
        raise UnmappableError("AMOUNT_INVALID", "the amount is zero, or more than 10^18 - 1 minor units")
    return str(result)
