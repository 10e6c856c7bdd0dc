"""Draws the tree of accounts that `ledgerctl account tree` shows."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.cli.output import balance_text, money, table
from projections.queries.account_tree import AccountTree, Kind, Node, RolledUp

NUMBERS = ("debits", "credits", "balance", "held", "available")


def draw_tree(console: Console, tree: AccountTree) -> None:
    """A line for each currency of a node; only the first says which node it is."""
    drawn = table("account", "type", "status", "currency", *NUMBERS, right=NUMBERS)
    for node in tree.nodes:
        _add_lines(drawn, _name_of(node), (node.type, node.status), node.balances)
    _add_lines(drawn, Text("whole book", style="dim"), ("", ""), tree.balances)
    console.print(drawn)


def _name_of(node: Node) -> Text:
    name = Text("  " * node.depth)
    name.append(node.code, style="bold" if node.kind is Kind.GROUP else "")
    return name.append(f"  {node.name}" if node.name else "", style="dim")


def _add_lines(drawn: Table, name: Text, words: tuple[str, str], balances: Sequence[RolledUp]) -> None:
    if not balances:
        drawn.add_row(name, *words)
    for sums in balances:
        drawn.add_row(
            name, *words, sums.debits.currency, money(sums.debits), money(sums.credits), balance_text(sums.balance),
            money(sums.held), balance_text(sums.available),
        )  # fmt: skip
        name, words = Text(), ("", "")
