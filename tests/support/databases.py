"""A fresh, migrated database in tens of milliseconds: migrations run once, into a template that is copied.

The template's name holds a hash of the migrations: a server that outlives the run never serves an old schema.
"""

import hashlib
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ledger_core.store.connection import Role, dsn_for_role
from schemas.sql.runner import migrate

MIGRATIONS = Path(__file__).parents[2] / "schemas" / "sql"
TEMPLATE_LOCK = 0x4C656467  # an advisory lock of this harness: one worker builds the template, the others wait


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One database of one test."""

    __test__ = False  # its name does not make it a test

    name: str
    server_dsn: str

    def dsn(self, role: Role | None = None) -> str:
        """Its DSN: as the server's superuser, or acting as one of the ledger's roles."""
        dsn = make_conninfo(self.server_dsn, dbname=self.name)
        return dsn if role is None else dsn_for_role(dsn, role)


def create_database(server_dsn: str) -> TestDatabase:
    """Copy the template under a new name."""
    name = f"ledger_test_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        template = _template(connection, server_dsn)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return TestDatabase(name=name, server_dsn=server_dsn)


def copy_database(source: TestDatabase) -> TestDatabase:
    """Copy a database that a test suite filled, in tens of milliseconds; nobody may be connected to it."""
    name = f"ledger_test_{uuid.uuid4().hex[:16]}"
    with psycopg.connect(source.server_dsn, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source.name))
        )
    return TestDatabase(name=name, server_dsn=source.server_dsn)


def drop_database(database: TestDatabase) -> None:
    """Drop it, with whatever connections a test left open."""
    with psycopg.connect(database.server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))


def _template(connection: psycopg.Connection, server_dsn: str) -> str:
    name = f"ledger_template_{_migrations_hash()}"
    if _exists(connection, name):
        return name
    connection.execute("SELECT pg_advisory_lock(%s)", [TEMPLATE_LOCK])
    try:
        if not _exists(connection, name):
            _build_template(connection, server_dsn, name)
    finally:
        connection.execute("SELECT pg_advisory_unlock(%s)", [TEMPLATE_LOCK])
    return name


def _build_template(connection: psycopg.Connection, server_dsn: str, name: str) -> None:
    draft = f"{name}_draft"
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(draft)))
    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
    migrate(make_conninfo(server_dsn, dbname=draft))
    connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name)))


def _exists(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return row is not None


@cache
def _migrations_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in MIGRATIONS.rglob("*") if path.suffix in {".sql", ".py"}):
        digest.update(path.relative_to(MIGRATIONS).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
