"""An import against its book: what is there already, then assets, accounts and events, in this order.

Everything here can be cut short and done again: an asset or account that exists is left as it is, and an event that
was decided before is REPLAYED.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from consumers.files import HEADERS, FileIngest, LineOutcome
from consumers.imports.model import Fault, ImportFaultsError
from consumers.imports.plan import EVENT_TYPE, Plan, WantedAccount
from consumers.transport.ports import StoredRecord
from ledger_core.domain.charts import AccountType, Chart, Role
from ledger_core.operations.account_lifecycle import AccountLifecycle
from ledger_core.operations.assets import add_asset
from ledger_core.operations.imports import note_import
from ledger_core.store.books import Book, Books
from ledger_core.store.recorder import Transactions

SCALES: Final = "SELECT code, scale FROM ledger.asset"
ACCOUNTS: Final[LiteralString] = """
SELECT account.code, account.type, asset.code, status
FROM ledger.account JOIN ledger.account_head USING (book_id, account_id)
JOIN ledger.asset ON asset.asset_id = account.asset_id
WHERE book_id = %s AND account.code = ANY(%s)
"""
KNOWN: Final[LiteralString] = """
SELECT event_id, fingerprint FROM ledger.inbox JOIN ledger.source USING (book_id, source_id)
WHERE book_id = %s AND uri = %s AND event_id = ANY(%s) AND revision = 1
"""


class BookMissingError(LookupError):
    """There is no book to import into."""


class SourceNotAllowedError(PermissionError):
    """The policy of the book's chart does not let this source ask for vouchers, not even from a file."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an import meets its book: what has to be opened, and how many of its events were decided before.

    `conflicts` are the lines of those that would say something else under an id that is known: they will be refused.
    """

    to_open: list[WantedAccount]
    known_events: int
    conflicts: list[int]


def read_scales(connection: psycopg.Connection) -> dict[str, int]:
    """Decimals of every asset by its code."""
    return dict(connection.execute(SCALES).fetchall())


def trading_accounts(chart: Chart) -> Callable[[str], tuple[str, AccountType]]:
    """Code and type of the account in which exchanges of a currency meet: the chart's own, or `trading:CURRENCY`."""
    control = chart.controls.get(Role.TRADING)

    def trading(currency: str) -> tuple[str, AccountType]:
        if control is None:
            return f"trading:{currency}", "equity"
        return control.pattern.replace("{currency}", currency), control.type

    return trading


def find_book(connection: psycopg.Connection, code: str, *, source: str) -> Book:
    """The book, which takes vouchers from files of this source.

    Raises `BookMissingError`, `SourceNotAllowedError`.
    """
    book = Books(connection).find([code]).get(code)
    if book is None:
        raise BookMissingError(code)
    if not book.chart.sources.allows(source, EVENT_TYPE, ingested=True):
        raise SourceNotAllowedError(f"the chart of book {code} lets {source} send no {EVENT_TYPE}, not even from files")
    return book


def look_up(connection: psycopg.Connection, plan: Plan, book: Book) -> Standing:
    """What of the plan is there already. Raises `ImportFaultsError` where the book says otherwise than the file."""
    faults = list(plan.faults)
    rows = connection.execute(ACCOUNTS, (book.book_id, list(plan.accounts))).fetchall()
    there = {code: (account_type, currency, status) for code, account_type, currency, status in rows}
    to_open: list[WantedAccount] = []
    for wanted in plan.accounts.values():
        template = book.chart.template_for(wanted.code, wanted.currency)
        if (found := there.get(wanted.code)) is not None:
            faults += _differences(wanted, *found)
        elif template is None:
            to_open.append(wanted)
        elif template.type != wanted.type:
            faults.append(
                Fault(wanted.line, f"account {wanted.code}: {wanted.type} here, {template.type} in the chart")
            )
    if faults:
        raise ImportFaultsError(faults)
    ids = [request.event_id for request in plan.requests]
    known: dict[str, bytes] = dict(connection.execute(KNOWN, (book.book_id, plan.source, ids)).fetchall())
    conflicts = [one.line for one in plan.requests if known.get(one.event_id, one.fingerprint) != one.fingerprint]
    return Standing(to_open, len(known), conflicts)


def _differences(wanted: WantedAccount, account_type: str, currency: str, status: str) -> Iterator[Fault]:
    if (account_type, currency) != (wanted.type, wanted.currency):
        said = f"{wanted.type} in {wanted.currency} here, {account_type} in {currency} in the book"
        yield Fault(wanted.line, f"account {wanted.code}: {said}")
    if status != "O":
        yield Fault(wanted.line, f"account {wanted.code} is {'frozen' if status == 'F' else 'closed'}")


def open_what_is_missing(
    transactions: Transactions, plan: Plan, standing: Standing, reason: str, progress: Callable[[int, int], None]
) -> None:
    """Assets first, then accounts, each in its transaction. Raises `ImportFaultsError` for an asset that came between
    with other decimals than the amounts were counted in."""
    with transactions() as connection:
        known = read_scales(connection)
    for code, scale in plan.new_assets.items():
        if known.get(code, scale) != scale:
            raise ImportFaultsError([Fault(1, f"{code} was added meanwhile, with {known[code]} decimals: try again")])
        if code not in known:
            with transactions() as connection:
                add_asset(connection, code, scale=scale, name=code, reason=reason)
    accounts = AccountLifecycle(transactions, plan.book)
    for number, wanted in enumerate(standing.to_open, start=1):
        accounts.open_account(wanted.code, account_type=wanted.type, currency=wanted.currency)
        progress(number, len(standing.to_open))


def note(transactions: Transactions, plan: Plan, standing: Standing, book: Book, topic: str, reason: str) -> None:
    """Says in the book's log that an import begins, and why; not for one that was done before."""
    vouchers, accounts = len(plan.requests) - standing.known_events, len(standing.to_open)
    if vouchers or accounts:
        with transactions() as connection:
            note_import(
                connection,
                book.book_id,
                source=plan.source,
                topic=topic,
                vouchers=vouchers,
                accounts=accounts,
                reason=reason,
            )


def post(ingest: FileIngest, plan: Plan, topic: str, timestamp_ms: int) -> Iterator[LineOutcome]:
    """Posts the plan's events through the consumer's own path; the cause of each is its line in the file."""

    def records(topic: str) -> Iterator[StoredRecord]:
        for request in plan.requests:
            yield StoredRecord(topic, 0, request.line - 1, timestamp_ms, None, request.event, HEADERS)

    return ingest.run_records(topic, records)


def summary(plan: Plan, standing: Standing) -> Mapping[str, object]:
    """What the import would do, in numbers."""
    return {
        "vouchers": len(plan.requests) - standing.known_events,
        "decided_before": standing.known_events,
        "conflicts_on_lines": standing.conflicts,
        "accounts_to_open": len(standing.to_open),
        "assets_to_add": dict(plan.new_assets),
        "debits_minor": {currency: str(minor) for currency, minor in sorted(plan.debits.items())},
        "read_over": dict(plan.read_over),
    }
