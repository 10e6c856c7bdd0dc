"""What the query API answers about groups and limits that a chart and commands gave a book."""

from typing import Any

import httpx
import pytest

from ledger_core.domain.limits import DENY, Limits
from ledger_core.operations.account_lifecycle import AccountLifecycle
from ledger_core.operations.charts import ChartCommands
from ledger_core.store.connection import Role, connect
from tests.support.posted_ledger import BOOK, PostedLedger

SHOP = f"/v1/books/{BOOK}"
WALLET = "wallet:seller:a"


@pytest.fixture
def grouped(shop: PostedLedger) -> PostedLedger:
    """The shop's sellers and buyers below one group each, and these below another."""
    commands = ChartCommands(lambda: connect(shop.dsn, Role.POSTER), BOOK)
    chart: dict[str, Any] = dict(commands.show().document)
    for template in chart["templates"]:
        if template["pattern"].startswith("wallet:"):
            template["parent"] = template["pattern"].split(":")[1]
    groups = [{"code": "seller", "parent": "wallets"}, {"code": "buyer", "parent": "wallets"}, {"code": "wallets"}]
    commands.apply({**chart, "groups": groups}, reason="a test")
    return shop


def test_groups_are_answered_from_the_top_with_sums_of_their_accounts(
    grouped: PostedLedger, client: httpx.Client
) -> None:
    answer = client.get(f"{SHOP}/groups").json()
    assert [(group["depth"], group["group"], group["parent"]) for group in answer["groups"]] == [
        (0, "wallets", ""),
        (1, "buyer", "wallets"),
        (1, "seller", "wallets"),
    ]
    listed = client.get(f"{SHOP}/accounts?limit=1000").json()["accounts"]
    sellers = [account for account in listed if account["account"].startswith("wallet:seller:")]
    (sums,) = answer["groups"][2]["balances"]
    for side in ("debits", "credits"):
        assert int(sums[side]["amount_minor"]) == sum(int(account[side]["amount_minor"]) for account in sellers)
    assert answer["groups"][2]["accounts"] == len(sellers) > 1
    assert answer["chart_version"] == 2


def test_the_groups_of_a_book_end_in_its_trial_balance(grouped: PostedLedger, client: httpx.Client) -> None:
    (total,) = client.get(f"{SHOP}/trial-balance").json()["currencies"]
    (whole,) = client.get(f"{SHOP}/groups").json()["balances"]
    assert (whole["debits"], whole["credits"], whole["balance"]) == (
        total["debits"], total["credits"], total["difference"],
    )  # fmt: skip


def test_a_book_without_groups_answers_its_sums_alone(standing: httpx.Client) -> None:
    answer = standing.get(f"{SHOP}/groups").json()
    assert (answer["groups"], len(answer["balances"])) == ([], 1)


def test_an_account_answers_its_limits_with_the_side_of_each(shop: PostedLedger, client: httpx.Client) -> None:
    assert client.get(f"{SHOP}/accounts/{WALLET}").json()["limits"] == {
        "minimum": None, "maximum": None, "policy": "allow",
    }  # fmt: skip
    lifecycle = AccountLifecycle(lambda: connect(shop.dsn, Role.POSTER), BOOK)
    lifecycle.set_limits(WALLET, Limits(-50_000, 10**9, DENY), reason="a test")
    limits = client.get(f"{SHOP}/accounts/{WALLET}").json()["limits"]
    assert limits == {
        "minimum": {"amount_minor": "50000", "currency": "BRL", "scale": 2, "side": "debit"},
        "maximum": {"amount_minor": "1000000000", "currency": "BRL", "scale": 2, "side": "credit"},
        "policy": "deny",
    }
    listed = client.get(f"{SHOP}/accounts").json()["accounts"]
    assert {account["account"]: account["limits"] for account in listed}[WALLET] == limits
