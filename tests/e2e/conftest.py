"""A machine for the command line: its own folder, and a database on the tests' server that must be whole afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
