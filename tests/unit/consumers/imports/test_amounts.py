"""Numbers and amounts of plain-text journals: what is read, and what is refused because it could be read two ways."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.imports.amounts import AmountError, amount_of, number_of
from consumers.imports.model import Amount
from consumers.imports.plan import ConversionError, minor_units, places_needed


@pytest.mark.parametrize(
    ("text", "number", "commodity"),
    [
        ("1", "1", ""),
        ("-0.71 B", "-0.71", "B"),
        ("20 EUR", "20", "EUR"),
        ("20EUR", "20", "EUR"),
        ("$1,173.15", "1173.15", "$"),
        ("$-18,384.85", "-18384.85", "$"),
        ("-$5.00", "-5.00", "$"),
        ("EUR 5", "5", "EUR"),
        ("€ -5.10", "-5.10", "€"),
        ("+3 A", "3", "A"),
        ('3 "Gold coins 2"', "3", "Gold coins 2"),
        ("1,234,567.5 X", "1234567.5", "X"),
        (".5 X", "0.5", "X"),
        ("5. X", "5", "X"),
        ("53.6599999999999999998612221219", "53.6599999999999999998612221219", ""),
    ],
)
def test_amounts_are_read_exactly(text: str, number: str, commodity: str) -> None:
    assert amount_of(text, lone_comma_groups=True) == Amount(Decimal(number), commodity)


@pytest.mark.parametrize(
    "text",
    [
        "", "EUR", "--5 EUR", "-$-5", "1.2.3 X", "1,23 X", "1,2345 X", "12,34.5 X", "1e3 X", "NaN X", "1_000 X",
        "１２ X", "5 X Y", "5 * 2 X", "(5 X)", "1 234,00 X", "0x10", ", X", ". X", "5 X1", "9" * 25,
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(AmountError):
        amount_of(text, lone_comma_groups=True)


def test_a_lone_comma_is_a_thousand_to_ledger_and_refused_of_hledger_which_may_take_it_for_decimals() -> None:
    assert number_of("1,234", lone_comma_groups=True) == 1234
    with pytest.raises(AmountError, match=r"two ways: write 1234 or 1,234\.00"):
        number_of("1,234", lone_comma_groups=False)


@pytest.mark.parametrize(
    ("number", "scale", "minor"),
    [
        ("1.5", 2, 150),
        ("-0.01", 2, -1),
        ("1.500", 2, 150),
        ("7", 0, 7),
        ("999999999999999999", 0, 10**18 - 1),
        ("0.000", 2, 0),
    ],
)
def test_minor_units_are_exact(number: str, scale: int, minor: int) -> None:
    assert minor_units(Amount(Decimal(number), "X"), scale) == minor


@pytest.mark.parametrize(
    ("number", "scale"), [("0.001", 2), ("1000000000000000000", 0), ("0.5", 0), ("-10000000000", 9)]
)
def test_what_the_ledger_cannot_hold_exactly_is_refused(number: str, scale: int) -> None:
    with pytest.raises(ConversionError):
        minor_units(Amount(Decimal(number), "X"), scale)


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(0, 9))
def test_an_amount_of_minor_units_comes_back(minor: int, scale: int) -> None:
    assert minor_units(Amount(Decimal(minor).scaleb(-scale), "X"), scale) == minor


@pytest.mark.parametrize(
    ("numbers", "places"),
    [([], 0), (["1", "2.50"], 2), (["866.231000"], 6), (["309.950000000000", "1"], 2), (["0.1234567891"], 10)],
)
def test_an_asset_gets_the_decimals_that_its_amounts_are_written_with(numbers: list[str], places: int) -> None:
    assert places_needed([Decimal(number) for number in numbers]) == places
