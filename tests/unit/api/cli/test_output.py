"""What commands print: amounts and times as on the wire, and as people read them."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple

import pytest

from api.cli.output import balance_text, money, to_json
from projections.queries.amounts import Amount, Balance, Side


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Amount(1_600_887_212, "BRL", 2), "16,008,872.12"),
        (Amount(5, "BRL", 2), "0.05"),
        (Amount(0, "BRL", 2), "0.00"),
        (Amount(17_145, "JPY", 0), "17,145"),
        (Amount(1, "BTC", 8), "0.00000001"),
        (Amount(9_223_372_036_854_775_807, "KWD", 3), "9,223,372,036,854,775.807"),
    ],
)
def test_money_has_the_currency_s_own_digits_to_the_last(amount: Amount, text: str) -> None:
    assert money(amount) == text


def test_a_balance_names_its_side_and_zero_has_none() -> None:
    assert balance_text(Balance(Amount(100, "EUR", 2), Side.CREDIT)) == "1.00 credit"
    assert balance_text(Balance(Amount(0, "EUR", 2), Side.NONE)) == "0.00"


def test_amounts_are_digit_strings_and_times_are_utc() -> None:
    at = datetime(2026, 11, 21, 9, 0, 0, 5, tzinfo=timezone(timedelta(hours=1)))
    value = {
        "a": Amount(100, "EUR", 2),
        "b": Balance(Amount(7, "JPY", 0), Side.DEBIT),
        "at": at,
        "day": date(2026, 1, 2),
    }
    assert to_json(value) == (
        '{"a":{"amount_minor":"100","currency":"EUR","scale":2},'
        '"b":{"amount_minor":"7","currency":"JPY","scale":0,"side":"debit"},'
        '"at":"2026-11-21T08:00:00.000005Z","day":"2026-01-02"}'
    )
    assert at.astimezone(UTC).hour == 8


class Place(NamedTuple):
    """What has names of its own."""

    row: int
    what: tuple[str, ...]


def test_what_has_names_keeps_them_and_what_has_none_is_a_list() -> None:
    assert to_json([Place(1, ("a", "b"))]) == '[{"row":1,"what":["a","b"]}]'
