"""Versions of a chart compared: every difference, and what accounts that are open forbid."""

from dataclasses import fields

import pytest

from ledger_core.domain.chart_changes import Change, OpenAccount, changes, contradictions
from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.payment_policy import PaymentPolicy


def chart(**members: object) -> Chart:
    return chart_from_document(members)


WALLETS = {"pattern": "wallet:*", "type": "liability"}
BANK = {"code": "bank", "type": "asset", "currency": "EUR"}
CASH = {"role": "CASH", "code": "cash:{currency}", "type": "asset"}


def test_every_difference_is_listed_by_section_and_name() -> None:
    before = chart(accounts=[BANK], controls=[CASH], templates=[WALLETS])
    after = chart(
        groups=[{"code": "money"}],
        accounts=[{**BANK, "parent": "money", "limits": {"minimum_minor": "0", "policy": "deny"}}],
        controls=[{**CASH, "keyed": True}],
        payments={"capture_tolerance_bps": 0, "void_window_minutes": 0},
        cash={"drawers": ["till:*"]},
        transfers={
            "approvals": 2, "approvals_from": {"EUR": "5"},
            "sweeps": [{"name": "s", "from": "a", "to": "b", "currency": "EUR"}],
        },
    )  # fmt: skip
    assert changes(before, after) == [
        Change("group", "money", "added"),
        Change("account", "bank", "changed", "limits.minimum_minor", "", "0"),
        Change("account", "bank", "changed", "limits.policy", "", "D"),
        Change("account", "bank", "changed", "parent", "", "money"),
        Change("control", "CASH", "changed", "keyed", "False", "True"),
        Change("template", "wallet:*", "removed"),
        Change("book", "payments", "changed", "capture_tolerance_bps", "", "0"),
        Change("book", "payments", "changed", "void_window_minutes", "", "0"),
        Change("book", "transfers", "changed", "approvals", "", "2"),
        Change("book", "transfers", "changed", "approvals from, EUR", "", "5"),
        Change("book", "transfers", "changed", "sweep s", "", "a to b in EUR, keeping 0"),
        Change("book", "cash", "changed", "drawers", "", "till:*"),
    ]
    assert changes(after, after) == []


def test_all_that_a_policy_asks_of_payments_is_compared() -> None:
    asked = PaymentPolicy(True, 1, True, 1, 1, True)
    assert len(asked.flat()) == len(fields(PaymentPolicy))


WALLET = OpenAccount("wallet:1", "liability", "EUR", "", False, 3)
OPEN_BANK = OpenAccount("bank", "asset", "EUR", "", False, 0)


@pytest.mark.parametrize(
    ("before", "after", "account", "code"),
    [
        (chart(templates=[WALLETS]), chart(templates=[WALLETS]), WALLET, ""),
        (chart(templates=[WALLETS]), chart(), WALLET, ""),
        (chart(templates=[WALLETS]), chart(templates=[{**WALLETS, "type": "asset"}]), WALLET, "CHART_TYPE_CHANGED"),
        (chart(), chart(templates=[{**WALLETS, "type": "asset"}]), WALLET, "CHART_TYPE_CHANGED"),
        # opened by hand, otherwise than the template says, before this change and after it
        (
            chart(templates=[{**WALLETS, "type": "asset"}]),
            chart(templates=[{**WALLETS, "type": "asset"}], accounts=[BANK]),
            WALLET,
            "",
        ),
        (chart(), chart(accounts=[{**BANK, "code": "wallet:1"}]), WALLET, "CHART_TYPE_CHANGED"),
        (
            chart(),
            chart(accounts=[{**BANK, "code": "wallet:1", "currency": "USD"}]),
            WALLET,
            "CHART_CURRENCY_CHANGED",
        ),
        (chart(accounts=[BANK]), chart(accounts=[{**BANK, "keyed": True}]), OPEN_BANK, "CHART_KEYED_CHANGED"),
        (chart(accounts=[BANK]), chart(), OPEN_BANK, ""),
        (chart(accounts=[BANK]), chart(), OpenAccount("bank", "asset", "EUR", "", False, 1), "CHART_ACCOUNT_DROPPED"),
        (chart(accounts=[BANK]), chart(), OpenAccount("bank", "asset", "EUR", "", False, 1, closed=True), ""),
    ],
)
def test_what_open_accounts_are_is_not_contradicted(
    before: Chart, after: Chart, account: OpenAccount, code: str
) -> None:
    assert [found.code for found in contradictions(before, after, [account])] == ([code] if code else [])
