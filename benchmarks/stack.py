"""The servers that are measured against: a fresh PostgreSQL and a real Kafka, and databases with books in them."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks.workload import TOPIC, Workload, chart, messages
from consumers.transport.kafka import KafkaAdmin, KafkaSink
from deploy.local.stack import StackSettings, drop_database, resolve_kafka, resolve_postgres
from ledger_core.store.books import Books, create_book
from ledger_core.store.connection import Role, connect
from schemas.sql.runner import migrate

PARTITIONS = 8
SEND_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A filled topic, and how many events stand in each of its partitions."""

    name: str
    events: dict[int, int]


@dataclass(slots=True)
class Stack:
    """Servers under measurement. Databases are made from a template per workload, so each round begins alike."""

    admin_dsn: str
    bootstrap: str
    _templates: dict[str, str] = field(default_factory=dict)
    _topics: dict[str, Topic] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def database(self, workload: Workload) -> Iterator[str]:
        """A database with the workload's books and accounts and nothing posted; dropped after."""
        template = self._templates.get(workload.name) or self._make_template(workload)
        name = f"bench_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield make_conninfo(self.admin_dsn, dbname=name)
        finally:
            drop_database(self.admin_dsn, name)

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.admin_dsn, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _make_template(self, workload: Workload) -> str:
        name = f"bench_template_{next(self._numbers)}"
        self._run("CREATE DATABASE {}", name)
        dsn = make_conninfo(self.admin_dsn, dbname=name)
        migrate(dsn)
        with connect(dsn, Role.POSTER) as connection:
            for code in workload.book_codes():
                create_book(connection, code, chart())
            connection.commit()
            connection.autocommit = True
            books = Books(connection)
            books.assets.load()
            for book in books.find(workload.book_codes()).values():
                wanted = dict.fromkeys(workload.account_codes(), "EUR")
                if workload.commission_bps:
                    wanted["revenue:commission:EUR"] = "EUR"
                books.find_accounts(book, wanted)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        self._templates[workload.name] = name
        return name

    def topic(self, workload: Workload) -> Topic:
        """A topic that holds the workload's events, filled once."""
        if workload.name not in self._topics:
            name = f"{TOPIC}.{workload.name}"
            self._topics[workload.name] = asyncio.run(fill(self.bootstrap, name, workload))
        return self._topics[workload.name]

    def new_topic(self, prefix: str) -> str:
        """An empty topic of its own name."""
        name = f"{prefix}.{next(self._numbers)}"
        asyncio.run(KafkaAdmin(self.bootstrap).ensure_topics({name: PARTITIONS}))
        return name


async def fill(bootstrap: str, topic: str, workload: Workload) -> Topic:
    """Creates the topic and sends the workload's events to it."""
    await KafkaAdmin(bootstrap).ensure_topics({topic: PARTITIONS})
    sink = KafkaSink(bootstrap)
    counts: Counter[int] = Counter()
    await sink.start()
    try:
        chunk = []
        for message in messages(workload, PARTITIONS, topic=topic):
            counts[message.partition or 0] += 1
            chunk.append(message)
            if len(chunk) == SEND_AT_ONCE:
                await sink.send(chunk)
                chunk = []
        await sink.send(chunk)
    finally:
        await sink.stop()
    return Topic(topic, dict(counts))


@contextmanager
def started_stack() -> Iterator[Stack]:
    """Servers of our own in a folder that goes away after, unless LEDGER_… names others."""
    with TemporaryDirectory(prefix="ledger-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        settings = StackSettings(home=Path(folder))
        with resolve_postgres(settings) as dsn, resolve_kafka(settings) as bootstrap:
            yield Stack(dsn, bootstrap)
