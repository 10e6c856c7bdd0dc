"""A machine for the command line: its own folder, and a fresh database on the tests' server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_core.store.verify import verify
from tests.support.databases import TestDatabase


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: TestDatabase) -> Iterator[TestDatabase]:
    """LEDGER_POSTGRES_DSN names a migrated database without books; whatever a test does to it must verify."""
    for name in ("LEDGER_KAFKA_BOOTSTRAP", "LEDGER_DATABASE", "LEDGER_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", database.dsn())
    monkeypatch.setenv("LEDGER_HOME", str(tmp_path / "home"))
    yield database
    report = verify(database.dsn())
    assert report.ok, [check for check in report.checks if not check.ok]
