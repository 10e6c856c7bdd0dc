"""The tree of accounts: each group has the sum of its children, in every currency, down to the heads."""

from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.charts import chart_from_document
from projections.queries import accounts
from projections.queries.account_tree import AccountTree, Kind, Node, RolledUp, account_tree
from projections.queries.amounts import Balance, Side
from projections.queries.snapshot import snapshot
from tests.support.account_events import opened
from tests.support.hold_events import placed
from tests.support.postings import Scene, captured, outcomes
from tests.support.shop import shop_at

pytestmark = pytest.mark.postgres

GROUPS = [
    {"code": "owed", "name": "What we owe"},
    {"code": "owed:sellers", "parent": "owed"},
    {"code": "owed:sellers:large", "parent": "owed:sellers"},
    {"code": "owned"},
    {"code": "unused", "parent": "owned"},
]
LARGE, SMALL = "wallet:seller:large", "wallet:seller:1"
CLEARING = "clearing:processor:EUR"


def grouped(chart: dict[str, Any]) -> dict[str, Any]:
    """The chart with three levels of groups; sellers belong to one, the clearing accounts to another."""
    for member in [*chart["controls"], *chart["templates"]]:
        name = member.get("pattern", member.get("code"))
        if name == "wallet:seller:*":
            member["parent"] = "owed:sellers"
        elif name == "clearing:processor:{currency}":
            member["parent"] = "owned"
    return {**chart, "groups": GROUPS}


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """Two sellers in two currencies, one of them opened by an event under a group of its own; a hold on the other."""
    scene.apply_chart(grouped(scene.chart()))
    batch = [
        opened(LARGE, parent="owed:sellers:large"),
        captured("o-1", 100),
        captured("o-2", 700, to=LARGE),
        captured("o-3", 50, to="wallet:seller:us", currency="USD"),
        placed("h-1", 30, of=SMALL),
    ]
    assert outcomes(scene.post(*batch)) == ["RECORDED", "POSTED", "POSTED", "POSTED", "RECORDED"]
    return scene


def read(pool: ConnectionPool, *, groups_only: bool = False) -> AccountTree:
    with shop_at(pool) as at:
        return account_tree(at, groups_only=groups_only)


def signed(balance: Balance) -> int:
    """Debits less credits."""
    return balance.amount.minor if balance.side is Side.DEBIT else -balance.amount.minor


def numbers(balances: list[RolledUp]) -> dict[str, tuple[int, ...]]:
    """Debits, credits, balance, held and available of each currency."""
    return {
        one.debits.currency: (
            one.debits.minor, one.credits.minor, signed(one.balance), one.held.minor, signed(one.available)
        )
        for one in balances
    }  # fmt: skip


def added(nodes: list[Node]) -> dict[str, tuple[int, ...]]:
    sums: dict[str, tuple[int, ...]] = {}
    for node in nodes:
        for currency, values in numbers(node.balances).items():
            before = sums.get(currency, (0,) * len(values))
            sums[currency] = tuple(a + b for a, b in zip(before, values, strict=True))
    return sums


def test_nodes_stand_below_their_parents(scene: Scene, pool: ConnectionPool) -> None:
    tree = read(pool)
    assert [(node.depth, node.code, node.parent) for node in tree.nodes] == [
        (0, "owed", ""),
        (1, "owed:sellers", "owed"),
        (2, "owed:sellers:large", "owed:sellers"),
        (3, LARGE, "owed:sellers:large"),
        (2, SMALL, "owed:sellers"),
        (2, "wallet:seller:us", "owed:sellers"),
        (0, "owned", ""),
        (1, "unused", "owned"),
        (1, CLEARING, "owned"),
        (1, "clearing:processor:USD", "owned"),
    ]
    assert (tree.chart_version, tree.nodes[0].name) == (2, "What we owe")


def test_a_group_has_the_sums_of_its_children_in_each_currency(scene: Scene, pool: ConnectionPool) -> None:
    tree = read(pool)
    for group in (node for node in tree.nodes if node.kind is Kind.GROUP):
        children = [node for node in tree.nodes if node.parent == group.code]
        assert numbers(group.balances) == added(children), group.code
        assert group.accounts == sum(child.accounts for child in children)
    by_code = {node.code: numbers(node.balances) for node in tree.nodes}
    assert by_code["owed"] == {"EUR": (0, 800, -800, 30, -770), "USD": (0, 50, -50, 0, -50)}
    assert by_code["owed:sellers:large"] == {"EUR": (0, 700, -700, 0, -700)}
    assert by_code["unused"] == {}


def test_the_whole_book_is_the_sum_of_its_top_and_balances(scene: Scene, pool: ConnectionPool) -> None:
    tree = read(pool)
    assert numbers(tree.balances) == added([node for node in tree.nodes if not node.parent])
    assert {one.debits.currency: signed(one.balance) for one in tree.balances} == {"EUR": 0, "USD": 0}


def test_each_account_stands_in_the_tree_once_with_its_own_balance(scene: Scene, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        listed = accounts.accounts(at)
        leaves = [node for node in account_tree(at).nodes if node.kind is Kind.ACCOUNT]
    assert sorted((node.code, node.balances[0].balance, node.balances[0].available) for node in leaves) == [
        (account.code, account.balance, account.available) for account in listed
    ]


def test_groups_alone_have_the_same_sums(scene: Scene, pool: ConnectionPool) -> None:
    assert read(pool, groups_only=True).nodes == [node for node in read(pool).nodes if node.kind is Kind.GROUP]


def test_an_account_whose_group_is_gone_stands_where_the_chart_says(scene: Scene, pool: ConnectionPool) -> None:
    chart = scene.chart()
    chart["groups"] = [group for group in chart["groups"] if group["code"] != "owed:sellers:large"]
    scene.apply_chart(chart)
    parents = {node.code: node.parent for node in read(pool).nodes}
    assert parents[LARGE] == "owed:sellers"


def test_an_account_that_no_group_has_stands_at_the_top(scene: Scene, pool: ConnectionPool) -> None:
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    last = read(pool).nodes[-1]
    assert (last.code, last.depth, last.parent, last.balances[0].balance.side) == ("vault:1", 0, "", Side.NONE)


def test_a_book_without_groups_is_a_list(scene: Scene, pool: ConnectionPool) -> None:
    chart = {name: rows for name, rows in scene.chart().items() if name != "groups"}
    for member in [*chart["controls"], *chart["templates"]]:
        member.pop("parent", None)
    scene.apply_chart(chart)
    assert {node.depth for node in read(pool).nodes} == {0}


def test_the_database_finds_the_home_of_each_account_as_the_chart_does(scene: Scene, pool: ConnectionPool) -> None:
    """Declared accounts before controls before templates, of which the first that fits; a declared code in another
    currency has no home at all."""
    groups = [{"code": code} for code in ("declared", "control", "first", "second", "exact")]
    document = {
        "groups": groups,
        "accounts": [
            {"code": "x:declared", "type": "asset", "currency": "EUR", "parent": "declared"},
            {"code": "till:USD", "type": "asset", "currency": "USD"},
        ],
        "controls": [{"role": "TILL", "code": "till:{currency}", "type": "asset", "parent": "control"}],
        "templates": [
            {"pattern": "x:exact", "type": "asset", "parent": "exact"},
            {"pattern": "x:first:*", "type": "asset", "parent": "first"},
            {"pattern": "x:*", "type": "asset", "parent": "second"},
            {"pattern": "y_:*", "type": "asset"},
        ],
    }
    scene.create_book("other")
    accounts_of = scene.accounts("other")
    accounts_of.open_account("till:GEL", account_type="asset", currency="USD")
    scene.apply_chart({**document, "sources": [{"source": "*", "types": ["*"]}]}, "other")
    named = ["x:exact", "x:exact:1", "x:first:", "x:first:1", "x:f", "x:", "y_:1", "y1:1", "till:EUR", "z"]
    for code in named:
        accounts_of.open_account(code, account_type="asset", currency="EUR")
    chart = chart_from_document(document)
    with snapshot(pool, "other") as at:
        tree = account_tree(at)
        listed = {account.code: account.currency for account in accounts.accounts(at, limit=1_000)}
    leaves = {node.code: node.parent for node in tree.nodes if node.kind is Kind.ACCOUNT}
    assert leaves.keys() == listed.keys() >= {*named, "till:GEL", "x:declared", "till:USD"}
    assert leaves == {
        code: template.parent if (template := chart.template_for(code, currency)) else ""
        for code, currency in listed.items()
    }
    assert {*leaves.values()} == {"", "declared", "control", "first", "second", "exact"}
    assert {node.code: node.accounts for node in tree.nodes if node.kind is Kind.GROUP}["second"] == 3
