"""Declared commodities: a number's style and unit; journals in minor units come back in whole ones."""

from datetime import date
from decimal import Decimal

import pytest

from consumers.imports.amounts import AmountError
from consumers.imports.commodities import in_whole_units, minor_digits_of, sample_of
from consumers.imports.model import Amount, Assertion, Holding, Journal, Posting, Transaction


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("USD", ("USD", False)), ("$", ("$", False)), ('"GOLD 1.5"', ("GOLD 1.5", False)), ("$1,000.00", ("$", True)),
        ("1000. BRL", ("BRL", True)), ("1000 BRL", ("BRL", False)), ('1.00 "GOLD 1"', ("GOLD 1", True)),
        ('1 "GOLD 1.5"', ("GOLD 1.5", False)),
    ],
)  # fmt: skip
def test_a_declaration_says_the_symbol_and_whether_a_point_is_before_decimals(
    text: str, found: tuple[str, bool]
) -> None:
    assert sample_of(text, lone_comma_groups=False) == found


@pytest.mark.parametrize("text", ["", "1.000,00 EUR", "1,00 EUR", "1,000 EUR", "1000.00", "EUR USD", "x y"])
def test_other_declarations_are_refused(text: str) -> None:
    with pytest.raises(AmountError):
        sample_of(text, lone_comma_groups=False)


@pytest.mark.parametrize(
    ("note", "digits"),
    [(" minor digits: 2", 2), ("minor digits:0 ", 0), ("minor digits: 10", None), ("two minor digits: 2", None)],
)
def test_a_note_of_minor_digits_is_one_only_when_it_says_nothing_else(note: str, digits: int | None) -> None:
    assert minor_digits_of(note) == digits


def test_amounts_weights_and_assertions_move_each_by_the_digits_of_its_own_commodity() -> None:
    brl, jpy = Amount(Decimal(12345), "BRL"), Amount(Decimal(7), "JPY")
    day = date(2026, 1, 1)
    journal = Journal(
        [
            Transaction(
                1,
                day,
                "x",
                (
                    Posting(2, "A", brl, jpy),
                    Posting(3, "B", jpy, brl),
                    Posting(4, "C", None, holds=Holding(brl, alone=True)),
                ),
            )
        ],
        [Assertion(5, day, "A", brl)],
        minor_digits={"BRL": 2, "JPY": 0},
    )
    whole = in_whole_units(journal)
    moved = Amount(Decimal("123.45"), "BRL")
    assert [(one.amount, one.weight) for one in whole.transactions[0].postings] == [
        (moved, jpy), (jpy, moved), (None, None),
    ]  # fmt: skip
    assert whole.transactions[0].postings[2].holds == Holding(moved, alone=True)
    assert whole.assertions == [Assertion(5, day, "A", moved)]
    assert in_whole_units(Journal(journal.transactions)).transactions == journal.transactions
