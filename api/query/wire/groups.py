"""The groups of a chart on the wire, with the sums of what is below each."""

from typing import Self

from pydantic import Field

from api.query.wire.base import Amount, Balance, Position, Wire
from projections.queries import account_tree


class RolledUp(Wire):
    """Sums in one currency."""

    debits: Amount
    credits: Amount
    balance: Balance
    held: Amount = Field(description="What open holds keep back")
    available: Balance = Field(description="The sum of what is available of each account")

    @classmethod
    def of(cls, sums: account_tree.RolledUp) -> Self:
        return cls(
            debits=Amount.of(sums.debits), credits=Amount.of(sums.credits), balance=Balance.at(sums.balance),
            held=Amount.of(sums.held), available=Balance.at(sums.available),
        )  # fmt: skip


class Group(Wire):
    group: str
    name: str
    parent: str = Field(description="The group above; empty at the top")
    depth: int = Field(description="0 at the top")
    accounts: int = Field(description="Number of accounts below it, at any depth")
    balances: list[RolledUp] = Field(description="One for each currency that is below it")

    @classmethod
    def of(cls, node: account_tree.Node) -> Self:
        return cls(
            group=node.code, name=node.name, parent=node.parent, depth=node.depth, accounts=node.accounts,
            balances=[RolledUp.of(sums) for sums in node.balances],
        )  # fmt: skip


class GroupsAnswer(Wire):
    book: str
    position: Position
    chart_version: int = Field(description="The version in force, by which accounts roll up")
    balances: list[RolledUp] = Field(description="Sums over the whole book, accounts without a group included")
    groups: list[Group] = Field(description="Each after the one above it, else in the order of their codes")
