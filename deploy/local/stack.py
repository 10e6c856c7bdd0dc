"""The servers that a process works with: yours if you name them, else local ones that are started."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.local.containers import kafka_container
from deploy.local.kafka import LocalKafka
from deploy.local.places import local_home
from deploy.local.postgres import LocalPostgres


class StackSettings(BaseSettings):
    """Which servers to use, from LEDGER_… variables; what is not set is started here."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", env_ignore_empty=True, frozen=True)

    postgres_dsn: SecretStr | None = None
    postgres_bin: Path | None = None
    kafka_bootstrap: str | None = None
    kafka: Literal["local", "testcontainers"] = "local"
    home: Path | None = None

    @property
    def folder(self) -> Path:
        """Where local servers keep their data."""
        return self.home or local_home(os.environ)


@contextmanager
def resolve_postgres(settings: StackSettings) -> Iterator[str]:
    """The DSN of a user who may create databases and roles: of the server you name, else of a local one, which the
    last who works with it stops."""
    if settings.postgres_dsn is not None:
        yield settings.postgres_dsn.get_secret_value()
        return
    with _local_postgres(settings) as server:
        yield server.dsn()


def revive_postgres(settings: StackSettings) -> bool:
    """Starts the local server again if it died, at the same address; whether it did."""
    if settings.postgres_dsn is not None or (server := _local_postgres(settings)).running:
        return False
    server.start()
    return True


def _local_postgres(settings: StackSettings) -> LocalPostgres:
    return LocalPostgres(settings.folder / "postgres", programs=settings.postgres_bin, shared=True)


@contextmanager
def resolve_kafka(settings: StackSettings) -> Iterator[str]:
    """Bootstrap servers: of the cluster you name, else of a local broker or one in a container."""
    if settings.kafka_bootstrap is not None:
        yield settings.kafka_bootstrap
    elif settings.kafka == "testcontainers":
        with kafka_container() as bootstrap_servers:
            yield bootstrap_servers
    else:
        with LocalKafka(settings.folder / "kafka") as broker:
            yield broker.bootstrap_servers


def ensure_database(dsn: str, name: str) -> str:
    """The DSN of this database on the same server; it is created if it is not there."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_conninfo(dsn, dbname=name)


def drop_database(dsn: str, name: str) -> None:
    """Drop this database of the same server with everything in it, whoever is connected to it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))
