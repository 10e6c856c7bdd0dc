"""What a process knows of its books without a lock: ids that never change, and charts.

Nothing here decides: status, limits and counters are read from the locked head. What is missing is looked
up, and opened by the chart where it allows (docs/explanation/posting.md, "Before BEGIN").
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import psycopg
from psycopg.types.json import Jsonb

from ledger_core.domain.account_types import NORMAL_SIDE
from ledger_core.domain.charts import Chart, ChartError, Template, chart_from_document
from ledger_core.domain.limits import Limits
from ledger_core.domain.vouchers import Side
from ledger_core.store.account_events import Cause, opened_event
from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.assets import Assets
from ledger_core.store.errors import ChartMovedError
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "books.sql")

ACCOUNTS_KEPT = 200_000
"""Accounts remembered per book and process; past that the memory is emptied and fills again."""


class AccountRef(NamedTuple):
    """What never changes about an account. `head` is its lock key: book_id << 32 | account_id."""

    head: int
    asset_id: int
    keyed: bool
    normal_side: Side = "D"
    role: str = ""
    """That it opened with; the book's chart may have given it to another account since."""


class Opening(NamedTuple):
    """An account that is to open. `parent` is the group that its event names; its chart's own stays in the chart."""

    code: str
    currency: str
    template: Template
    parent: str = ""
    cause: Cause | None = None


class BookExistsError(ValueError):
    """A book of this code exists already. Code BOOK_EXISTS."""


@dataclass(slots=True)
class Book:
    """One book as this process knows it."""

    book_id: int
    code: str
    chart: Chart
    accounts: dict[str, AccountRef] = field(default_factory=dict)
    sources: dict[str, int] = field(default_factory=dict)
    dropped: bool = False
    """Takes no posting any more; asked again each time, for it may be taken up again."""


class Books:
    """Look-ups by code, remembered. Not for use by two threads at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._books: dict[str, Book] = {}
        self.assets = Assets(connection)
        self.has_marketplaces = False
        """One of these books splits its captures."""
        self.charts_moved = False
        """A chart is known to have another version: `reload_charts` before the next batch. Set by any thread."""
        self.have_policies = False
        """A book that was ever found asks something of payments, or of whoever is paid out."""

    def find(self, codes: Iterable[str]) -> dict[str, Book]:
        """The books of these codes that exist."""
        missing = [code for code in codes if (book := self._books.get(code)) is None or book.dropped]
        if missing:
            with self._connection.transaction():
                for book_id, code, version, document, dropped in self._connection.execute(QUERIES["books"], (missing,)):
                    self._books[code] = Book(book_id, code, self._chart(document, version), dropped=dropped)
        return self._books

    def dropped(self) -> set[int]:
        """Ids of books that are known to be dropped."""
        return {book.book_id for book in self._books.values() if book.dropped}

    def reload_charts(self) -> None:
        """After another version came into force, or a book was dropped; accounts and sources never change."""
        self.charts_moved = False
        with self._connection.transaction():
            for _, code, version, document, dropped in self._connection.execute(QUERIES["books"], (list(self._books),)):
                self._books[code].dropped = dropped
                if self._books[code].chart.version != version:
                    self._books[code].chart = self._chart(document, version)

    def _chart(self, document: Mapping[str, object], version: int) -> Chart:
        """A chart to post by, and what it makes every batch ask for."""
        chart = chart_from_document(document, version=version)
        chart.scales = self.assets.scales
        self.have_policies |= chart.payments.asks or chart.requires_profiles
        self.has_marketplaces |= chart.marketplace is not None
        return chart

    def find_sources(self, book: Book, uris: Iterable[str]) -> None:
        """Fills `book.sources`; a source seen for the first time gets its row."""
        missing = sorted({uri for uri in uris if uri not in book.sources})
        if not missing:
            return
        with self._connection.transaction():
            self._connection.execute(QUERIES["insert_sources"], (book.book_id, missing))
        with self._connection.transaction():
            book.sources.update(self._connection.execute(QUERIES["sources"], (book.book_id, missing)).fetchall())

    def forget_if_many(self) -> None:
        """Between batches only: who prepares one counts on what it has found."""
        for book in self._books.values():
            if len(book.accounts) > ACCOUNTS_KEPT:
                book.accounts.clear()

    def find_accounts(self, book: Book, wanted: dict[str, str]) -> None:
        """Fills `book.accounts` for codes (each with the currency it is wanted in), opening what the chart allows.

        Raises `ChartMovedError`.
        """
        missing = sorted(code for code in wanted if code not in book.accounts)
        if not missing:
            return
        self.look_up(book, missing)
        openings = [
            Opening(code, wanted[code], template)
            for code in missing
            if code not in book.accounts
            and (template := book.chart.template_for(code, wanted[code])) is not None
            and wanted[code] in self.assets
        ]
        if openings:
            self.open(book, openings)

    def open(self, book: Book, openings: Sequence[Opening]) -> None:
        """Opens accounts in a transaction of their own and fills `book.accounts`.

        Raises `ChartMovedError`, with nothing opened, when the book's chart has another version now.
        """
        with self._connection.transaction():
            open_accounts(self._connection, book, openings, self.assets)
            demand_chart(self._connection, book)
        self.look_up(book, [opening.code for opening in openings])

    def look_up(self, book: Book, codes: Sequence[str]) -> None:
        """Fills `book.accounts` for those of these codes that exist."""
        with self._connection.transaction():
            rows = self._connection.execute(QUERIES["accounts"], (book.book_id, list(codes))).fetchall()
        for code, account_id, asset_id, keyed, account_type, role in rows:
            head = book.book_id << 32 | account_id
            book.accounts[code] = AccountRef(head, asset_id, keyed, NORMAL_SIDE[account_type], role)


def open_accounts(
    connection: psycopg.Connection[Any],
    book: Book,
    openings: Sequence[Opening],
    assets: dict[str, int],
) -> list[str]:
    """Opens accounts in code order, in the caller's transaction; returns those opened.

    An account that another process opened meanwhile is left as it is. Order of locks: accounts, heads, book.
    """
    opened = insert_accounts(connection, book.book_id, openings, assets)
    events = [opening_event(book.code, opening) for opening in sorted(openings, key=_code) if opening.code in opened]
    append_events(connection, book.book_id, events)
    return sorted(opened)


def insert_accounts(
    connection: psycopg.Connection[Any], book_id: int, openings: Sequence[Opening], assets: dict[str, int]
) -> dict[str, int]:
    """Rows of accounts that are not there yet, with their heads; their events are the caller's to append.

    Answers with the ids of those inserted, by code.
    """
    rows = connection.execute(
        QUERIES["insert_accounts"],
        {
            "book_id": book_id,
            "codes": [opening.code for opening in openings],
            "types": [opening.template.type for opening in openings],
            "assets": [assets[opening.currency] for opening in openings],
            "roles": [opening.template.role for opening in openings],
            "keyed": [opening.template.keyed for opening in openings],
            "parents": [opening.parent for opening in openings],
        },
    ).fetchall()
    opened: dict[str, int] = dict(rows)
    connection.execute(QUERIES["insert_heads"], (book_id, list(opened.values())))
    limited = [o for o in openings if o.code in opened and o.template.limits is not None]
    if limited:
        set_limits(connection, book_id, [HeadLimits.of(opened[o.code], o.template) for o in limited])
    return opened


class HeadLimits(NamedTuple):
    """Limits as one head keeps them."""

    account_id: int
    limits: Limits
    normal_side: str

    @classmethod
    def of(cls, account_id: int, template: Template) -> "HeadLimits":
        return cls(account_id, template.limits or Limits(), NORMAL_SIDE[template.type])


def set_limits(connection: psycopg.Connection[Any], book_id: int, heads: Sequence[HeadLimits]) -> None:
    """Writes limits into heads, which the caller has locked or just inserted."""
    connection.execute(
        QUERIES["set_limits"],
        {
            "book_id": book_id,
            "accounts": [head.account_id for head in heads],
            "minimums": [head.limits.minimum_minor for head in heads],
            "maximums": [head.limits.maximum_minor for head in heads],
            "policies": [head.limits.policy for head in heads],
            "sides": [head.normal_side for head in heads],
        },
    )


def opening_event(book_code: str, opening: Opening) -> NewEvent:
    """The event of an account that just opened."""
    template = opening.template
    return opened_event(
        book_code, opening.code, template.type, opening.currency, template.role, template.keyed,
        opening.parent, template.limits, opening.cause,
    )  # fmt: skip


def _code(opening: Opening) -> str:
    return opening.code


def demand_chart(connection: psycopg.Connection[Any], book: Book) -> None:
    """Asked under the book's lock: an account opens by the chart in force or not at all."""
    row = connection.execute(QUERIES["chart_version"], (book.book_id,)).fetchone()
    if row is None or row[0] != book.chart.version:
        raise ChartMovedError(f"the chart of book {book.code} has another version now")


def declared_openings(chart: Chart) -> list[Opening]:
    """Accounts that a chart declares, as they open."""
    return [Opening(code, account.currency, account.template) for code, account in chart.declared.items()]


def create_book(connection: psycopg.Connection[Any], code: str, document: dict[str, object]) -> int:
    """Creates a book with its chart and the accounts that it declares, in the caller's transaction; returns its id.

    Raises `BookExistsError`, and `ValueError` for a chart that says something impossible.
    """
    chart = chart_from_document(document, version=1)
    assets: dict[str, int] = dict(connection.execute(QUERIES["assets"]).fetchall())
    demand_assets(chart, assets)
    row = connection.execute(QUERIES["insert_book_code"], (code,)).fetchone()
    if row is None:
        raise BookExistsError(f"book {code} exists already")
    book_id = int(row[0])
    connection.execute(QUERIES["insert_book"], (book_id, code))
    connection.execute(QUERIES["insert_chart"], (book_id, 1, Jsonb(document), 1))
    connection.execute(QUERIES["insert_relay_checkpoint"], (book_id,))
    openings = declared_openings(chart)
    if openings:
        insert_accounts(connection, book_id, openings, assets)
    state = orjson.dumps({"code": code, "chart_version": 1, "chart": document})
    events = [opening_event(code, opening) for opening in sorted(openings, key=_code)]
    append_events(connection, book_id, [NewEvent("book.created", state), *events])
    return book_id


def demand_assets(chart: Chart, assets: dict[str, int]) -> None:
    """Raises `ChartError` where a declared account is kept in nothing that the ledger counts."""
    for account in chart.declared.values():
        if account.currency not in assets:
            raise ChartError(f"{account.code}: there is no currency {account.currency}")
