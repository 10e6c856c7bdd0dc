"""Accounts and groups of a book as the tree of its chart, with what stands below each of them, per currency.

An account rolls up into the group that its opening named, else into the one that the chart in force says; without
either it stands at the top, and so does a group without a parent.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from ledger_core.domain.charts import Chart, chart_from_document
from projections.queries.accounts import Account, account_of_row
from projections.queries.amounts import Amount, Balance, Side, balance_of
from projections.queries.errors import NotFoundError
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
    chart = _chart_in_force(at)
    sums = {code: _Sums() for code in (TOP, *chart.groups)}
    below: dict[str, list[Account]] = {}
    for row in at.connection.execute(QUERIES["accounts_of_tree"], {"book_id": at.book_id}):
        account = account_of_row(*row[:-1])
        group = _group_of(chart, account, row[-1])
        for code in (*_upwards(chart, group), TOP):
            sums[code].add(account)
        if not groups_only:
            below.setdefault(group, []).append(account)
    return AccountTree(chart.version, sums[TOP].rolled_up(), list(_nodes(chart, sums, below)))


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

    def add(self, account: Account) -> None:
        self.accounts += 1
        total = self.by_currency.setdefault(account.currency, _Sum(account.scale))
        total.debits_minor += account.debits.minor
        total.credits_minor += account.credits.minor
        total.held_minor += account.held.minor
        available = account.available
        total.available_minor += available.amount.minor if available.side is Side.DEBIT else -available.amount.minor

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


def _chart_in_force(at: Snapshot) -> Chart:
    found = at.connection.execute(QUERIES["chart_in_force"], {"book_id": at.book_id}).fetchone()
    if found is None:
        raise NotFoundError("chart")
    return chart_from_document(found[1], version=found[0])


def _group_of(chart: Chart, account: Account, opened_under: str) -> str:
    """The group that an account rolls up into. One that the chart in force has no more cannot be that."""
    if opened_under in chart.groups:
        return opened_under
    template = chart.template_for(account.code, account.currency)
    return template.parent if template else TOP


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
