"""Codes for the names of a journal: without loss, and nothing guessed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.imports.names import Naming, UnnamedError, escaped

CODE = re.compile(r"[A-Za-z0-9:._-]*")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Assets:US:BofA:Checking", "Assets:US:BofA:Checking:USD"),
        ("Equity:Opening Balances", "Equity:Opening_Balances:USD"),
        ("U.S. Bonds_1", "U.2eS.2e_Bonds.5f1:USD"),
        ("Kasse:Köln", "Kasse:K.c3.b6ln:USD"),
        ("1:2:3", "1:2:3:USD"),
    ],
)
def test_an_account_is_its_name_and_its_asset(name: str, code: str) -> None:
    assert Naming().account(name, "USD") == code


@pytest.mark.parametrize("name", ["", "Öl", "_x", "control:CASH", "x" * 200, "(A", " A"])
def test_a_name_that_no_code_can_say_is_refused(name: str) -> None:
    with pytest.raises(UnnamedError):
        Naming().account(name, "USD")


@given(st.text(max_size=30), st.text(max_size=30))
def test_different_names_stay_different(one: str, other: str) -> None:
    codes = escaped(one), escaped(other)
    assert all(CODE.fullmatch(code) for code in codes)
    assert (codes[0] == codes[1]) == (one == other)


@pytest.mark.parametrize(
    ("commodity", "asset"), [("USD", "USD"), ("$", "USD"), ("", "UNITS"), ("Gold coins", "GOLD"), ("VBMPX", "VBMPX")]
)
def test_a_commodity_is_its_own_code_or_the_one_that_is_given(commodity: str, asset: str) -> None:
    assert Naming({"$": "USD", "": "UNITS", "Gold coins": "GOLD"}).asset(commodity) == asset


@pytest.mark.parametrize("commodity", ["$", "", "A", "usd", "TOOLONGFORACODE", "GOLD COINS", "BRK.B"])
def test_a_commodity_that_is_no_code_is_refused(commodity: str) -> None:
    with pytest.raises(UnnamedError, match="--commodity"):
        Naming().asset(commodity)


DECLARED = {"Wallet": "asset", "Assets:Loan": "liability"}


@pytest.mark.parametrize(
    ("name", "account_type"),
    [
        ("Assets:Cash", "asset"),
        ("liabilities:card", "liability"),
        ("Income", "revenue"),
        ("Expenses:Home:Rent", "expense"),
        ("Equity", "equity"),
        ("Wallet:Small", "asset"),
        ("Assets:Loan:Bank", "liability"),
        ("Assets:Loan:Mine", "expense"),
        ("Sundry", "equity"),
    ],
)
def test_a_type_is_said_by_the_user_then_by_the_file_then_by_the_top_level_name(name: str, account_type: str) -> None:
    naming = Naming(types={"Assets:Loan:Mine": "expense", "*": "equity"})
    assert naming.type_of(name, DECLARED) == account_type


@pytest.mark.parametrize("name", ["af0628973ff35bd62ddb048fa41dd8d83c1c46fe", "1:2", "Assetsx"])
def test_a_type_that_nobody_says_is_not_guessed(name: str) -> None:
    with pytest.raises(UnnamedError, match="nothing says its type"):
        Naming().type_of(name, {})
