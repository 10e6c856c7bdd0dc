"""Opening balances from CSV: each row a voucher against equity, each bad row named."""

import json
from typing import Any

import pytest

from consumers.imports.model import ImportFaultsError
from consumers.imports.opening import plan_opening
from consumers.imports.plan import Plan

HEAD = "account,type,side,amount_minor,currency"
SCALES = {"EUR": 2, "JPY": 0, "BTC": 8}
TIME = "2026-01-01T00:00:00.000000Z"


def plan(*rows: str, head: str = HEAD, balanced: bool = False) -> Plan:
    return plan_opening([head, *rows, ""], book="shop", time=TIME, scales=SCALES, demand_balanced=balanced)


def refused(*rows: str, head: str = HEAD, balanced: bool = False) -> ImportFaultsError:
    with pytest.raises(ImportFaultsError) as found:
        plan(*rows, head=head, balanced=balanced)
    return found.value


def test_each_row_is_a_voucher_against_the_equity_of_its_currency() -> None:
    found = plan("cash:bank,asset,debit,1000,EUR", "wallet:1,liability,credit,700,EUR", "cash:yen,asset,debit,5,JPY")
    events: list[Any] = [json.loads(request.event) for request in found.requests]
    assert [event["id"] for event in events] == ["cash:bank", "wallet:1", "cash:yen"]
    assert events[1]["source"] == "import:opening"
    assert events[1]["data"] == {
        "kind": "opening_balance",
        "lines": [
            {"account": "wallet:1", "side": "credit", "amount_minor": "700", "currency": "EUR"},
            {"account": "equity:opening:EUR", "side": "debit", "amount_minor": "700", "currency": "EUR"},
        ],
    }
    assert [(one.code, one.type) for one in found.accounts.values()] == [
        ("cash:bank", "asset"), ("equity:opening:EUR", "equity"), ("wallet:1", "liability"), ("cash:yen", "asset"),
        ("equity:opening:JPY", "equity"),
    ]  # fmt: skip
    assert [request.line for request in found.requests] == [2, 3, 4]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("10.50", "EUR", "1050"), ("1,234.5", "EUR", "123450"), ("7", "JPY", "7"), ("0.00000001", "BTC", "1")],
)
def test_amounts_with_decimals_are_read_by_the_scale_of_their_asset(amount: str, currency: str, minor: str) -> None:
    found = plan(f'a,asset,debit,"{amount}",{currency}', head="account,type,side,amount,currency")
    assert json.loads(found.requests[0].event)["data"]["lines"][0]["amount_minor"] == minor


GOOD = "cash:bank,asset,debit,1000,EUR"


@pytest.mark.parametrize(
    "row",
    [
        ",asset,debit,1,EUR", "a b,asset,debit,1,EUR", "control:CASH,asset,debit,1,EUR", "a,assets,debit,1,EUR",
        "a,asset,D,1,EUR", "a,asset,debit,0,EUR", "a,asset,debit,-1,EUR", "a,asset,debit,1.0,EUR",
        "a,asset,debit,01,EUR",
        "a,asset,debit,1000000000000000000,EUR", "a,asset,debit,１,EUR", "a,asset,debit,,EUR", "a,asset,debit,1,EURO",
        "a,asset,debit,1,", "cash:bank,asset,debit,5,EUR", "equity:opening:EUR,equity,debit,5,EUR",
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_of_the_file_is_imported(row: str) -> None:
    error = refused(GOOD, row)
    assert (error.code, [fault.line for fault in error.faults]) == ("IMPORT_INVALID", [3])


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("0.001", "EUR"), ("1.5", "JPY"), ("-1", "EUR"), ("0", "EUR"), ("1,234", "EUR"), ("1e3", "EUR")],
)
def test_an_amount_that_is_none_of_its_asset_is_refused(amount: str, currency: str) -> None:
    error = refused(f'a,asset,debit,"{amount}",{currency}', head="account,type,side,amount,currency")
    assert [fault.line for fault in error.faults] == [2]


def test_every_bad_row_is_listed() -> None:
    error = refused("a,asset,debit,0,EUR", GOOD, "b,x,y,1,EUR", "c,asset,debit,1")
    assert [fault.line for fault in error.faults] == [5]  # shape first: cells that are not there cannot be judged
    error = refused("a,asset,debit,0,EUR", GOOD, "b,x,y,1,EUR")
    assert [fault.line for fault in error.faults] == [2, 4, 4]


@pytest.mark.parametrize(
    "head", ["", "account,type,side,currency", "account;type;side;amount;currency", f"{HEAD},amount"]
)
def test_other_columns_are_refused(head: str) -> None:
    assert refused(GOOD, head=head).faults[0].line == 1


def test_a_file_without_rows_is_refused() -> None:
    assert refused().faults[0].text == "there is no row below the columns"


def test_a_file_that_has_to_balance_by_itself_is_refused_when_it_does_not() -> None:
    error = refused(GOOD, "b,liability,credit,999,EUR", "c,asset,debit,5,JPY", balanced=True)
    assert error.code == "IMPORT_UNBALANCED"
    assert [fault.text for fault in error.faults] == [
        "debits less credits in EUR: 1 minor units",
        "debits less credits in JPY: 5 minor units",
    ]
    assert len(plan(GOOD, "b,liability,credit,1000,EUR", balanced=True).requests) == 2
