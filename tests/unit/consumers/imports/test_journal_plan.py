"""A journal as vouchers: each balanced in each currency, each event known again wherever it stands."""

import json
from typing import Any

import pytest

from consumers.imports.journal_plan import Target
from consumers.imports.journals import plan_of
from consumers.imports.names import Naming
from consumers.imports.plan import Plan

SCALES = {"USD": 2, "EUR": 2, "GLD": 3}


def plan(text: str, *, journal_format: str = "hledger", add_assets: bool = False, name: str = "", **said: Any) -> Plan:
    naming = Naming(said.get("commodities", {}), said.get("types", {}))
    return plan_of(text.split("\n"), Target("shop", journal_format, naming, SCALES, add_assets, name))


def events(found: Plan) -> list[Any]:
    assert found.faults == []
    return [json.loads(request.event) for request in found.requests]


def lines(event: Any) -> list[str]:
    return [f"{line['account']} {line['side']} {line['amount_minor']}" for line in event["data"]["lines"]]


def test_a_transaction_becomes_the_request_of_a_voucher() -> None:
    found = plan("\n2026-02-03 * (42)  Corner   shop\n  Assets:Cash  -5.00 USD\n  Expenses:Food\n")
    (event,) = events(found)
    identity = event.pop("id")
    assert event.pop("subject") == identity
    assert event == {
        "specversion": "1.0", "source": "import:journal", "type": "voucher.requested.v1",
        "time": "2026-02-03T00:00:00Z", "ledgerbook": "shop", "datacontenttype": "application/json",
        "data": {
            "kind": "transfer", "memo": "Corner shop", "metadata": {"format": "hledger", "number": "42"},
            "lines": [
                {"account": "Assets:Cash:USD", "side": "credit", "amount_minor": "500", "currency": "USD"},
                {"account": "Expenses:Food:USD", "side": "debit", "amount_minor": "500", "currency": "USD"},
            ],
        },
    }  # fmt: skip
    assert [(one.code, one.type, one.currency) for one in found.accounts.values()] == [
        ("Assets:Cash:USD", "asset", "USD"),
        ("Expenses:Food:USD", "expense", "USD"),
    ]
    assert (found.requests[0].line, found.debits) == (2, {"USD": 500})


@pytest.mark.parametrize(
    ("postings", "expected"),
    [
        (("Assets:Cash  -20 EUR @ 7.53 USD", "Assets:Cash  150.60 USD"), [
            "Assets:Cash:EUR credit 2000", "Assets:Cash:USD debit 15060", "trading:EUR debit 2000",
            "trading:USD credit 15060",
        ]),
        (("Assets:Gold  1.5 GLD", "Assets:Cash  -90 USD"), [
            "Assets:Gold:GLD debit 1500", "Assets:Cash:USD credit 9000", "trading:GLD credit 1500",
            "trading:USD debit 9000",
        ]),
        (("(Equity:Plan)  7 USD", "Assets:Cash  1 USD", "Income:X"), [
            "Assets:Cash:USD debit 100", "Income:X:USD credit 100", "Equity:Plan:USD debit 700",
            "equity:virtual:USD credit 700",
        ]),
        (("Assets:Cash  5 USD", "Assets:Cash  -2 USD", "Income:X  -3 USD"), [
            "Assets:Cash:USD debit 300", "Income:X:USD credit 300",
        ]),
        (("Assets:Cash  5 USD", "Assets:Cash  -5 USD", "Assets:B  1 USD", "Income:X  -1 USD"), [
            "Assets:B:USD debit 100", "Income:X:USD credit 100",
        ]),
        (("Assets:Cash  2 USD", "Assets:Cash  3 USD", "Income:X"), [
            "Assets:Cash:USD debit 200", "Assets:Cash:USD debit 300", "Income:X:USD credit 500",
        ]),
        (("Assets:Cash  2 USD", "Assets:B  0 USD", "Income:X"), [
            "Assets:Cash:USD debit 200", "Income:X:USD credit 200",
        ]),
    ],
)  # fmt: skip
def test_lines_balance_in_each_currency_by_themselves(postings: tuple[str, ...], expected: list[str]) -> None:
    (event,) = events(plan("2026-01-01 x\n" + "".join(f"  {posting}\n" for posting in postings)))
    assert lines(event) == expected


def test_a_transaction_without_an_amount_is_counted_not_posted() -> None:
    found = plan("2026-01-01 x\n  Assets:Cash  0 USD\n  Income:X\n")
    assert (events(found), found.read_over["transaction without an amount"]) == ([], 1)


ONE = "2026-01-01 rent\n  Assets:Cash  -5 USD\n  Expenses:Home\n\n"
OTHER = "2026-01-02 rent\n  Assets:Cash  -5 USD\n  Expenses:Home\n\n"


def ids(text: str, **said: Any) -> list[str]:
    return [event["id"] for event in events(plan(text, **said))]


def test_a_transaction_keeps_its_id_in_a_file_that_grew_and_equal_ones_are_told_apart() -> None:
    first, second, third = ids(ONE + OTHER + ONE)
    assert len({first, second, third}) == 3
    assert ids("; a new heading\n\n" + OTHER + ONE + ONE) == [second, first, third]
    assert not set(ids(ONE, name="2025")) & set(ids(ONE))


def test_assets_are_added_when_asked_with_the_decimals_that_are_written() -> None:
    text = "2026-01-01 x\n  Assets:Shares  1.250 ACME\n  Assets:Cash  -3 USD\n"
    assert [fault.line for fault in plan(text).faults] == [2]
    assert plan(text, add_assets=True).new_assets == {"ACME": 3}


def test_symbols_and_types_are_what_the_user_says() -> None:
    text = "2026-01-01 x\n  till  $5\n  sales\n"
    assert [fault.line for fault in plan(text).faults] == [2]
    found = plan(text, commodities={"$": "USD"}, types={"till": "asset", "*": "revenue"})
    assert [lines(event) for event in events(found)] == [["till:USD debit 500", "sales:USD credit 500"]]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2026-01-01 x\n  Assets:A  0.001 USD\n  Income:X\n", 2),
        ("2026-01-01 x\n  Income:X  -99999999999999999 USD\n  Assets:A  99999999999999999 USD\n", 2),
        ("2026-01-01 x\n  Assets:A  1 XXX\n  Income:X\n", 2),
        (f"2026-01-01 {'m' * 501}\n  Assets:A  1 USD\n  Income:X\n", 1),
        ("2026-01-01 x\n" + "  Assets:A  1 USD\n" * 1_000 + "  Income:X\n", 1),
        ("2026-01-01 x\n  Öl  1 USD\n  Income:X\n", 2),
        ("2026-01-01 x\n  Assets:A  1 USD\n  Sundry\n", 3),
    ],
)
def test_what_the_ledger_cannot_hold_is_a_fault_with_its_line(text: str, line: int) -> None:
    assert plan(text).faults[0].line == line


def test_trading_accounts_are_the_ones_of_the_chart() -> None:
    text = "2026-01-01 x\n  Assets:Cash  -20 EUR @ 7.53 USD\n  Assets:Cash  150.60 USD\n"
    target = Target("shop", "hledger", Naming(), SCALES, trading=lambda currency: (f"fx:{currency}:desk", "asset"))
    (event,) = events(plan_of(text.split("\n"), target))
    assert lines(event)[2:] == ["fx:EUR:desk debit 2000", "fx:USD:desk credit 15060"]
