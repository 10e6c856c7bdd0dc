"""One view of the database for all connections of a verification, and how the log is shared out among them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import psycopg
from psycopg import sql
from psycopg.adapt import Buffer, Loader
from psycopg.pq import Format

from ledger_core.store.columns import Int64s, register_columns
from ledger_core.store.connection import Role, connect
from ledger_core.store.named_sql import load_queries

_TIMESTAMPTZ_ARRAY_OID: Final = 1185


class _TimesLoader(Loader):
    """An array of times without nulls as whole microseconds since 2000, the way they are stored."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Int64s:
        cells = np.frombuffer(data, dtype=[("length", ">i4"), ("value", ">i8")], offset=20)
        return cells["value"].astype(np.int64)


@dataclass(slots=True, frozen=True)
class Snapshot:
    """Opens connections that all see the database as it was at one moment, whatever is posted meanwhile."""

    dsn: str
    role: Role
    exported_id: str | None = None

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A read-only connection. It takes no lock that a poster would wait for."""
        with connect(self.dsn, self.role) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            register_columns(connection)
            connection.adapters.register_loader(_TIMESTAMPTZ_ARRAY_OID, _TimesLoader)
            connection.execute("SET SESSION statement_timeout = 0")
            connection.execute("SET SESSION work_mem = '64MB'")
            connection.commit()
            if self.exported_id is not None:
                connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(self.exported_id))
            yield connection
            connection.rollback()


@dataclass(slots=True, frozen=True)
class Span:
    """A run of blocks of one book."""

    book_id: int
    book: str
    first_position: int
    last_position: int
    first_block: int
    last_block: int
    resumed: bool = False
    """The book is verified from a block on; what stands before is taken as it is."""


@dataclass(slots=True, frozen=True)
class BookEnd:
    """Where a book ends in the snapshot, as its own row says."""

    book_id: int
    code: str
    position: int
    voucher_no: int
    block_number: int
    block_hash: bytes
    log_epoch: int


def book_ends(connection: psycopg.Connection[Any], codes: Sequence[str] | None) -> list[BookEnd]:
    """The books to verify, by id; raises LookupError for a code that no book has."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    rows = connection.execute(queries["books"], {"codes": None if codes is None else list(codes)})
    books = [BookEnd(*row) for row in rows]
    if missing := set(codes or ()) - {book.code for book in books}:
        raise LookupError(f"no such book: {', '.join(sorted(missing))}")
    return books


class Beginning(Protocol):
    """The last block of a book that is left out."""

    @property
    def block_number(self) -> int: ...
    @property
    def position(self) -> int: ...


def share_out(
    connection: psycopg.Connection[Any], books: Sequence[BookEnd], shares: int, starts: Mapping[int, Beginning]
) -> list[list[Span]]:
    """The blocks of all books in log order, after where each book's verification starts, in about equal shares."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    per_share = -(-sum(book.position - starts[book.book_id].position for book in books) // shares) or 1
    result: list[list[Span]] = [[]]
    room = per_share
    for book in books:
        start = starts[book.book_id]
        first_position, first_block = start.position + 1, start.block_number + 1
        while first_position <= book.position:
            cut = None
            if book.position - first_position + 1 > room and len(result) < shares:
                cut = connection.execute(
                    queries["block_at"], (book.book_id, first_position + room - 1, book.position)
                ).fetchone()
            last_block, last_position = cut or (book.block_number, book.position)
            positions, blocks = (first_position, last_position), (first_block, last_block)
            result[-1].append(Span(book.book_id, book.code, *positions, *blocks, resumed=start.block_number > 0))
            room -= last_position - first_position + 1
            first_position, first_block = last_position + 1, last_block + 1
            if room <= 0 and len(result) < shares:
                result.append([])
                room = per_share
    return [share for share in result if share]
