"""The contract of `Source` and `Sink`: order, offsets, and messages byte for byte, over every adapter."""

import asyncio

import pytest

from consumers.transport.ports import (
    MessageTooLarge,
    Outgoing,
    Partition,
)
from tests.contract.transport.harness import (
    Running,
    Transport,
    fetch_slice,
    messages,
    numbers,
    read,
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


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
