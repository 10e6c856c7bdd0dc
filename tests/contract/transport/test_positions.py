"""The contract of positions: whose they are, and what happens when the log does not hold them."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumers.transport.ports import (
    Outgoing,
    Partition,
    Source,
)
from tests.contract.transport.harness import (
    Consumer,
    Running,
    Transport,
    messages,
    nothing,
    numbers,
    read,
    read_until_lost,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


async def test_reading_starts_where_the_consumer_says(running: Running, topic: str) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 10))
    source = await running.read_all(topic, Consumer({Partition(topic, 0): 6}))
    assert numbers(await read(source, 4)) == [6, 7, 8, 9]


async def test_a_position_at_the_end_waits_for_what_comes(running: Running, topic: str) -> None:
    await running.create(topic)
    sink = await running.sink()
    await sink.send(messages(topic, 5))
    source = await running.read_all(topic, Consumer({Partition(topic, 0): 5}))
    await nothing(source)
    await sink.send(messages(topic, 1, start=5))
    assert numbers(await read(source, 1)) == [5]


async def test_seeking_back_reads_again_and_drops_what_was_prefetched(running: Running, topic: str) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 20))
    source = await running.read_all(topic)
    await source.fetch(max_records=5, timeout_ms=10_000)
    source.seek(Partition(topic, 0), 2)
    assert numbers(await read(source, 18)) == list(range(2, 20))


async def test_a_paused_partition_is_silent_until_it_is_resumed(running: Running, topic: str) -> None:
    await running.create(topic, 2)
    sink = await running.sink()
    source = await running.read_all(topic)
    source.pause([Partition(topic, 0)])
    await sink.send([Outgoing(topic, None, str(n).encode(), partition=n % 2) for n in range(10)])
    assert {record.partition for record in await read(source, 5)} == {1}
    await nothing(source)
    source.resume([Partition(topic, 0)])
    assert numbers(await read(source, 5)) == [0, 2, 4, 6, 8]


async def test_what_was_prefetched_is_not_lost_while_everything_is_paused(running: Running, topic: str) -> None:
    """A fetch that has nothing to read must not move a position over records that nobody saw."""
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 20))
    source = await running.read_all(topic)
    assert numbers(await read(source, 5, max_records=5)) == [0, 1, 2, 3, 4]
    source.pause([Partition(topic, 0)])
    await nothing(source)
    source.resume([Partition(topic, 0)])
    assert numbers(await read(source, 15)) == list(range(5, 20))


async def test_a_fetch_that_waits_while_its_partition_is_assigned_loses_nothing(running: Running, topic: str) -> None:
    """Records may arrive before the consumer's answer is known to the fetch that waits."""
    await running.create(topic)
    sink = await running.sink()
    source = await running.read_all(topic, Consumer(default=None))
    waiting = asyncio.create_task(source.fetch(max_records=100, timeout_ms=1_000))
    await asyncio.sleep(0.05)  # so that the fetch waits; without it the test is only weaker
    source.seek(Partition(topic, 0), 0)
    source.resume([Partition(topic, 0)])
    await sink.send(messages(topic, 10))
    seen = [record for part in (await waiting).values() for record in part.records]
    assert numbers([*seen, *await read(source, 10 - len(seen))]) == list(range(10))


async def test_a_partition_left_out_by_the_consumer_waits_for_a_seek(running: Running, topic: str) -> None:
    await running.create(topic, 2)
    await (await running.sink()).send([Outgoing(topic, None, b"1", partition=n) for n in range(2)])
    source = await running.read_all(topic, Consumer({Partition(topic, 1): 0}, default=None))
    assert [record.partition for record in await read(source, 1)] == [1]
    await nothing(source)
    source.seek(Partition(topic, 0), 0)
    source.resume([Partition(topic, 0)])
    assert [record.partition for record in await read(source, 1)] == [0]


async def test_read_at_finds_the_record_at_exactly_that_offset(running: Running, topic: str) -> None:
    await running.create(topic, 2)
    await (await running.sink()).send(
        [Outgoing(topic, b"k", str(n).encode(), [("h", b"v")], partition=1) for n in range(10)]
    )
    source = await running.read_all(topic)
    partition = Partition(topic, 1)
    record = await source.read_at(partition, 7)
    assert record is not None
    assert (record.offset, record.partition, record.value) == (7, 1, b"7")
    assert await source.read_at(partition, 10) is None
    assert await source.read_at(Partition(topic, 0), 0) is None


async def test_read_at_a_gap_finds_nothing(running: Running, transport: Transport, topic: str) -> None:
    if not transport.has_gaps:
        pytest.skip("this log's offsets have no gaps")
    await running.create(topic)
    partition = Partition(topic, 0)
    await transport.leave_gap(partition)
    await (await running.sink()).send(messages(topic, 1))
    source = await running.read_all(topic)
    assert await source.read_at(partition, 0) is None
    (record,) = await read(source, 1)
    assert await source.read_at(partition, record.offset) == record


async def test_read_at_leaves_the_position_alone(running: Running, topic: str) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 10))
    source = await running.read_all(topic)
    first = await source.fetch(max_records=4, timeout_ms=10_000)
    await source.read_at(Partition(topic, 0), 0)
    after = sum(len(part.records) for part in first.values())
    assert numbers(await read(source, 10 - after)) == list(range(after, 10))


async def test_the_consumer_may_read_at_while_partitions_are_being_assigned(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic, 2)
    await (await running.sink()).send(messages(topic, 20))

    class Careful(Consumer):
        async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
            ends = await source.ends(partitions)
            for partition in partitions:
                if ends[partition] > 0:
                    assert await source.read_at(partition, ends[partition] - 1) is not None
            return await super().assigned(source, partitions)

    source = await running.start(transport.source([topic], f"group-{topic}"), Careful())
    assert sorted(numbers(await read(source, 20))) == list(range(20))


async def test_beginnings_and_ends_follow_the_log(running: Running, transport: Transport, topic: str) -> None:
    await running.create(topic, 2)
    source = await running.read_all(topic)
    both = [Partition(topic, 0), Partition(topic, 1)]
    assert await source.partitions() == both
    assert await source.beginnings(both) == await source.ends(both) == {both[0]: 0, both[1]: 0}
    await (await running.sink()).send([Outgoing(topic, b"k", b"v", partition=1) for _ in range(9)])
    admin = transport.admin()
    await admin.delete_records({both[1]: 4})
    await running.close_admin(admin)
    assert await source.beginnings(both) == {both[0]: 0, both[1]: 4}
    assert await source.ends(both) == {both[0]: 0, both[1]: 9}


@pytest.mark.parametrize("position", [2, 50])
async def test_a_position_that_the_log_does_not_hold_stops_that_partition_only(
    running: Running, transport: Transport, topic: str, position: int
) -> None:
    await running.create(topic, 2)
    sink = await running.sink()
    await sink.send([Outgoing(topic, None, str(n).encode(), partition=n % 2) for n in range(20)])
    lost = Partition(topic, 0)
    admin = transport.admin()
    await admin.delete_records({lost: 5})
    await running.close_admin(admin)
    source = await running.read_all(topic, Consumer({lost: position}))
    healthy, error = await read_until_lost(source)
    assert (error.partition, error.position, error.beginning, error.end) == (lost, position, 5, 10)
    assert healthy + len(await read(source, 10 - healthy)) == 10
    await nothing(source)
    source.seek(lost, 5)
    source.resume([lost])
    assert numbers(await read(source, 5)) == [10, 12, 14, 16, 18]


async def test_commit_is_a_courtesy_that_never_fails(running: Running, transport: Transport, topic: str) -> None:
    await running.create(topic)
    source = await running.start(transport.source([topic], f"group-{topic}"), Consumer())
    await source.commit({Partition(topic, 0): 0})
    await source.commit({Partition(topic, 99): 5, Partition("never-heard-of", 0): 1})
    await source.stop()
    await source.stop()


async def test_a_committed_offset_is_never_where_reading_starts(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 10))
    first = await running.start(transport.source([topic], f"group-{topic}"), Consumer())
    await read(first, 10)
    await first.commit({Partition(topic, 0): 10})
    await first.stop()
    second = await running.start(transport.source([topic], f"group-{topic}"), Consumer())
    assert numbers(await read(second, 10)) == list(range(10))
