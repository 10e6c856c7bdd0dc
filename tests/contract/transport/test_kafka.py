"""What only Kafka has: transactions, groups that the brokers keep, a client library that can lose its way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from consumers.transport.kafka import KafkaSink, KafkaSource
from consumers.transport.kafka.client import native
from consumers.transport.ports import Outgoing, Partition, PartitionUnreadable, SendFailed, TransportUnavailable
from tests.contract.transport.harness import (
    Consumer,
    KafkaTransport,
    Running,
    fetch_slice,
    messages,
    nothing,
    numbers,
    read,
    read_until_lost,
    resend_until_sent,
)
from tests.support.other_producers import AnyBytes, send_one_batch, sending

pytestmark = [pytest.mark.anyio, pytest.mark.kafka, pytest.mark.timeout(120)]


@pytest.fixture
def transport(kafka_bootstrap: str) -> KafkaTransport:
    """Real Kafka alone."""
    return KafkaTransport(kafka_bootstrap)


@asynccontextmanager
async def transactional(bootstrap: str, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that is used by hand."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def test_aborted_messages_are_never_read(running: Running, transport: KafkaTransport, topic: str) -> None:
    await running.create(topic)
    async with transactional(transport.bootstrap, topic) as producer:
        for number, commits in enumerate([True, False, True, False]):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, str(number).encode(), partition=0)
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    source = await running.read_all(topic)
    assert numbers(await read(source, 2)) == [0, 2]


async def test_an_open_transaction_hides_what_comes_after_it(
    running: Running, transport: KafkaTransport, topic: str
) -> None:
    await running.create(topic)
    partition = Partition(topic, 0)
    sink = await running.sink()
    source = await running.read_all(topic)
    async with transactional(transport.bootstrap, topic) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"0", partition=0)
        await sink.send([Outgoing(topic, b"k", b"1")])
        await nothing(source)
        assert await source.ends([partition]) == {partition: 0}
        await producer.commit_transaction()
    assert numbers(await read(source, 2)) == [0, 1]


async def test_the_position_reaches_the_end_behind_a_last_marker(
    running: Running, transport: KafkaTransport, topic: str
) -> None:
    await running.create(topic)
    partition = Partition(topic, 0)
    await (await running.sink()).send(messages(topic, 2))
    source = await running.read_all(topic)
    await read(source, 2)
    await transport.leave_gap(partition)
    part = await fetch_slice(source, partition)
    assert (part.records, {partition: part.next_offset}) == ([], await source.ends([partition]))


async def test_a_send_that_takes_too_long_is_given_up_and_the_sink_recovers(
    running: Running, transport: KafkaTransport, topic: str
) -> None:
    await running.create(topic)
    sink = KafkaSink(transport.bootstrap, send_timeout_ms=1)
    running.stack.push_async_callback(sink.stop)
    await sink.start()
    batch = messages(topic, 5_000)
    async with asyncio.timeout(10):
        with pytest.raises(SendFailed):
            await sink.send(batch)
    sink._send_timeout_s = 30
    await resend_until_sent(sink, batch)
    source = await running.read_all(topic)
    end = (await source.ends([Partition(topic, 0)]))[Partition(topic, 0)]
    assert list(dict.fromkeys(numbers(await read(source, end)))) == list(range(5_000))


async def test_a_consumer_that_lost_its_way_is_made_anew(
    running: Running, transport: KafkaTransport, topic: str
) -> None:
    await running.create(topic)
    partition = Partition(topic, 0)
    source = KafkaSource(transport.bootstrap, [topic], f"group-{topic}", stall_timeout_ms=200)
    consumer = Consumer()
    await running.start(source, consumer)
    await nothing(source)
    assert source._consumer is not None
    source._consumer.pause(native(partition))  # behind the source's back, as a bug of the library would
    await (await running.sink()).send(messages(topic, 3))
    assert numbers(await read(source, 3)) == [0, 1, 2]
    assert [what for what, _ in consumer.history] == ["assigned", "revoked", "assigned"]


async def test_a_topic_created_anew_does_not_go_on_in_silence(
    running: Running, transport: KafkaTransport, topic: str
) -> None:
    await running.create(topic)
    sink = await running.sink()
    await sink.send(messages(topic, 10))
    source = KafkaSource(
        transport.bootstrap, [topic], f"group-{topic}", heartbeat_interval_ms=200, metadata_max_age_ms=200
    )
    consumer = Consumer(default=10)
    await running.start(source, consumer)
    await nothing(source)
    await transport.admin().delete_topic(topic)
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 3))
    _, error = await read_until_lost(source)
    assert (error.position, error.end) == (10, 3)


async def test_partitions_added_later_are_assigned(running: Running, transport: KafkaTransport, topic: str) -> None:
    await running.create(topic, 1)
    source = KafkaSource(
        transport.bootstrap,
        [topic],
        f"group-{topic}",
        metadata_max_age_ms=200,
        heartbeat_interval_ms=200,
    )
    consumer = Consumer()
    await running.start(source, consumer)
    admin = AIOKafkaAdminClient(bootstrap_servers=transport.bootstrap)
    await admin.start()
    await admin.create_partitions({topic: NewPartitions(3)})
    await admin.close()
    async with asyncio.timeout(30):
        while len(consumer.held) != 3:
            await source.fetch(max_records=10, timeout_ms=50)
    assert await source.partitions() == sorted(consumer.held)


def test_empty_brokers_are_refused() -> None:
    with pytest.raises(ValueError, match="no Kafka brokers"):
        KafkaSink(" ")


async def test_a_password_is_in_no_representation() -> None:
    from consumers.transport.kafka import KafkaSecurity

    assert "hunter2" not in repr(KafkaSecurity(username="ledger", password="hunter2"))


async def test_a_broker_that_never_answers_is_given_up(topic: str) -> None:
    clients: list[asyncio.StreamWriter] = []

    def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(writer)

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        source = KafkaSource(f"127.0.0.1:{port}", [topic], "g", request_timeout_ms=300, start_timeout_ms=600)
        sink = KafkaSink(f"127.0.0.1:{port}", request_timeout_ms=300)
        async with asyncio.timeout(15):
            with pytest.raises(TransportUnavailable):
                await source.start(Consumer())
            with pytest.raises(TransportUnavailable):
                await sink.start()
    finally:
        server.close()
        for client in clients:
            client.close()
            await client.wait_closed()


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_what_producers_compress_is_read(
    running: Running, transport: KafkaTransport, topic: str, codec: str
) -> None:
    await running.create(topic)
    async with sending(transport.bootstrap, codec) as producer:
        await asyncio.gather(*[await producer.send(topic, str(n).encode() * 100, partition=0) for n in range(10)])
    source = await running.read_all(topic)
    assert [record.value for record in await read(source, 10)] == [str(n).encode() * 100 for n in range(10)]


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
async def test_a_header_name_that_is_not_utf_8_fails_no_fetch(
    running: Running, transport: KafkaTransport, topic: str, compression: str | None
) -> None:
    await running.create(topic, 2)
    bad = Partition(topic, 0)
    async with sending(transport.bootstrap, compression) as producer:
        await producer.send_and_wait(topic, b"elsewhere", partition=1)
        names = {b"before": "name", b"bad": "n\xff\xfe", b"after": "name"}
        await send_one_batch(producer, bad, [(value, [(AnyBytes(name), b"")]) for value, name in names.items()])
    source = await running.read_all(topic)
    records = await read(source, 4)
    assert sorted((r.partition, r.offset, r.value) for r in records) == [
        (0, 0, b"before"),
        (0, 1, b"bad"),
        (0, 2, b"after"),
        (1, 0, b"elsewhere"),
    ]
    received = {r.value: name.encode("utf-8", "surrogateescape") for r in records for name, _ in r.headers}
    assert received == {b"before": b"name", b"bad": b"n\xff\xfe", b"after": b"name"}
    again = await source.read_at(bad, 1)
    assert again is not None
    assert again.value == b"bad"
    await nothing(source)


async def test_a_codec_that_cannot_be_read_is_told_with_its_partition_and_the_others_go_on(
    running: Running, transport: KafkaTransport, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running.create(topic, 2)
    async with sending(transport.bootstrap) as plain, sending(transport.bootstrap, "zstd") as compressed:
        await plain.send_and_wait(topic, b"0", partition=0)
        await compressed.send_and_wait(topic, b"1", partition=0)
        await plain.send_and_wait(topic, b"2", partition=1)
    monkeypatch.setattr("aiokafka.codec.has_zstd", lambda: False)
    source = await running.read_all(topic)
    values: list[bytes | None] = []

    async def fetch_on() -> None:
        async with asyncio.timeout(30):
            while True:
                for part in (await source.fetch(max_records=500, timeout_ms=200)).values():
                    values.extend(record.value for record in part.records)

    with pytest.raises(PartitionUnreadable, match="zstd") as told:
        await fetch_on()
    assert (told.value.partition, told.value.position) == (Partition(topic, 0), 1)
    async with sending(transport.bootstrap) as plain:
        await plain.send_and_wait(topic, b"3", partition=1)
    values.extend(record.value for record in await read(source, 3 - len(values)))
    assert sorted(value or b"" for value in values) == [b"0", b"2", b"3"]
