"""Which servers a process gets: the ones that are named win over those started here."""

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import psycopg
import pytest

from deploy.local.containers import docker_runs, kafka_container, postgres_container
from deploy.local.errors import LocalServiceUnavailable
from deploy.local.postgres import LocalPostgres
from deploy.local.stack import (
    StackSettings,
    drop_database,
    ensure_database,
    resolve_kafka,
    resolve_postgres,
    revive_postgres,
)

with_docker = pytest.mark.skipif(not docker_runs(), reason="no Docker daemon answers")
without_docker = pytest.mark.skipif(docker_runs(), reason="Docker runs here")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEDGER_POSTGRES_DSN", "LEDGER_KAFKA_BOOTSTRAP", "LEDGER_KAFKA", "LEDGER_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_named_servers_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", "postgresql://db.example/ledger")
    monkeypatch.setenv("LEDGER_KAFKA_BOOTSTRAP", "kafka.example:9092")
    settings = StackSettings()
    with resolve_postgres(settings) as dsn, resolve_kafka(settings) as bootstrap_servers:
        assert dsn == "postgresql://db.example/ledger"
        assert bootstrap_servers == "kafka.example:9092"
        assert not revive_postgres(settings)


def test_password_of_a_named_server_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_DSN", "postgresql://me:tell-nobody@db.example/ledger")
    assert "tell-nobody" not in repr(StackSettings())


@pytest.mark.postgres
def test_local_server_is_started_under_the_home_and_again_after_a_crash_and_stopped(
    monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    monkeypatch.setenv("LEDGER_HOME", str(open_folder))
    with resolve_postgres(StackSettings()) as dsn:
        ledger = ensure_database(dsn, "ledger")
        assert ensure_database(dsn, "ledger") == ledger
        with psycopg.connect(ledger) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("ledger",)
        LocalPostgres(open_folder / "postgres").kill()
        assert [revive_postgres(StackSettings()) for _ in range(2)] == [True, False]
        drop_database(dsn, "ledger")
        drop_database(dsn, "ledger")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(ledger)
    assert not (open_folder / "postgres" / "postmaster.pid").exists()


class Refused(Exception):
    """How a command ends that is not done."""


@pytest.mark.postgres
@pytest.mark.parametrize("outcome", [nullcontext(), pytest.raises(Refused)], ids=["done", "refused"])
def test_the_last_who_works_with_a_local_server_stops_it(
    outcome: AbstractContextManager[object], monkeypatch: pytest.MonkeyPatch, open_folder: Path
) -> None:
    monkeypatch.setenv("LEDGER_HOME", str(open_folder))

    @contextmanager
    def command() -> Iterator[str]:
        with outcome, resolve_postgres(StackSettings()) as dsn:
            yield dsn
            if not isinstance(outcome, nullcontext):
                raise Refused

    with command() as dsn:
        other = psycopg.connect(dsn, autocommit=True)
    assert other.execute("SELECT 1").fetchone() == (1,)
    other.close()
    with command():
        pass
    assert not (open_folder / "postgres" / "postmaster.pid").exists()


@without_docker
def test_container_without_docker_is_refused_in_plain_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_KAFKA", "testcontainers")
    with (
        pytest.raises(LocalServiceUnavailable, match="start Docker"),
        resolve_kafka(StackSettings()),
    ):
        pass


@pytest.mark.docker
@pytest.mark.slow
@with_docker
def test_kafka_in_a_container_takes_connections() -> None:
    with kafka_container() as bootstrap_servers:
        host, _, port = bootstrap_servers.partition(":")
        socket.create_connection((host, int(port)), timeout=5).close()


@pytest.mark.docker
@pytest.mark.slow
@with_docker
def test_postgres_in_a_container_takes_connections() -> None:
    with postgres_container() as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
