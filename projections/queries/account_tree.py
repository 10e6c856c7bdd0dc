"""Accounts and groups of a book as the tree of its chart, with what stands below each of them, per currency.

An account rolls up into the group that its opening named, else into the one that the chart in force says; without
either it stands at the top, and so does a group without a parent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ledger_core.domain.charts import Chart
from projections.queries.accounts import Account, account_of_row
from projections.queries.amounts import Amount, Balance, balance_of
from projections.queries.assets import scales
from projections.queries.charts import chart_in_force
from projections.queries.snapshot import QUERIES, Snapshot

TOP: Final = ""


class Kind(StrEnum):
    """What a node of the tree is: accounts take entries, groups only have sums."""

    GROUP = "group"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class RolledUp:
    """Sums in one currency over all accounts below a node, or of one account.

    `held` is what open holds keep back; `available` is the sum of what is available of each account.
    """

    debits: Amount
    credits: Amount
    balance: Balance
    held: Amount
    available: Balance


@dataclass(frozen=True, slots=True)
class Node:
    """A group or an account. `accounts` counts those below it; a group has neither type nor status."""

    code: str
    kind: Kind
    name: str
    parent: str
    depth: int
    type: str
    status: str
    accounts: int
    balances: list[RolledUp]


@dataclass(frozen=True, slots=True)
class AccountTree:
    """Each node stands after its parent and before the next one of its depth: groups first, in the order of codes.

    `balances` are the sums over the whole book.
    """

    chart_version: int
    balances: list[RolledUp]
    nodes: list[Node]


def account_tree(at: Snapshot, *, groups_only: bool = False) -> AccountTree:
    """The tree by the chart in force, exact at the snapshot's position; sums are complete in either case."""
    chart = chart_in_force(at)
    homes = _homes(at, chart)
    sums = {code: _Sums() for code in (TOP, *chart.groups)}
    for home, *added in at.connection.execute(QUERIES["homes"] + QUERIES["sums_of_homes"], homes):
        for code in (*_upwards(chart, home), TOP):
            sums[code].add(*added)
    below: dict[str, list[Account]] = {}
    if not groups_only:
        for *row, home in at.connection.execute(QUERIES["homes"] + QUERIES["accounts_of_homes"], homes):
            below.setdefault(home, []).append(account_of_row(*row))
    return AccountTree(chart.version, sums[TOP].rolled_up(), list(_nodes(chart, sums, below)))


def _homes(at: Snapshot, chart: Chart) -> dict[str, object]:
    """What the chart says of where accounts stand, for the database to decide it."""
    currencies = scales(at)
    controls = [
        (code, currency, template.parent)
        for template in chart.controls.values()
        for currency in currencies
        for code in (template.code_in(currency),)
    ]
    declared = [(one.code, one.currency, one.template.parent) for one in chart.declared.values()]
    return {
        "book_id": at.book_id, "groups": list(chart.groups),
        "declared": [row[0] for row in declared], "declared_currencies": [row[1] for row in declared],
        "declared_parents": [row[2] for row in declared],
        "controls": [row[0] for row in controls], "control_currencies": [row[1] for row in controls],
        "control_parents": [row[2] for row in controls],
        "patterns": [one.pattern for one in chart.templates], "prefixes": [one.prefix for one in chart.templates],
        "template_parents": [one.parent for one in chart.templates],
    }  # fmt: skip


@dataclass(slots=True)
class _Sum:
    """Signed as debits less credits."""

    scale: int
    debits_minor: int = 0
    credits_minor: int = 0
    held_minor: int = 0
    available_minor: int = 0


@dataclass(slots=True)
class _Sums:
    """What was added up below one node."""

    accounts: int = 0
    by_currency: dict[str, _Sum] = field(default_factory=dict)

    def add(self, currency: str, scale: int, accounts: int, *minor: Decimal) -> None:
        debits_minor, credits_minor, held_minor, available_minor = (int(each) for each in minor)
        self.accounts += accounts
        total = self.by_currency.setdefault(currency, _Sum(scale))
        total.debits_minor += debits_minor
        total.credits_minor += credits_minor
        total.held_minor += held_minor
        total.available_minor += available_minor

    def rolled_up(self) -> list[RolledUp]:
        return [
            RolledUp(
                debits=Amount(total.debits_minor, currency, total.scale),
                credits=Amount(total.credits_minor, currency, total.scale),
                balance=balance_of(total.debits_minor - total.credits_minor, currency, total.scale),
                held=Amount(total.held_minor, currency, total.scale),
                available=balance_of(total.available_minor, currency, total.scale),
            )
            for currency, total in sorted(self.by_currency.items())
        ]


def _upwards(chart: Chart, group: str) -> Iterator[str]:
    """A group and those above it; the chart has made sure that none is above itself."""
    while group:
        yield group
        group = chart.groups[group].parent


def _nodes(chart: Chart, sums: Mapping[str, _Sums], below: Mapping[str, Iterable[Account]]) -> Iterator[Node]:
    children: dict[str, list[str]] = {}
    for group in sorted(chart.groups.values(), key=lambda group: group.code, reverse=True):
        children.setdefault(group.parent, []).append(group.code)
    # A stack, since how deep groups stand is for the chart to say; the accounts of a group come after its groups.
    stack = [(TOP, -1, False)]
    while stack:
        code, depth, groups_done = stack.pop()
        if groups_done:
            yield from (_leaf(chart, account, code, depth + 1) for account in below.get(code, ()))
            continue
        if code:
            yield _branch(chart, code, depth, sums[code])
        stack.append((code, depth, True))
        stack += [(child, depth + 1, False) for child in children.get(code, ())]


def _branch(chart: Chart, code: str, depth: int, sums: _Sums) -> Node:
    group = chart.groups[code]
    return Node(code, Kind.GROUP, group.name, group.parent, depth, "", "", sums.accounts, sums.rolled_up())


def _leaf(chart: Chart, account: Account, parent: str, depth: int) -> Node:
    declared = chart.declared.get(account.code)
    own = RolledUp(account.debits, account.credits, account.balance, account.held, account.available)
    name = declared.name if declared else ""
    return Node(account.code, Kind.ACCOUNT, name, parent, depth, account.type, account.status, 1, [own])
