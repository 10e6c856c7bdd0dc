"""Servers and databases for the tests: one server for a whole run, a fresh database for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.errors import LocalServiceUnavailable
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import LocalPostgres
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.servers import (
    SERVERS_VARIABLE,
    create_servers_folder,
    go_without_kafka,
    remove_servers_folder,
    sweep_abandoned_folders,
)

# Durability stays on: what the tests pass is what production runs.
SETTINGS_OF_TESTS = {"max_connections": "200", "max_wal_size": "1GB"}


def pytest_configure(config: pytest.Config) -> None:
    """The controlling process makes a folder for servers; xdist's workers find it in the environment."""
    # A busy machine is slow, not wrong: no property fails for the time it took.
    settings.register_profile("untimed", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
    if not hasattr(config, "workerinput"):
        sweep_abandoned_folders()
        os.environ[SERVERS_VARIABLE] = str(create_servers_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controlling process outlives its workers, so it is the one that stops the servers."""
    if not hasattr(config, "workerinput") and (folder := os.environ.pop(SERVERS_VARIABLE, None)):
        remove_servers_folder(Path(folder))


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that kill processes run one after another, on one worker."""
    for item in items:
        if item.get_closest_marker("fault"):
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """A superuser's DSN: of LEDGER_POSTGRES_DSN, else of a local server that all workers share.

    LEDGER_POSTGRES_BIN runs the tests against another version.
    """
    if dsn := os.environ.get("LEDGER_POSTGRES_DSN"):
        return dsn
    chosen = os.environ.get("LEDGER_POSTGRES_BIN")
    folder = Path(os.environ[SERVERS_VARIABLE]) / "postgres"
    server = LocalPostgres(folder, settings=SETTINGS_OF_TESTS, programs=Path(chosen) if chosen else None)
    server.start()
    return server.dsn()


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    """A running Kafka: LEDGER_KAFKA_BOOTSTRAP, else a local broker that all workers share."""
    if servers := os.environ.get("LEDGER_KAFKA_BOOTSTRAP"):
        return servers
    broker = LocalKafka(Path(os.environ[SERVERS_VARIABLE]) / "kafka")
    try:
        broker.start()
    except LocalServiceUnavailable as error:
        go_without_kafka(error, os.environ)
    return broker.bootstrap_servers


@pytest.fixture
def database(postgres_server: str) -> Iterator[TestDatabase]:
    """A fresh database with all migrations; `.dsn(role)` connects to it as one of the ledger's roles."""
    fresh = create_database(postgres_server)
    yield fresh
    drop_database(fresh)
