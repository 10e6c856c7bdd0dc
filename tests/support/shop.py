"""The book `shop` for tests of readers: posted by the real path, and read as the query API reads."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg_pool import ConnectionPool

from ledger_core.store.connection import Role, connect
from projections.queries.snapshot import Snapshot, open_pool, snapshot
from projections.reconciliation import ScanResult, scan
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger


@contextmanager
def posting(database: TestDatabase) -> Iterator[PostedLedger]:
    """A poster over one book."""
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book(BOOK)
        yield ledger


@contextmanager
def reading_pool(database: TestDatabase, *, size: int = 4) -> Iterator[ConnectionPool]:
    """A pool of readers."""
    pool = open_pool(database.dsn(), size=size)
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def shop_at(pool: ConnectionPool) -> Iterator[Snapshot]:
    """A snapshot of the shop now."""
    with snapshot(pool, BOOK) as at:
        yield at


def book_id_of(database: TestDatabase, code: str = BOOK) -> int:
    """Number of a book."""
    with psycopg.connect(database.dsn()) as connection:
        row = connection.execute("SELECT book_id FROM ledger.book_directory WHERE code = %s", [code]).fetchone()
    assert row is not None
    return int(row[0])


def scan_book(database: TestDatabase, book_id: int) -> ScanResult:
    """One complete scan, as the scanning process makes it."""
    with connect(database.dsn(), Role.RECONCILER) as connection:
        return scan(connection, book_id)
