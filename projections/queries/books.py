"""Books: which there are, and how far each has come."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import args_row
from psycopg_pool import ConnectionPool

from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot, reading


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


def books(pool: ConnectionPool, *, after: str = "", limit: int = 100) -> list[Book]:
    """Books in code order that come after `after`."""
    with reading(pool) as connection:
        connection.execute(QUERIES["enter_directory"])
        with connection.cursor(row_factory=args_row(Book)) as cursor:
            return cursor.execute(QUERIES["books"], {"after": after, "limit": limit}).fetchall()


def book(at: Snapshot) -> Book:
    """The book of this snapshot."""
    with at.connection.cursor(row_factory=args_row(Book)) as cursor:
        found = cursor.execute(QUERIES["book"], {"book_id": at.book_id}).fetchone()
    if found is None:
        raise NotFoundError("book")
    return found
