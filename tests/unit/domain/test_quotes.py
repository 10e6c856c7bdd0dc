"""Amounts at a rate: a table of what agrees, by the decimals of each currency."""

import pytest

from ledger_core.domain.outcomes import Code
from ledger_core.domain.quotes import Quote, agree, refuse_quote

SCALES = {"EUR": 2, "BRL": 2, "JPY": 0, "BHD": 3, "BTC": 8}
AGREE = [
    ("exact", "6.185", "EUR", 10_000, "BRL", 61_850),
    ("to the last digit of the rate", "6.185000000000000001", "EUR", 10_000, "BRL", 61_850),
    ("rounded down", "6.1853", "EUR", 10_001, "BRL", 61_859),
    ("rounded up", "6.1853", "EUR", 10_001, "BRL", 61_860),
    ("a currency without decimals", "162.4", "EUR", 1_050, "JPY", 1_705),
    ("the other way round", "0.0061576", "JPY", 1_705, "EUR", 1_050),
    ("a currency with three decimals", "0.4103", "EUR", 10_000, "BHD", 41_030),
    ("from three decimals to none", "395.8", "BHD", 1_234, "JPY", 488),
    ("the counter amount was there first", "162.4", "EUR", 100, "JPY", 163),
    ("the base amount is dear", "60000", "BTC", 166, "EUR", 10),
    ("less than a unit of nothing", "0.000001", "JPY", 1, "BHD", 1),
]
DIFFER = [
    ("a unit too much", "1", "EUR", 100, "BRL", 101),
    ("a unit too little", "1", "EUR", 100, "BRL", 99),
    ("both off", "6.185", "EUR", 10_000, "BRL", 61_857),
    ("as if both had two decimals", "162.4", "EUR", 1_050, "JPY", 170_520),
    ("as if both had three decimals", "0.4103", "EUR", 10_000, "BHD", 4_103),
    ("the rate upside down", "6.185", "EUR", 61_850, "BRL", 10_000),
    ("as large as they come", "1.000000000000000001", "EUR", 10**18 - 1, "BRL", 10**18 - 3),
]


def quote(rate: str, base: str, counter: str) -> Quote:
    return Quote(rate, base, counter, "bank", "desk", "2026-10-03T14:59:41Z")


@pytest.mark.parametrize(("rate", "base", "base_minor", "counter", "counter_minor"), [row[1:] for row in AGREE],
                         ids=[row[0] for row in AGREE])  # fmt: skip
def test_amounts_agree_when_one_is_the_other_at_the_rate_less_than_a_unit_apart(
    rate: str, base: str, base_minor: int, counter: str, counter_minor: int
) -> None:
    assert agree(rate, base_minor, SCALES[base], counter_minor, SCALES[counter])


@pytest.mark.parametrize(("rate", "base", "base_minor", "counter", "counter_minor"), [row[1:] for row in DIFFER],
                         ids=[row[0] for row in DIFFER])  # fmt: skip
def test_other_amounts_are_refused_by_name(
    rate: str, base: str, base_minor: int, counter: str, counter_minor: int
) -> None:
    amounts_minor = {base: base_minor, counter: counter_minor}
    refusal = refuse_quote(quote(rate, base, counter), amounts_minor, SCALES.get, "quote")
    assert refusal is not None
    assert refusal.code is Code.QUOTE_MISMATCH


@pytest.mark.parametrize(("asked", "amounts_minor", "code"), [
    (quote("0.00", "EUR", "BRL"), {"EUR": 1, "BRL": 1}, Code.FX_QUOTE_INVALID),
    (quote("1", "EUR", "EUR"), {"EUR": 1, "BRL": 1}, Code.FX_QUOTE_INVALID),
    (quote("1", "EUR", "JPY"), {"EUR": 1, "BRL": 1}, Code.FX_QUOTE_INVALID),
    (quote("1", "EUR", "XYZ"), {"EUR": 1, "XYZ": 1}, Code.CURRENCY_UNKNOWN),
])  # fmt: skip
def test_what_is_no_quote_between_two_amounts_is_refused_before_they_are_compared(
    asked: Quote, amounts_minor: dict[str, int], code: Code
) -> None:
    refusal = refuse_quote(asked, amounts_minor, SCALES.get, "quote")
    assert refusal is not None
    assert refusal.code is code
