"""A journal as vouchers: one for each transaction, balanced in each currency by itself.

Where commodities are exchanged, the two sides meet in the book's trading accounts, one a currency; what stands
outside a transaction's balance (virtual postings) is balanced by `equity:virtual:CURRENCY`.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import orjson

from consumers.imports.model import EXACT, Fault, Journal, Posting, Transaction
from consumers.imports.names import Naming, UnnamedError
from consumers.imports.plan import (
    MAX_SCALE,
    ConversionError,
    Line,
    Plan,
    balancing_lines,
    minor_units,
    places_needed,
)
from ledger_core.domain.charts import AccountType

SOURCE: Final = "import:journal"
KIND: Final = "transfer"
MAX_LINES: Final = 1_000
MAX_TEXT: Final = 500
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Target:
    """What the journal is planned for. `scales` are those of the ledger's assets; with `add_assets` others are added.

    `name` tells journals apart in which equal transactions are not the same one.
    """

    book: str
    format: str
    naming: Naming
    scales: Mapping[str, int]
    add_assets: bool = False
    name: str = ""
    trading: Callable[[str], tuple[str, AccountType]] = lambda currency: (f"trading:{currency}", "equity")


def plan_journal(journal: Journal, transactions: Sequence[Transaction], target: Target) -> Plan:
    """The plan for balanced transactions of a journal; `plan.faults` says what cannot be done."""
    plan = Plan(target.book, SOURCE, read_over=Counter(journal.read_over))
    scales = _scales(transactions, target, plan)
    if plan.faults:
        return plan
    planner = _Planner(plan, target, scales, journal.account_types)
    for transaction in transactions:
        planner.add(transaction)
    return plan


def _scales(transactions: Sequence[Transaction], target: Target, plan: Plan) -> dict[str, int]:
    """The scale of every asset that the journal uses; those that have to be added go into the plan."""
    numbers: defaultdict[str, list[Decimal]] = defaultdict(list)
    first: dict[str, Posting] = {}
    for posting in _postings(transactions):
        assert posting.amount is not None
        numbers[posting.amount.commodity].append(posting.amount.number)
        first.setdefault(posting.amount.commodity, posting)
    scales: dict[str, int] = {}
    for commodity, posting in first.items():
        try:
            code = target.naming.asset(commodity)
        except UnnamedError as error:
            plan.faults.append(Fault(posting.line, str(error)))
            continue
        if code in target.scales:
            scales[code] = target.scales[code]
        elif target.add_assets:
            needed = max(places_needed(numbers[commodity]), scales.get(code, 0))
            if needed > MAX_SCALE:
                plan.faults.append(
                    Fault(posting.line, f"{commodity} is written with {needed} decimals, an asset has {MAX_SCALE}")
                )
            scales[code] = plan.new_assets[code] = needed
        else:
            plan.faults.append(
                Fault(posting.line, f"the ledger has no asset {code}: add it, or let --add-assets do so")
            )
    return scales


def _postings(transactions: Sequence[Transaction]) -> list[Posting]:
    return [posting for transaction in transactions for posting in transaction.postings]


class _Planner:
    """Makes one request of each transaction."""

    def __init__(self, plan: Plan, target: Target, scales: Mapping[str, int], declared: Mapping[str, str]) -> None:
        self._plan = plan
        self._target = target
        self._scales = scales
        self._declared = declared
        self._seen: Counter[str] = Counter()

    def add(self, transaction: Transaction) -> None:
        known_faults = len(self._plan.faults)
        real = self._lines([posting for posting in transaction.postings if not posting.virtual])
        virtual = self._lines([posting for posting in transaction.postings if posting.virtual])
        if len(self._plan.faults) > known_faults:
            return
        lines = _on_one_side(
            [*real, *self._balancing(transaction, real), *virtual, *self._opposing(transaction, virtual)]
        )
        if not lines:
            self._plan.read_over["transaction without an amount"] += 1
            return
        if len(lines) > MAX_LINES:
            self._fault(transaction.line, f"{len(lines)} lines: a voucher has {MAX_LINES} at most")
        memo = " ".join(transaction.description.split())
        for what, text in (("description", memo), ("code", transaction.number)):
            if len(text) > MAX_TEXT or _CONTROL.search(text):
                self._fault(transaction.line, f"the {what} is longer than {MAX_TEXT}, or holds control characters")
        metadata = {"format": self._target.format, "number": transaction.number, "journal": self._target.name}
        data: dict[str, object] = {"kind": KIND, "metadata": {name: text for name, text in metadata.items() if text}}
        if memo:
            data["memo"] = memo
        time = f"{transaction.day.isoformat()}T00:00:00Z"
        self._plan.ask(transaction.line, self._event_id(transaction, memo), time, data, lines)

    def _event_id(self, transaction: Transaction, memo: str) -> str:
        """Made of the transaction's own words, so that it has the same id wherever it stands in its file, and whatever
        codes its names are mapped to: mapped otherwise it is refused, never posted again. Of equal ones the second
        has another."""
        postings = [_words(posting) for posting in transaction.postings]
        said = [self._target.name, transaction.day.isoformat(), transaction.number, memo, postings]
        digest = hashlib.sha256(orjson.dumps(said)).hexdigest()[:32]
        self._seen[digest] += 1
        return f"{digest}-{self._seen[digest]}"

    def _lines(self, postings: Sequence[Posting]) -> list[Line]:
        lines = []
        for posting in postings:
            assert posting.amount is not None
            try:
                currency = self._target.naming.asset(posting.amount.commodity)
                minor = minor_units(posting.amount, self._scales[currency])
                code = self._target.naming.account(posting.account, currency)
                account_type = self._target.naming.type_of(posting.account, self._declared)
            except (UnnamedError, ConversionError) as error:
                self._fault(posting.line, str(error))
                continue
            self._plan.want(posting.line, code, account_type, currency)
            if minor:
                lines.append(Line(code, "debit" if minor > 0 else "credit", abs(minor), currency))
            else:
                self._plan.read_over["posting of nothing"] += 1
        return lines

    def _balancing(self, transaction: Transaction, lines: Sequence[Line]) -> list[Line]:
        accounts = {line.currency: self._target.trading(line.currency) for line in lines}
        added = balancing_lines(lines, {currency: code for currency, (code, _) in accounts.items()})
        for line in added:
            self._plan.want(transaction.line, line.account, accounts[line.currency][1], line.currency)
        return added

    def _opposing(self, transaction: Transaction, lines: Sequence[Line]) -> list[Line]:
        added = balancing_lines(lines, {line.currency: f"equity:virtual:{line.currency}" for line in lines})
        for line in added:
            self._plan.want(transaction.line, line.account, "equity", line.currency)
        return added

    def _fault(self, line: int, text: str) -> None:
        self._plan.faults.append(Fault(line, text))


def _words(posting: Posting) -> list[object]:
    """A posting as its journal says it, but for the zeros at the end of its numbers."""
    said = [
        None if amount is None else [format(EXACT.normalize(amount.number), "f"), amount.commodity]
        for amount in (posting.amount, posting.weight)
    ]
    return [posting.account, posting.virtual, *said]


def _on_one_side(lines: Sequence[Line]) -> list[Line]:
    """No voucher has an account on both sides: where a transaction has, its lines are one of what is left."""
    sides: defaultdict[str, set[str]] = defaultdict(set)
    for line in lines:
        sides[line.account].add(line.side)
    if all(len(both) == 1 for both in sides.values()):
        return list(lines)
    nets: dict[str, int] = {}
    for line in lines:
        if len(sides[line.account]) > 1:
            signed = line.amount_minor if line.side == "debit" else -line.amount_minor
            nets[line.account] = nets.get(line.account, 0) + signed
    kept: list[Line] = []
    for line in lines:
        if line.account not in nets:
            if len(sides[line.account]) == 1:
                kept.append(line)
        elif net := nets.pop(line.account):
            kept.append(Line(line.account, "debit" if net > 0 else "credit", abs(net), line.currency))
    return kept
