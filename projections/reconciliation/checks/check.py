"""What a check is: a name, what it means to a person, and one query of what should not be so."""

from dataclasses import dataclass
from enum import StrEnum
from typing import LiteralString


class Scope(StrEnum):
    """Which books a check looks at: `SYSTEM` is book 0, to which things that belong to no book are booked."""

    BOOK = "book"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `code` names its findings for ever; `what_to_do` is for the person who reads one.

    `observations` is a query with the parameter `book_id` that returns one row for each thing that should
    not be so: (subject text, amount_minor bigint, asset_id smallint, side "char", detail jsonb). Subjects are
    unique; amount, asset and side are all set or all null. It reads the schema `ledger` only, so that it may
    run as `ledger_reconciler`.
    """

    code: str
    title: str
    what_to_do: str
    observations: LiteralString
    scope: Scope = Scope.BOOK
