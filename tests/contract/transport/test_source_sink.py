"""The contract of `Source` and `Sink`, over every adapter: what consumers may rely on with each of them."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumers.transport.ports import (
    MessageTooLarge,
    Outgoing,
    Partition,
    SendFailed,
    Source,
    TopicMissing,
    TransportUnavailable,
)
from tests.contract.transport.harness import (
    Consumer,
    Running,
    Transport,
    fetch_slice,
    messages,
    nothing,
    numbers,
    read,
    read_until_lost,
    resend_until_sent,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


# Order, partitions, offsets


async def test_records_of_one_key_come_in_the_order_sent(running: Running, topic: str) -> None:
    await running.create(topic, 3)
    sink = await running.sink()
    for start in range(0, 600, 200):
        await sink.send(messages(topic, 200, start=start))
    by_key: dict[bytes | None, list[int]] = {}
    partitions: dict[bytes | None, set[int]] = {}
    for record in await read(await running.read_all(topic), 600):
        by_key.setdefault(record.key, []).append(int(record.value or b"-1"))
        partitions.setdefault(record.key, set()).add(record.partition)
    assert all(found == sorted(found) for found in by_key.values())
    assert all(len(found) == 1 for found in partitions.values())


async def test_a_key_goes_where_kafkas_own_partitioner_sends_it(running: Running, topic: str) -> None:
    await running.create(topic, 8)
    expected = {b"21": 4, b"foobar": 6, b"a-little-bit-long-string": 0, b"abc": 3}
    await (await running.sink()).send([Outgoing(topic, key, b"") for key in expected])
    found = {record.key: record.partition for record in await read(await running.read_all(topic), 4)}
    assert found == expected


async def test_a_partition_named_by_the_message_wins_over_its_key(running: Running, topic: str) -> None:
    await running.create(topic, 4)
    await (await running.sink()).send([Outgoing(topic, b"k", b"v", partition=n) for n in range(4)])
    records = await read(await running.read_all(topic), 4)
    assert sorted(record.partition for record in records) == [0, 1, 2, 3]


async def test_offsets_rise_from_zero_and_next_offset_follows_them(running: Running, topic: str) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 40))
    source = await running.read_all(topic)
    first = await source.fetch(max_records=25, timeout_ms=10_000)
    (part,) = first.values()
    offsets = [record.offset for record in part.records]
    assert offsets == list(range(len(offsets)))
    assert part.next_offset == len(offsets) <= 25
    rest = await read(source, 40 - len(offsets), max_records=25)
    assert numbers(rest) == list(range(len(offsets), 40))


async def test_next_offset_passes_gaps_without_inventing_records(
    running: Running, transport: Transport, topic: str
) -> None:
    if not transport.has_gaps:
        pytest.skip("this log's offsets have no gaps")
    await running.create(topic)
    sink = await running.sink()
    partition = Partition(topic, 0)
    await sink.send(messages(topic, 3))
    await transport.leave_gap(partition)
    await sink.send(messages(topic, 3, start=3))
    await transport.leave_gap(partition)
    source = await running.read_all(topic)
    found: list[int] = []
    end = (await source.ends([partition]))[partition]
    position = 0
    async with asyncio.timeout(30):
        while position < end:
            part = await fetch_slice(source, partition)
            found += numbers(part.records)
            assert part.next_offset > max([position, *(record.offset for record in part.records)])
            position = part.next_offset
    assert found == [0, 1, 2, 3, 4, 5]
    assert position == end > 7


async def test_max_records_bounds_a_fetch_over_all_partitions(running: Running, topic: str) -> None:
    await running.create(topic, 4)
    await (await running.sink()).send(messages(topic, 200, keys=50))
    source = await running.read_all(topic)
    total = 0
    async with asyncio.timeout(30):
        while total < 200:
            slices = await source.fetch(max_records=30, timeout_ms=1_000)
            count = sum(len(part.records) for part in slices.values())
            assert count <= 30
            total += count


async def test_a_fetch_of_an_empty_log_returns_in_its_time(running: Running, topic: str) -> None:
    await running.create(topic)
    source = await running.read_all(topic)
    async with asyncio.timeout(3):
        assert await source.fetch(max_records=10, timeout_ms=100) == {}


async def test_a_waiting_fetch_is_woken_by_a_new_record(running: Running, topic: str) -> None:
    await running.create(topic)
    source = await running.read_all(topic)
    sink = await running.sink()
    waiting = asyncio.create_task(source.fetch(max_records=10, timeout_ms=20_000))
    await sink.send(messages(topic, 1))
    async with asyncio.timeout(5):
        (part,) = (await waiting).values()
    assert numbers(part.records) == [0]


async def test_a_hundred_thousand_records_come_through_once_and_in_order(running: Running, topic: str) -> None:
    await running.create(topic, 4)
    sink = await running.sink()
    for start in range(0, 100_000, 10_000):
        await sink.send(messages(topic, 10_000, keys=100, start=start))
    records = await read(await running.read_all(topic), 100_000, max_records=5_000)
    by_key: dict[bytes | None, list[int]] = {}
    for record in records:
        by_key.setdefault(record.key, []).append(int(record.value or b"-1"))
    assert by_key == {f"key-{n}".encode(): list(range(n, 100_000, 100)) for n in range(100)}


# Positions


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


# Groups


async def test_two_members_share_the_partitions_and_see_every_record_once(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic, 4)
    group = f"group-{topic}"
    one, two = Consumer(), Consumer()
    first = await running.start(transport.source([topic], group), one)
    second = await running.start(transport.source([topic], group), two)
    async with asyncio.timeout(30):
        while len(one.held) != 2 or len(two.held) != 2:
            await first.fetch(max_records=1, timeout_ms=50)
            await second.fetch(max_records=1, timeout_ms=50)
    assert one.held.isdisjoint(two.held)
    await (await running.sink()).send(messages(topic, 400, keys=40))
    seen: list[int] = []
    async with asyncio.timeout(30):
        while len(seen) < 400:
            for source, consumer in ((first, one), (second, two)):
                for partition, part in (await source.fetch(max_records=100, timeout_ms=50)).items():
                    assert partition in consumer.held
                    seen += numbers(part.records)
    assert sorted(seen) == list(range(400))


async def test_a_new_member_gets_partitions_only_after_they_were_revoked_elsewhere(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic, 2)
    group = f"group-{topic}"
    log: list[tuple[str, str]] = []

    class Told(Consumer):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def _note(self, what: str, partitions: Sequence[Partition]) -> None:
            log.extend((f"{self.name} {what}", str(partition.partition)) for partition in partitions)
            super()._note(what, partitions)

    one, two = Told("one"), Told("two")
    first = await running.start(transport.source([topic], group), one)
    assert len(one.held) == 2
    second = await running.start(transport.source([topic], group), two)
    async with asyncio.timeout(30):
        while len(one.held) != 1 or len(two.held) != 1:
            await first.fetch(max_records=1, timeout_ms=50)
            await second.fetch(max_records=1, timeout_ms=50)
    (moved,) = two.held
    number = str(moved.partition)
    assert log.index(("one revoked", number)) < log.index(("two assigned", number))
    await first.stop()
    async with asyncio.timeout(30):
        while len(two.held) != 2:
            await second.fetch(max_records=1, timeout_ms=50)


async def test_a_reader_of_given_partitions_reads_nothing_else(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic, 3)
    await (await running.sink()).send([Outgoing(topic, b"k", b"1", partition=n % 3) for n in range(9)])
    only = Partition(topic, 2)
    consumer = Consumer()
    source = await running.start(transport.source([topic], "unused", partitions=[only]), consumer)
    assert consumer.history == [("assigned", (only,))]
    assert {record.partition for record in await read(source, 3)} == {2}
    await nothing(source)


async def test_a_consumer_that_fails_to_say_from_where_is_asked_again(
    running: Running, transport: Transport, topic: str
) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 3))

    class FailsOnce(Consumer):
        failed = False

        async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
            if not self.failed:
                self.failed = True
                raise LookupError("the database has gone away")
            return await super().assigned(source, partitions)

    source = transport.source([topic], f"group-{topic}")
    consumer = FailsOnce()
    with pytest.raises(LookupError):
        await running.start(source, consumer)
    await source.start(consumer)
    assert numbers(await read(source, 3)) == [0, 1, 2]


# Messages


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param(b"k", None, id="tombstone"),
        pytest.param(b"k", b"", id="empty value"),
        pytest.param(None, b"v", id="no key"),
        pytest.param(b"", b"v", id="empty key"),
        pytest.param(None, None, id="neither"),
        pytest.param(b"\xff\xfe\x00", b"\x00\xc3\x28\xff", id="not UTF-8"),
    ],
)
async def test_key_and_value_come_back_byte_for_byte(
    running: Running, topic: str, key: bytes | None, value: bytes | None
) -> None:
    await running.create(topic, 2)
    await (await running.sink()).send([Outgoing(topic, key, value)])
    (record,) = await read(await running.read_all(topic), 1)
    assert (record.topic, record.key, record.value, list(record.headers)) == (topic, key, value, [])


async def test_headers_keep_their_order_repeats_and_bytes(running: Running, topic: str) -> None:
    await running.create(topic)
    headers = [("b", b"\x00\xff"), ("a", b""), ("b", b"again"), ("naïve ✓", bytes(range(256)))]
    await (await running.sink()).send(
        [
            Outgoing(topic, b"k", b"0", headers),
            Outgoing(topic, b"k", b"1"),
            Outgoing(topic, b"k", b"2", headers),
        ]
    )
    records = await read(await running.read_all(topic), 3)
    assert [list(record.headers) for record in records] == [headers, [], headers]


async def test_timestamps_are_milliseconds_as_the_log_states_them(running: Running, topic: str) -> None:
    await running.create(topic)
    await (await running.sink()).send(messages(topic, 1))
    (record,) = await read(await running.read_all(topic), 1)
    assert isinstance(record.timestamp, int)
    assert record.timestamp >= 0


async def test_a_message_that_is_too_large_is_named_and_nothing_is_sent(running: Running, topic: str) -> None:
    await running.create(topic)
    sink = await running.sink()
    batch = [*messages(topic, 3), Outgoing(topic, b"k", bytes(1_100_000)), *messages(topic, 3)]
    with pytest.raises(MessageTooLarge) as caught:
        await sink.send(batch)
    assert caught.value.index == 3
    assert caught.value.size_bytes >= 1_100_000
    await sink.send(messages(topic, 2, start=100))
    assert numbers(await read(await running.read_all(topic), 2)) == [100, 101]


async def test_a_message_just_below_the_limit_is_taken(running: Running, topic: str) -> None:
    await running.create(topic)
    value = bytes(1_048_576 - 1_000)
    await (await running.sink()).send([Outgoing(topic, b"k", value)])
    (record,) = await read(await running.read_all(topic), 1)
    assert record.value == value


async def test_sending_nothing_does_nothing(running: Running, topic: str) -> None:
    await (await running.sink()).send([])


# What goes wrong


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
