"""Which database a command works on, and under which role.

LEDGER_POSTGRES_DSN names it; else it is on the local server, which runs for the time of the command. `up` keeps
its data in the main database, every `demo` starts a fresh one beside it. A book is looked for in the main
database first, then in the demo's.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from api.cli.errors import NotReady, with_next
from consumers.settings import ConfigurationError, load_settings
from deploy.local.stack import StackSettings, resolve_postgres
from ledger_core.domain.outcomes import Code
from ledger_core.store.connection import Role, connect
from projections.queries.snapshot import Reads, Snapshot, open_pool, snapshot
from schemas.sql import runner

MAIN_DATABASE: Final = "ledger"
DEMO_DATABASE: Final = "ledger_demo"

DATABASES: Final[LiteralString] = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
HAS_SCHEMA: Final[LiteralString] = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'ledger')"
HAS_BOOK: Final[LiteralString] = "SELECT EXISTS (SELECT FROM ledger.book_directory WHERE code = %s)"


@dataclass(frozen=True, slots=True)
class Store:
    """A migrated database. `dsn` is the login; each use acts as a role of its own."""

    dsn: str
    local: bool

    @property
    def database(self) -> str:
        return str(conninfo_to_dict(self.dsn).get("dbname") or "")

    def connect(self, role: Role) -> psycopg.Connection:
        """A connection that commits each statement by itself, unless in a transaction block."""
        connection = connect(self.dsn, role)
        connection.autocommit = True
        return connection

    @contextmanager
    def pool(self, *, statement_timeout_ms: int = 60_000) -> Iterator[ConnectionPool]:
        """Connections that can only read; a time-out of 0 is none."""
        with open_pool(self.dsn, size=2, wait_seconds=10, statement_timeout_ms=statement_timeout_ms) as pool:
            yield pool

    @contextmanager
    def reading(self, book: str, *, reads: Reads = Reads.LOG, statement_timeout_ms: int = 60_000) -> Iterator[Snapshot]:
        """One snapshot of one book."""
        with self.pool(statement_timeout_ms=statement_timeout_ms) as pool, snapshot(pool, book, reads=reads) as at:
            yield at


def stack_settings() -> StackSettings:
    """Which servers to work with. Raises `ConfigurationError`, also for a DSN that is none."""
    settings = load_settings(StackSettings)
    if settings.postgres_dsn is not None:
        try:
            conninfo_to_dict(settings.postgres_dsn.get_secret_value())
        except psycopg.ProgrammingError:
            raise ConfigurationError({"LEDGER_POSTGRES_DSN": "is no connection string of PostgreSQL"}) from None
    return settings


@contextmanager
def open_server() -> Iterator[tuple[str, StackSettings]]:
    """The server's DSN. A local server that was never started is not started just to be asked: NotReady."""
    settings = stack_settings()
    if settings.postgres_dsn is None and not (settings.folder / "postgres" / "PG_VERSION").exists():
        raise NotReady("NO_LEDGER_HERE", "there is no ledger on this machine yet", START_ONE)
    with resolve_postgres(settings) as dsn:
        yield dsn, settings


START_ONE: Final = "start one with: ledgerctl demo (or ledgerctl up), or set LEDGER_POSTGRES_DSN"


@contextmanager
def open_store(
    database: str | None, *, book: str | None = None, say: Callable[[str], None] | None = None
) -> Iterator[Store]:
    """The database to work on: the one named, else the first of main and demo that has the book."""
    with open_server() as (server_dsn, settings):
        local = settings.postgres_dsn is None
        stores = [Store(dsn, local) for dsn in _candidates(server_dsn, database, local=local)]
        ready = [store for store in stores if _is_migrated(store)]
        if not ready:
            raise NotReady("NOT_MIGRATED", "this database has no ledger yet", f"run: ledgerctl migrate; or {START_ONE}")
        found = next((store for store in ready if book is None or _has_book(store, book)), None)
        if found is None:
            raise with_next(Code.BOOK_UNKNOWN, f"there is no book {book!r}")
        _demand_up_to_date(found)
        if say is not None and found.database == DEMO_DATABASE and database is None:
            say("working on the demo's database")
        yield found


def main_database_dsn(server_dsn: str, *, local: bool) -> str:
    """The main database: the one that the DSN names, or `ledger` on the local server."""
    return make_conninfo(server_dsn, dbname=MAIN_DATABASE) if local else server_dsn


def _candidates(server_dsn: str, database: str | None, *, local: bool) -> list[str]:
    """DSNs of the databases that exist, in the order in which they are asked."""
    main = str(conninfo_to_dict(main_database_dsn(server_dsn, local=local)).get("dbname") or "")
    wanted = [database] if database else [main, DEMO_DATABASE]
    with psycopg.connect(server_dsn, connect_timeout=10) as connection:
        known = {row[0] for row in connection.execute(DATABASES, (wanted,))}
    if not main and database is None:  # the DSN leaves the database to the server
        return [server_dsn, *_named(server_dsn, [DEMO_DATABASE], known)]
    if database and database not in known:
        raise NotReady("DATABASE_NOT_FOUND", f"there is no database {database!r}", "leave --database out, or create it")
    return _named(server_dsn, wanted, known)


def _named(server_dsn: str, names: Sequence[str], known: set[str]) -> list[str]:
    return [make_conninfo(server_dsn, dbname=name) for name in dict.fromkeys(names) if name in known]


def _is_migrated(store: Store) -> bool:
    with psycopg.connect(store.dsn, connect_timeout=10) as connection:
        row = connection.execute(HAS_SCHEMA).fetchone()
    return row == (True,)


def _has_book(store: Store, book: str) -> bool:
    with store.connect(Role.READER) as connection:
        row = connection.execute(HAS_BOOK, (book,)).fetchone()
    return row == (True,)


def _demand_up_to_date(store: Store) -> None:
    """Commands do not migrate by themselves; only `demo`, `up` and `migrate` do."""
    try:
        pending = [known.label for known in runner.status(store.dsn) if known.applied_at is None]
    except psycopg.errors.InsufficientPrivilege:
        return  # a narrow login can't see the history, and needs not
    if pending:
        text = f"{len(pending)} migrations are not applied, the first is {pending[0]}"
        raise NotReady("NOT_MIGRATED", text, "run: ledgerctl migrate")
