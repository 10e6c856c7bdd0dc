"""The formats of plain-text journals: how each is read, and how exactly its program balances a transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

from consumers.imports.balancing import Tolerance, balanced, half_a_unit, rounds_to_zero
from consumers.imports.beancount_text import read_beancount_text
from consumers.imports.commodities import in_whole_units
from consumers.imports.journal_plan import Target, plan_journal
from consumers.imports.ledger_text import Dialect, read_ledger_text
from consumers.imports.model import Journal
from consumers.imports.plan import Plan


@dataclass(frozen=True, slots=True)
class Format:
    """One program's journals. With `implied_exchange` two commodities may stand against each other without a price."""

    read: Callable[[Sequence[str]], Journal]
    tolerance: Tolerance
    implied_exchange: bool
    endings: tuple[str, ...]


FORMATS: Mapping[str, Format] = MappingProxyType({
    "hledger": Format(
        lambda lines: read_ledger_text(lines, Dialect.HLEDGER), rounds_to_zero, True, (".journal", ".j", ".hledger")
    ),
    "ledger": Format(
        lambda lines: read_ledger_text(lines, Dialect.LEDGER), rounds_to_zero, True, (".ledger", ".dat", ".ldg")
    ),
    "beancount": Format(read_beancount_text, half_a_unit, False, (".beancount", ".bean")),
})  # fmt: skip


def format_of(path: PurePath) -> str | None:
    """The format that a file's ending tells."""
    return next((name for name, known in FORMATS.items() if path.suffix in known.endings), None)


def plan_of(lines: Sequence[str], target: Target) -> Plan:
    """The plan of a journal's lines. Raises `ImportFaultsError` for one that is not understood or does not balance."""
    known = FORMATS[target.format]
    journal = in_whole_units(known.read(lines))
    transactions = balanced(journal, known.tolerance, implied_exchange=known.implied_exchange)
    return plan_journal(journal, transactions, target)
