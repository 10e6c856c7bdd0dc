"""Applies the numbered migrations to a database: each once, in order, each in a transaction of its own.

A migration that has been applied never changes: its checksum is kept and compared. Files are named
`NNNN_name.sql`. A file whose first line is `-- no-transaction` (for `CREATE INDEX CONCURRENTLY` and the
like) runs statement by statement; its statements end with `;` at the end of a line, and it must be safe
to run again after half of it.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from importlib.resources.abc import Traversable

import psycopg
from psycopg import sql

LOCK_KEY = 0x6C65_6467_6572  # "ledger": one migrator at a time, whatever else uses advisory locks
LOCK_TIMEOUT_MS = 10_000  # behind a migration that waits for a lock the whole service waits
MIGRATOR_TIMEOUT_MS = 300_000
TRIES = 10  # of a migration that others' changes of the same roles may end
NO_TRANSACTION = "-- no-transaction"
FILE_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
ROLES = (
    "ledger_owner", "ledger_poster", "ledger_projector", "ledger_reader", "ledger_reconciler", "ledger_inbox",
    "ledger_publisher",
)  # fmt: skip

CREATE_HISTORY = """
    CREATE SCHEMA IF NOT EXISTS ledger_migrations;
    CREATE TABLE IF NOT EXISTS ledger_migrations.migration (
        version integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE ledger_migrations.migration IS 'Migrations applied to this database, and what they said';
"""


class MigrationError(Exception):
    """The schema is not what this release expects, or PostgreSQL refused a migration.

    The refused one was rolled back, those before it stay. The message says what to do.
    """


@dataclass(slots=True, frozen=True)
class Migration:
    """One numbered file."""

    version: int
    name: str
    text: str

    @property
    def label(self) -> str:
        return f"{self.version:04}_{self.name}"

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def in_transaction(self) -> bool:
        return not self.text.startswith(NO_TRANSACTION)


@dataclass(slots=True, frozen=True)
class MigrationStatus:
    """One migration as this database has it. `applied_at` None: not yet."""

    label: str
    checksum: str
    applied_at: datetime | None


def migrations(folder: Traversable | None = None) -> list[Migration]:
    """The migrations of this release (or of another folder), in order."""
    found: dict[int, Migration] = {}
    for file in (folder or files("schemas.sql") / "migrations").iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = FILE_NAME.fullmatch(file.name)
        if match is None:
            raise MigrationError(f"{file.name} is not named NNNN_name.sql")
        migration = Migration(int(match["version"]), match["name"], file.read_text("utf-8"))
        if migration.version in found:
            raise MigrationError(f"{migration.label} and {found[migration.version].label} have the same number")
        found[migration.version] = migration
    return [found[version] for version in sorted(found)]


def migrate(dsn: str, known: Sequence[Migration] | None = None) -> list[str]:
    """Bring the database up to this release; returns what was applied. Many processes may call it at once.

    The DSN's user is a superuser, or has CREATEROLE and may create schemas in the database.
    """
    known = migrations() if known is None else known
    with _only_migrator(dsn) as connection:
        with connection.transaction():
            connection.execute(CREATE_HISTORY)
        _prepare_roles(connection)
        pending = _pending(known, _history(connection))
        for migration in pending:
            _apply(connection, migration)
    return [migration.label for migration in pending]


def status(dsn: str, known: Sequence[Migration] | None = None) -> list[MigrationStatus]:
    """Every migration of this release and when this database got it; changes nothing.

    Raises `MigrationError` as `migrate` would: for a file that has changed, or a database that is newer.
    """
    known = migrations() if known is None else known
    with psycopg.connect(dsn, autocommit=True) as connection:
        exists = connection.execute("SELECT to_regclass('ledger_migrations.migration') IS NOT NULL").fetchone()
        applied = _history(connection) if exists == (True,) else {}
    _pending(known, applied)
    return [
        MigrationStatus(m.label, m.checksum, applied[m.version].applied_at if m.version in applied else None)
        for m in known
    ]


@contextmanager
def _only_migrator(dsn: str) -> Iterator[psycopg.Connection]:
    """A connection that holds the migration lock of its database and commits each statement unless told."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT set_config('client_min_messages', 'warning', false)")
        _set(connection, "lock_timeout", MIGRATOR_TIMEOUT_MS)
        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK_KEY,))
        except psycopg.errors.LockNotAvailable:
            message = f"another migration of this database has been running for {MIGRATOR_TIMEOUT_MS // 1000} s"
            raise MigrationError(message) from None
        _set(connection, "statement_timeout", 0)
        _set(connection, "lock_timeout", LOCK_TIMEOUT_MS)
        yield connection


def _set(connection: psycopg.Connection, setting: str, milliseconds: int) -> None:
    connection.execute("SELECT set_config(%s, %s, false)", (setting, f"{milliseconds}ms"))


def _prepare_roles(connection: psycopg.Connection) -> None:
    """The first migration acts as the owner role, which a user who is no superuser may only as its member."""
    superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if superuser == (True,):
        return
    for role in ROLES:
        row = connection.execute("SELECT oid FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
        if row is None:
            _create_role(connection, role)
        is_member = connection.execute("SELECT pg_has_role(%s, 'USAGE')", (role,)).fetchone()
        if is_member != (True,):
            connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))


def _create_role(connection: psycopg.Connection, role: str) -> None:
    # roles belong to the cluster: the migrator of another database may be faster
    with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))


@dataclass(slots=True, frozen=True)
class _Applied:
    name: str
    checksum: str
    applied_at: datetime


def _history(connection: psycopg.Connection) -> dict[int, _Applied]:
    rows = connection.execute("SELECT version, name, checksum, applied_at FROM ledger_migrations.migration")
    return {version: _Applied(name, checksum, applied_at) for version, name, checksum, applied_at in rows}


def _pending(known: Sequence[Migration], applied: dict[int, _Applied]) -> list[Migration]:
    """What is still to be applied, after checking that what was applied is what this release has."""
    by_version = {migration.version: migration for migration in known}
    for version, was in sorted(applied.items()):
        now = by_version.get(version)
        if now is None:
            raise MigrationError(
                f"the database has migration {version:04}_{was.name}, this release does not: use a newer one"
            )
        if now.checksum != was.checksum:
            raise MigrationError(
                f"migration {now.label} was applied on {was.applied_at:%Y-%m-%d} and has changed since: put "
                f"the file back, write the change as a new one ({was.checksum[:12]}, now {now.checksum[:12]})"
            )
    return [migration for migration in known if migration.version not in applied]


def _apply(connection: psycopg.Connection, migration: Migration) -> None:
    try:
        if migration.in_transaction:
            _apply_whole(connection, migration)
        else:
            for statement in re.split(r";[ \t]*$", migration.text, flags=re.MULTILINE):
                if statement.strip():
                    connection.execute(statement.encode())
            connection.execute("RESET ROLE")
            _record(connection, migration)
    except psycopg.Error as error:
        what = error.diag.message_primary or str(error)
        where = error.diag.context or error.diag.message_detail or ""
        raise MigrationError(f"migration {migration.label}: {what} {where}".rstrip()) from error


def _apply_whole(connection: psycopg.Connection, migration: Migration, tries: int = TRIES) -> None:
    """All of it or nothing. Roles belong to the cluster: where the migrator of another database has just changed the
    same one, PostgreSQL ends ours ("tuple concurrently updated", an internal error), and it is done again."""
    try:
        with connection.transaction():
            connection.execute(migration.text.encode())
            connection.execute("RESET ROLE")
            _record(connection, migration)
    except psycopg.errors.InternalError_:
        if tries == 1:
            raise
        _apply_whole(connection, migration, tries - 1)


def _record(connection: psycopg.Connection, migration: Migration) -> None:
    connection.execute(
        "INSERT INTO ledger_migrations.migration (version, name, checksum) VALUES (%s, %s, %s)",
        (migration.version, migration.name, migration.checksum),
    )
