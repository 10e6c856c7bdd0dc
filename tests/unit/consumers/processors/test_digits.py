"""Digits of an amount belong to the processor and the currency together; nothing is ever rounded."""

import csv
from pathlib import Path

import pytest

from consumers.processors.digits import ADYEN, PAYPAL, STRIPE, Digits, minor_units, minor_units_of_decimal
from consumers.processors.model import UnmappableError

ISO = {
    "BHD": 3, "BIF": 0, "CLP": 0, "CVE": 2, "EUR": 2, "HUF": 2, "IDR": 2, "ISK": 0, "JPY": 0, "KWD": 3, "MGA": 2,
    "TND": 3, "TWD": 2, "UGX": 0, "USD": 2, "CLF": 4,
}  # fmt: skip
CURRENCIES = Path(__file__).parents[5] / "shared" / "data" / "currencies_iso4217_minor_units.csv"


@pytest.mark.parametrize(
    ("processor", "currency", "value", "minor"),
    [
        (STRIPE, "EUR", 1_000, "1000"),
        (STRIPE, "JPY", 500, "500"),
        (STRIPE, "KWD", 5_120, "5120"),  # three digits, the last of them 0
        (STRIPE, "MGA", 7, "700"),  # whole ariary; ISO 4217 gives it two digits
        (STRIPE, "ISK", 500, "5"),  # two zeros that stand for nothing
        (STRIPE, "UGX", 500, "5"),
        (STRIPE, "HUF", 1_000, "1000"),
        (STRIPE, "CLP", 900, "900"),
        (ADYEN, "EUR", 1_000, "1000"),
        (ADYEN, "CLP", 900, "9"),
        (ADYEN, "ISK", 900, "9"),
        (ADYEN, "CVE", 9, "900"),
        (ADYEN, "IDR", 9, "900"),
        (ADYEN, "JPY", 9, "9"),
        (ADYEN, "BHD", 5_124, "5124"),
        (ADYEN, "UGX", 9, "9"),
    ],
)
def test_whole_amounts_become_the_ledgers_minor_units(processor: Digits, currency: str, value: int, minor: str) -> None:
    assert minor_units(value, currency, processor, ISO) == minor


@pytest.mark.parametrize(
    ("processor", "currency", "value", "code"),
    [
        (STRIPE, "ISK", 501, "AMOUNT_INVALID"),
        (ADYEN, "CLP", 901, "AMOUNT_INVALID"),
        (STRIPE, "EUR", 0, "AMOUNT_INVALID"),
        (STRIPE, "MGA", 10**17, "AMOUNT_INVALID"),
        (STRIPE, "XTS", 100, "CURRENCY_UNKNOWN"),
        (ADYEN, "eur", 100, "CURRENCY_UNKNOWN"),
    ],
)
def test_what_cannot_be_said_exactly_is_refused(processor: Digits, currency: str, value: int, code: str) -> None:
    with pytest.raises(UnmappableError) as refused:
        minor_units(value, currency, processor, ISO)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("EUR", "12.50", "1250"),
        ("EUR", "12.5", "1250"),
        ("EUR", "12", "1200"),
        ("JPY", "500", "500"),
        ("JPY", "500.00", "500"),
        ("HUF", "500", "50000"),  # without decimals here, with two in ISO 4217
        ("TWD", "7", "700"),
        ("EUR", "822.0100", "82201"),
    ],
)
def test_decimals_become_the_ledgers_minor_units(currency: str, text: str, minor: str) -> None:
    assert minor_units_of_decimal(text, currency, PAYPAL, ISO) == minor


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("EUR", "12.505"),
        ("HUF", "500.50"),
        ("EUR", "1e3"),
        ("EUR", "-1"),
        ("EUR", "١٢"),
        ("EUR", ""),
        ("EUR", "NaN"),
        ("EUR", "1" * 19),
        ("EUR", "0.00"),
    ],
)
def test_decimals_that_are_none_or_too_fine_are_refused(currency: str, text: str) -> None:
    with pytest.raises(UnmappableError) as refused:
        minor_units_of_decimal(text, currency, PAYPAL, ISO)
    assert refused.value.code == "AMOUNT_INVALID"


@pytest.mark.skipif(not CURRENCIES.exists(), reason=f"EVERY CURRENCY NOT TESTED: {CURRENCIES} is absent")
def test_the_exceptions_are_those_of_the_published_tables() -> None:
    with CURRENCIES.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["code"]: row for row in csv.DictReader(file)}
    overrides = {code: int(row["adyen_override"]) for code, row in rows.items() if row["adyen_override"]}
    assert ADYEN.exceptions == {**overrides, "IDR": 0}  # Adyen's own page has one more
    for processor in (STRIPE, PAYPAL):
        assert processor.exceptions.keys() <= rows.keys()
        assert processor.usual not in processor.exceptions.values()
    scales = {code: int(row["iso_minor_units"]) for code, row in rows.items() if row["iso_minor_units"].isdigit()}
    assert ISO.items() <= scales.items()
