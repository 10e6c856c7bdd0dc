"""What the contract suite needs of a transport beyond its ports, and the consumer that the tests are."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Protocol

import psycopg
from aiokafka import AIOKafkaProducer

from consumers.transport.admin import TopicAdmin
from consumers.transport.kafka import KafkaAdmin, KafkaSink, KafkaSource
from consumers.transport.memory import MemoryLog, MemorySink, MemorySource
from consumers.transport.ports import (
    Outgoing,
    Partition,
    PositionLost,
    Record,
    SendFailed,
    Sink,
    Slice,
    Source,
    TransportUnavailable,
)
from consumers.transport.postgres_log import PostgresLogAdmin, PostgresLogSink, PostgresLogSource
from ledger_core.store.connection import Role
from tests.support.databases import TestDatabase

# Nobody listens on the discard port.
NOBODY = "127.0.0.1:9"
DEADLINE_S = 30.0


class Transport(Protocol):
    """One adapter under test."""

    has_gaps: bool

    def admin(self) -> TopicAdmin: ...

    def source(
        self,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        partitions: Sequence[Partition] | None = None,
    ) -> Source: ...

    def sink(self) -> Sink: ...

    def unreachable(self) -> tuple[Source, Sink, TopicAdmin]:
        """Adapters of the same kind for a log that is not there."""
        ...

    async def send_and_fail(self, sink: Sink, messages: Sequence[Outgoing]) -> None:
        """Sends so that `SendFailed` is raised, after some of the messages or none were written."""
        ...

    async def leave_gap(self, partition: Partition) -> None:
        """Uses up at least one offset without a record."""
        ...


class MemoryTransport:
    """`consumers.transport.memory`."""

    has_gaps = True

    def __init__(self) -> None:
        self.log = MemoryLog()

    def admin(self) -> TopicAdmin:
        return self.log

    def source(
        self,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        partitions: Sequence[Partition] | None = None,
    ) -> Source:
        return MemorySource(self.log, topics, group_id, partitions=partitions)

    def sink(self) -> Sink:
        return MemorySink(self.log)

    def unreachable(self) -> tuple[Source, Sink, TopicAdmin]:
        log = MemoryLog()
        log.faults.unavailable = True
        return MemorySource(log, ["t"]), MemorySink(log), log

    async def send_and_fail(self, sink: Sink, messages: Sequence[Outgoing]) -> None:
        self.log.faults.send_fails_after = len(messages) // 2
        await sink.send(messages)

    async def leave_gap(self, partition: Partition) -> None:
        self.log.leave_gap(partition)


class PostgresTransport:
    """`consumers.transport.postgres_log`."""

    has_gaps = False

    def __init__(self, database: TestDatabase) -> None:
        self._database = database
        self.dsn = database.dsn(Role.POSTER)

    def admin(self) -> TopicAdmin:
        return PostgresLogAdmin(self._database.dsn(Role.OWNER))

    def source(
        self,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        partitions: Sequence[Partition] | None = None,
    ) -> Source:
        return PostgresLogSource(self.dsn, topics, group_id, partitions=partitions, heartbeat_interval_ms=30)

    def sink(self) -> Sink:
        return PostgresLogSink(self.dsn, client_id="sink-under-test")

    def unreachable(self) -> tuple[Source, Sink, TopicAdmin]:
        dsn = "host=127.0.0.1 port=9 dbname=nobody"
        return PostgresLogSource(dsn, ["t"]), PostgresLogSink(dsn), PostgresLogAdmin(dsn)

    async def send_and_fail(self, sink: Sink, messages: Sequence[Outgoing]) -> None:
        with psycopg.connect(self._database.dsn(), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'sink-under-test' AND datname = current_database()"
            )
        await sink.send(messages)

    async def leave_gap(self, partition: Partition) -> None:
        raise AssertionError("the embedded log has no gaps")


class KafkaTransport:
    """`consumers.transport.kafka`, on a real broker."""

    has_gaps = True
    # More than the topic takes: the broker itself has to refuse what `send_and_fail` sends.
    client_limit_bytes = 8 * 1024 * 1024

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def admin(self) -> TopicAdmin:
        return KafkaAdmin(self.bootstrap)

    def source(
        self,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        partitions: Sequence[Partition] | None = None,
    ) -> Source:
        return KafkaSource(
            self.bootstrap,
            topics,
            group_id,
            partitions=partitions,
            heartbeat_interval_ms=200,
            session_timeout_ms=6_000,
        )

    def sink(self) -> Sink:
        return KafkaSink(self.bootstrap)

    def unreachable(self) -> tuple[Source, Sink, TopicAdmin]:
        return KafkaSource(NOBODY, ["t"]), KafkaSink(NOBODY), KafkaAdmin(NOBODY)

    async def send_and_fail(self, sink: Sink, messages: Sequence[Outgoing]) -> None:
        """In the middle of one partition stands a message that the broker refuses."""
        assert isinstance(sink, KafkaSink)
        half = len(messages) // 2
        refused = Outgoing(messages[half].topic, messages[half].key, bytes(2 * 1024 * 1024))
        sink._message_limits[refused.topic] = self.client_limit_bytes
        await sink.send([*messages[:half], refused, *messages[half:]])

    async def leave_gap(self, partition: Partition) -> None:
        """An aborted message and the marker after it."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, transactional_id=f"gap-{partition.topic}-{partition.partition}"
        )
        await producer.start()
        try:
            await producer.begin_transaction()
            await producer.send_and_wait(partition.topic, b"aborted", key=b"aborted", partition=partition.partition)
            await producer.abort_transaction()
        finally:
            await producer.stop()


class Consumer:
    """An `Assignment` that starts everywhere at `starts`, or at `default`, and remembers what it was told."""

    def __init__(self, starts: Mapping[Partition, int] | None = None, default: int | None = 0) -> None:
        self.starts = dict(starts or {})
        self.default = default
        self.held: set[Partition] = set()
        self.history: list[tuple[str, tuple[Partition, ...]]] = []
        self.changed = asyncio.Event()

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        self.held.update(partitions)
        self._note("assigned", partitions)
        wanted = {partition: self.starts.get(partition, self.default) for partition in partitions}
        return {partition: offset for partition, offset in wanted.items() if offset is not None}

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        self.held.difference_update(partitions)
        self._note("revoked", partitions)

    def _note(self, what: str, partitions: Sequence[Partition]) -> None:
        self.history.append((what, tuple(partitions)))
        self.changed.set()


class Running:
    """Starts sources and sinks and stops them at the end of the test."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.stack = AsyncExitStack()

    async def create(self, topic: str, partitions: int = 1) -> None:
        admin = self.transport.admin()
        await admin.ensure_topics({topic: partitions})
        await self.close_admin(admin)

    async def close_admin(self, admin: object) -> None:
        close: Callable[[], Awaitable[None]] | None = getattr(admin, "close", None)
        if close is not None:
            await close()

    async def sink(self) -> Sink:
        sink = self.transport.sink()
        self.stack.push_async_callback(sink.stop)
        await sink.start()
        return sink

    async def start(self, source: Source, consumer: Consumer) -> Source:
        self.stack.push_async_callback(source.stop)
        await source.start(consumer)
        return source

    async def read_all(self, topic: str, starts: Consumer | None = None) -> Source:
        """A started source over all partitions of the topic, from their beginnings."""
        return await self.start(self.transport.source([topic]), starts or Consumer())


async def read(source: Source, count: int, *, max_records: int = 500) -> list[Record]:
    """Fetches until `count` records came; more than that is a failure, and so is waiting too long."""
    records: list[Record] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(records) < count:
            for part in (await source.fetch(max_records=max_records, timeout_ms=200)).values():
                records.extend(part.records)
    assert len(records) == count
    return records


async def fetch_slice(source: Source, partition: Partition) -> Slice:
    """The next slice of one partition that is not empty."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            slices = await source.fetch(max_records=500, timeout_ms=200)
            if partition in slices:
                return slices[partition]


async def read_until_lost(source: Source) -> tuple[int, PositionLost]:
    """Fetches until a position is reported lost; answers how many records came before, and the report."""
    count = 0
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                slices = await source.fetch(max_records=100, timeout_ms=200)
            except PositionLost as error:
                return count, error
            except TransportUnavailable:
                continue
            count += sum(len(part.records) for part in slices.values())


async def nothing(source: Source) -> None:
    """Nothing more comes."""
    slices = await source.fetch(max_records=500, timeout_ms=150)
    assert [part.records for part in slices.values() if part.records] == []


def messages(topic: str, count: int, *, keys: int = 7, start: int = 0) -> list[Outgoing]:
    """`count` numbered messages over a few keys."""
    return [
        Outgoing(topic, f"key-{n % keys}".encode(), str(n).encode(), [("n", str(n).encode())])
        for n in range(start, start + count)
    ]


def numbers(records: Sequence[Record]) -> list[int]:
    """The numbers that `messages` wrote."""
    return [int(record.value or b"-1") for record in records]


async def resend_until_sent(sink: Sink, batch: Sequence[Outgoing], *, attempts: int = 20) -> int:
    """What every caller does after `SendFailed`; answers how often it was necessary."""
    for failures in range(attempts):
        try:
            await sink.send(batch)
        except SendFailed:
            continue
        return failures
    raise AssertionError("the sink did not recover")
