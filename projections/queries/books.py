"""Books: which there are, and how far each has come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import args_row
from psycopg_pool import ConnectionPool

from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot, reading

SYSTEM_BOOK_ID: Final = 0


@dataclass(frozen=True, slots=True)
class Book:
    """One book.

    `recorded_at` is when its last event was written; `closed_through` ends its last closed period.
    """

    code: str
    position: int
    voucher_no: int
    recorded_at: datetime | None
    posting_mode: str
    closed_through: datetime | None


@dataclass(frozen=True, slots=True)
class Directory:
    """Some of the books. Each has its own position; `position` is that of the system book, which is nobody's."""

    position: int
    books: list[Book]


def directory(pool: ConnectionPool, *, after: str = "", limit: int = 100) -> Directory:
    """Books in code order that come after `after`, and where the system book stands in the same snapshot."""
    with reading(pool) as connection:
        connection.execute(QUERIES["enter_directory"])
        system = connection.execute(QUERIES["position_of_log"], {"book_id": SYSTEM_BOOK_ID}).fetchone()
        with connection.cursor(row_factory=args_row(Book)) as cursor:
            found = cursor.execute(QUERIES["books"], {"after": after, "limit": limit}).fetchall()
    return Directory(system[0] if system else 0, found)


def books(pool: ConnectionPool, *, after: str = "", limit: int = 100) -> list[Book]:
    """Books in code order that come after `after`."""
    return directory(pool, after=after, limit=limit).books


def book(at: Snapshot) -> Book:
    """The book of this snapshot."""
    with at.connection.cursor(row_factory=args_row(Book)) as cursor:
        found = cursor.execute(QUERIES["book"], {"book_id": at.book_id}).fetchone()
    if found is None:
        raise NotFoundError("book")
    return found
