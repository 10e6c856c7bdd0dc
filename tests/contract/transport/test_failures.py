"""The contract of failures: what is reported, in bounded time, and how to go on from it."""

import asyncio

import pytest

from consumers.transport.ports import (
    SendFailed,
    TopicMissing,
    TransportUnavailable,
)
from tests.contract.transport.harness import (
    Consumer,
    Running,
    Transport,
    messages,
    numbers,
    read,
    resend_until_sent,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_resending_after_a_failed_send_skips_nothing_and_reorders_nothing(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic, 2)
    sink = await running.sink()
    before, batch = messages(topic, 50), messages(topic, 3_000, start=50)
    await sink.send(before)
    with pytest.raises(SendFailed):
        await transport.send_and_fail(sink, batch)
    await resend_until_sent(sink, batch)
    await sink.send(messages(topic, 50, start=3_050))
    source = await running.read_all(topic)
    ends = await source.ends(await source.partitions())
    records = await read(source, sum(ends.values()))
    first_seen: dict[bytes | None, list[int]] = {}
    for record in records:
        of_key = first_seen.setdefault(record.key, [])
        if int(record.value or b"-1") not in of_key:
            of_key.append(int(record.value or b"-1"))
    assert first_seen == {f"key-{n}".encode(): list(range(n, 3_100, 7)) for n in range(7)}


async def test_a_topic_that_does_not_exist_is_named(running: Running, transport: Transport, topic: str) -> None:
    source = transport.source([topic], f"group-{topic}")
    async with asyncio.timeout(10):
        with pytest.raises(TopicMissing) as at_start:
            await source.start(Consumer())
        with pytest.raises(TopicMissing) as at_send:
            await (await running.sink()).send(messages(topic, 1))
    assert at_start.value.topic == at_send.value.topic == topic
    await source.stop()


async def test_a_sink_finds_a_topic_that_was_created_after_it_started(running: Running, topic: str) -> None:
    sink = await running.sink()
    with pytest.raises(TopicMissing):
        await sink.send(messages(topic, 1))
    await running.create(topic)
    await sink.send(messages(topic, 1))
    assert numbers(await read(await running.read_all(topic), 1)) == [0]


async def test_a_log_that_is_not_there_is_reported_in_bounded_time(running: Running, transport: Transport) -> None:
    source, sink, admin = transport.unreachable()
    async with asyncio.timeout(20):
        for attempt in (source.start(Consumer()), sink.start(), admin.list_topics()):
            with pytest.raises(TransportUnavailable):
                await attempt
        await source.stop()
        await sink.stop()
    await running.close_admin(admin)
