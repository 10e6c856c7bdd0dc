"""What only the embedded log has to prove: gapless offsets under concurrent writers, leases, and rights."""

import asyncio

import psycopg
import pytest

from consumers.transport.ports import Outgoing, Partition, PositionLost, TransportUnavailable
from consumers.transport.postgres_log import PostgresLogSink, PostgresLogSource
from ledger_core.store.connection import Role, connect
from tests.contract.transport.harness import Consumer, PostgresTransport, Running, messages, numbers, read
from tests.support.databases import TestDatabase

pytestmark = [pytest.mark.anyio, pytest.mark.postgres, pytest.mark.timeout(60)]

WRITERS = 8


@pytest.fixture
def transport(database: TestDatabase) -> PostgresTransport:
    """The embedded log alone."""
    return PostgresTransport(database)


async def test_eight_writers_leave_no_gap_and_a_tailing_reader_misses_nothing(
    running: Running, transport: PostgresTransport, topic: str
) -> None:
    await running.create(topic, 2)
    source = await running.read_all(topic)

    async def write(writer: int) -> None:
        sink = PostgresLogSink(transport.dsn, client_id=f"writer-{writer}")
        await sink.start()
        for number in range(25):
            await sink.send(
                [Outgoing(topic, None, f"{writer}:{number}".encode(), partition=n) for n in (writer % 2, 0, 1)]
            )
        await sink.stop()

    reading = asyncio.create_task(read(source, WRITERS * 25 * 3))
    await asyncio.gather(*(write(writer) for writer in range(WRITERS)))
    records = await reading
    for partition in (0, 1):
        offsets = [record.offset for record in records if record.partition == partition]
        assert offsets == list(range(len(offsets)))
    assert len({(record.partition, record.offset) for record in records}) == WRITERS * 25 * 3


async def test_a_member_that_fell_silent_loses_its_partitions_and_learns_it(
    running: Running, transport: PostgresTransport, topic: str
) -> None:
    await running.create(topic, 2)
    frozen_consumer, heir_consumer = Consumer(), Consumer()

    def member(client_id: str) -> PostgresLogSource:
        return PostgresLogSource(
            transport.dsn, [topic], "g", client_id=client_id, heartbeat_interval_ms=20, session_timeout_ms=300
        )

    frozen = member("frozen")
    await running.start(frozen, frozen_consumer)
    heart = frozen._heart
    assert heart is not None
    heart.cancel()  # as SIGSTOP does
    heir = await running.start(member("heir"), heir_consumer)
    async with asyncio.timeout(20):
        while len(heir_consumer.held) != 2:
            await heir.fetch(max_records=1, timeout_ms=20)
    assert len(frozen_consumer.held) == 2
    assert frozen._membership is not None
    await frozen._beat(frozen._membership)
    assert frozen_consumer.held == set()


async def test_a_lost_connection_is_reported_once_and_reading_goes_on(
    running: Running, transport: PostgresTransport, database: TestDatabase, topic: str
) -> None:
    await running.create(topic)
    source = PostgresLogSource(transport.dsn, [topic], client_id="reader-under-test")
    await running.start(source, Consumer())
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = %s AND datname = current_database()",
            ["reader-under-test"],
        )
    await (await running.sink()).send(messages(topic, 3))
    with pytest.raises(TransportUnavailable):
        await source.fetch(max_records=10, timeout_ms=1_000)
    assert numbers(await read(source, 3)) == [0, 1, 2]


async def test_a_topic_created_anew_does_not_go_on_in_silence(
    running: Running, transport: PostgresTransport, topic: str
) -> None:
    await running.create(topic)
    sink = await running.sink()
    await sink.send(messages(topic, 3))
    source = await running.read_all(topic)
    await read(source, 3)
    admin = transport.admin()
    await admin.delete_topic(topic)
    await running.close_admin(admin)
    await running.create(topic)
    await sink.send(messages(topic, 9))  # a sink finds the new topic by itself
    with pytest.raises(PositionLost) as caught:
        await source.fetch(max_records=10, timeout_ms=1_000)
    assert (caught.value.partition, caught.value.end) == (Partition(topic, 0), 9)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.READER, "INSERT INTO transport.topic (name, partitions) VALUES ('x', 1)"),
        (Role.RECONCILER, "UPDATE transport.partition SET next_offset = 5"),
        (Role.POSTER, "UPDATE transport.segment SET payload = ''"),
        (Role.POSTER, "DELETE FROM transport.segment"),
        (Role.POSTER, "DELETE FROM transport.topic"),
        (Role.POSTER, "UPDATE transport.partition SET begin_offset = 0"),
        (Role.PROJECTOR, "DELETE FROM transport.segment"),
        (Role.PROJECTOR, "TRUNCATE transport.segment"),
    ],
)
def test_no_role_changes_what_stands_in_the_log(database: TestDatabase, role: Role, statement: str) -> None:
    with connect(database.dsn(), role) as connection:
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
            connection.execute(statement.encode())
        connection.rollback()


@pytest.fixture
def unindexed(database: TestDatabase) -> list[str]:
    """Foreign keys of the schema `transport` whose referencing columns lead no index."""
    with psycopg.connect(database.dsn()) as connection:
        rows = connection.execute(
            """
            SELECT c.conrelid::regclass::text || '.' || c.conname
              FROM pg_constraint AS c
             WHERE c.contype = 'f' AND c.connamespace = 'transport'::regnamespace
               AND NOT EXISTS (
                   SELECT 1 FROM pg_index AS i
                    WHERE i.indrelid = c.conrelid
                      AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
            """
        ).fetchall()
    return [str(row[0]) for row in rows]


def test_every_foreign_key_of_the_log_is_indexed(unindexed: list[str]) -> None:
    assert unindexed == []
