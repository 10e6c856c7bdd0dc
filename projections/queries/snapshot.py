"""The snapshot that an answer is read from: one book, one position, one read-only transaction.

with snapshot(pool, "shop", min_position=12) as at:
    account = accounts.account(at, "wallet:seller:42")
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout

from ledger_core.store.connection import Role, dsn_for_role
from ledger_core.store.named_sql import load_queries
from projections.queries.errors import (
    NotFoundError,
    PositionNotReachedError,
    QueryTimeoutError,
    StoreUnavailableError,
)

QUERIES: Final = load_queries("projections.queries", "queries.sql")
FIRST_PAUSE_SECONDS: Final = 0.002
LONGEST_PAUSE_SECONDS: Final = 0.05


class Reads(StrEnum):
    """What an answer is read from, and whose position it therefore names."""

    LOG = "log"
    """Heads and entries: exact at once."""
    PAYMENTS = "payments"
    PARTS = "parts"
    BENEFICIARIES = "beneficiaries"
    RATES = "rates"
    DAILY_BALANCES = "daily_balances"
    TRIAL_BALANCE = "trial_balance"
    FINDINGS = "findings"
    """As far as the latest complete scan saw."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open snapshot. `position` is how far what it `reads` has come; `book_id` leads every key."""

    connection: psycopg.Connection
    book: str
    book_id: int
    reads: Reads
    position: int


def open_pool(dsn: str, *, size: int, wait_seconds: float = 2.0, statement_timeout_ms: int = 5_000) -> ConnectionPool:
    """A pool of connections that can only read, as `ledger_reader`; opened, but it does not wait for the
    server.

    `wait_seconds` is how long a caller waits for a free connection before StoreUnavailableError.
    """
    # A role's own settings come with a login as that role, not with SET ROLE: what must hold is said here.
    options = str(conninfo_to_dict(dsn).get("options") or "")
    options += " -c timezone=UTC"
    options += f" -c statement_timeout={statement_timeout_ms}"
    # Pages are small; what starting parallel workers costs is more than they save.
    options += " -c max_parallel_workers_per_gather=0"
    limited = make_conninfo(dsn, options=options.strip())
    pool = ConnectionPool(
        dsn_for_role(limited, Role.READER),
        min_size=1,
        max_size=size,
        timeout=wait_seconds,
        configure=_read_only,
        check=ConnectionPool.check_connection,
        kwargs={"application_name": "ledger-queries"},
        open=False,
    )
    pool.open(wait=False)
    return pool


@contextmanager
def snapshot(
    pool: ConnectionPool,
    book: str,
    *,
    reads: Reads = Reads.LOG,
    min_position: int = 0,
    wait_seconds: float = 2.0,
) -> Iterator[Snapshot]:
    """A snapshot of `book` that is at `min_position` or after it; waits up to `wait_seconds` for that.

    The position is checked inside the snapshot that answers. No connection is held while waiting. Raises
    NotFoundError,
    PositionNotReachedError, StoreUnavailableError; and QueryTimeoutError for a query made in it.
    """
    deadline = time.monotonic() + wait_seconds
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        with reading(pool) as connection:
            at = _enter(connection, book, reads)
            if at.position >= min_position:
                try:
                    yield at
                except NotFoundError as error:
                    error.position = at.position
                    raise
                return
        if time.monotonic() + pause_seconds > deadline:
            raise PositionNotReachedError(min_position, at.position)
        time.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, LONGEST_PAUSE_SECONDS)


@contextmanager
def reading(pool: ConnectionPool) -> Iterator[psycopg.Connection]:
    """A read-only transaction that has not entered a book yet; database errors come out as ours."""
    try:
        with pool.connection() as connection:
            yield connection
    except psycopg.errors.QueryCanceled as error:
        message = "the query took too long"
        raise QueryTimeoutError(message) from error
    except (PoolTimeout, psycopg.OperationalError) as error:
        message = "the store cannot be reached"
        raise StoreUnavailableError(message) from error


def _enter(connection: psycopg.Connection, book: str, reads: Reads) -> Snapshot:
    entered = connection.execute(QUERIES["enter_book"], {"book": book}).fetchone()
    if entered is None:
        raise NotFoundError("book")
    if reads is Reads.LOG:
        query = QUERIES["position_of_log"]
    elif reads is Reads.FINDINGS:
        query = QUERIES["position_of_findings"]
    else:
        query = QUERIES["position_of_projection"]
    row = connection.execute(query, {"book_id": entered[0], "reads": reads.value}).fetchone()
    return Snapshot(connection, book, int(entered[0]), reads, int(row[0]) if row else 0)


def _read_only(connection: psycopg.Connection) -> None:
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
