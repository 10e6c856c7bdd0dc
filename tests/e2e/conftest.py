"""A machine for the command line: its own folder, and a database on the tests' server that must be whole afterwards."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from api.cli.stores import DEMO_DATABASE
from tests.invariants import assert_invariants
from tests.support.databases import TestDatabase


@pytest.fixture
def database(database: TestDatabase) -> Iterator[TestDatabase]:
    """The fresh database of any test; whatever is done to it must hold."""
    yield database
    assert_invariants(database.dsn())


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: TestDatabase) -> TestDatabase:
    """LEDGER_POSTGRES_DSN names a migrated database without books."""
    for name in ("LEDGER_KAFKA_BOOTSTRAP", "LEDGER_DATABASE", "LEDGER_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", database.dsn())
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "home"))
    return database


@pytest.fixture
def demo_database(machine: TestDatabase) -> Iterator[str]:
    """The database that every demo makes anew, as its DSN: not there yet, and whole afterwards."""
    with psycopg.connect(machine.server_dsn, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DEMO_DATABASE} WITH (FORCE)".encode())
        yield (dsn := make_conninfo(machine.server_dsn, dbname=DEMO_DATABASE))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [DEMO_DATABASE]).fetchone() is not None:
            assert_invariants(dsn)


@pytest.fixture
def topics(machine: TestDatabase) -> TestDatabase:
    """The embedded log with the topics of the pipeline."""
    with psycopg.connect(machine.dsn()) as connection:
        for name in ("payments.events.v1", "ledger.events.v1", "webhooks.events.v1"):
            row = connection.execute(
                "INSERT INTO transport.topic (name, partitions) VALUES (%s, 1) RETURNING topic_id", (name,)
            ).fetchone()
            connection.execute("INSERT INTO transport.partition (topic_id, partition) VALUES (%s, 0)", row)
    return machine
