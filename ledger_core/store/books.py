"""What a process knows of its books without a lock: ids that never change, and charts.

Nothing here decides: status, limits and counters are read from the locked head. What is missing is looked
up, and opened by the chart where it allows (posting.md, "Before BEGIN").
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from ledger_core.domain.account_types import NORMAL_SIDE
from ledger_core.domain.charts import Chart, Template, chart_from_document
from ledger_core.domain.vouchers import Side
from ledger_core.store.account_events import opened_event
from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.assets import Assets
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


class Books:
    """Look-ups by code, remembered. Not for use by two threads at once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._books: dict[str, Book] = {}
        self.assets = Assets(connection)

    def find(self, codes: Iterable[str]) -> dict[str, Book]:
        """The books of these codes that exist."""
        missing = [code for code in codes if code not in self._books]
        if missing:
            with self._connection.transaction():
                for book_id, code, version, document in self._connection.execute(QUERIES["books"], (missing,)):
                    self._books[code] = Book(book_id, code, chart_from_document(document, version=version))
        return self._books

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
        """Fills `book.accounts` for codes (each with the currency it is wanted in), opening what the chart allows."""
        missing = sorted(code for code in wanted if code not in book.accounts)
        if not missing:
            return
        self._look_up(book, missing)
        openings = [
            (code, wanted[code], template)
            for code in missing
            if code not in book.accounts
            and (template := book.chart.template_for(code, wanted[code])) is not None
            and wanted[code] in self.assets
        ]
        if openings:
            with self._connection.transaction():
                open_accounts(self._connection, book, openings, self.assets)
            self._look_up(book, [code for code, _, _ in openings])

    def _look_up(self, book: Book, codes: list[str]) -> None:
        with self._connection.transaction():
            rows = self._connection.execute(QUERIES["accounts"], (book.book_id, codes)).fetchall()
        for code, account_id, asset_id, keyed, account_type in rows:
            book.accounts[code] = AccountRef(
                book.book_id << 32 | account_id, asset_id, keyed, NORMAL_SIDE[account_type]
            )


def open_accounts(
    connection: psycopg.Connection[Any],
    book: Book,
    openings: list[tuple[str, str, Template]],
    assets: dict[str, int],
) -> list[str]:
    """Opens accounts (code, currency, template), in code order, in the caller's transaction; returns those opened.

    An account that another process opened meanwhile is left as it is. Order of locks: accounts, heads, book.
    """
    openings = sorted(openings, key=lambda opening: opening[0])
    rows = connection.execute(
        QUERIES["insert_accounts"],
        {
            "book_id": book.book_id,
            "codes": [code for code, _, _ in openings],
            "types": [template.type for _, _, template in openings],
            "assets": [assets[currency] for _, currency, _ in openings],
            "roles": [template.role for _, _, template in openings],
            "keyed": [template.keyed for _, _, template in openings],
        },
    ).fetchall()
    opened = {code for code, _ in rows}
    connection.execute(QUERIES["insert_heads"], (book.book_id, [account_id for _, account_id in rows]))
    events = [
        opened_event(book.code, code, template.type, currency, template.role, template.keyed)
        for code, currency, template in openings
        if code in opened
    ]
    append_events(connection, book.book_id, events)
    return sorted(opened)


def create_book(connection: psycopg.Connection[Any], code: str, document: dict[str, object]) -> int:
    """Creates a book with its chart, in the caller's transaction; returns its id.

    Raises `BookExistsError`, and `ValueError` for a chart that says something impossible.
    """
    chart_from_document(document, version=1)
    row = connection.execute(QUERIES["insert_book_code"], (code,)).fetchone()
    if row is None:
        raise BookExistsError(f"book {code} exists already")
    book_id = int(row[0])
    connection.execute(QUERIES["insert_book"], (book_id, code))
    connection.execute(QUERIES["insert_chart"], (book_id, Jsonb(document)))
    connection.execute(QUERIES["insert_relay_checkpoint"], (book_id,))
    state = b'{"code":"%b","chart_version":1}' % code.encode()
    append_events(connection, book_id, [NewEvent("book.created", state)])
    return book_id
