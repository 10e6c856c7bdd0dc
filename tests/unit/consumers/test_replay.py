"""A replay reads the same records under a name of its own; the log never hears of that name."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from consumers.cursors import named, plain
from consumers.decode import Decoder
from consumers.replay import ReplaySource
from consumers.transport.memory import MemoryLog, MemorySource
from consumers.transport.ports import (
    Outgoing,
    Partition,
    PartitionUnreadable,
    PositionLost,
    Source,
    StoredRecord,
)

TOPIC = "payments"
LIVE = Partition(TOPIC, 0)
OURS = Partition("payments#audit", 0)


class FromTheBeginning:
    """An assignment that notes what it was told."""

    def __init__(self) -> None:
        self.assigned_partitions: list[Partition] = []
        self.revoked_partitions: list[Partition] = []

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        self.assigned_partitions.extend(partitions)
        return await source.beginnings(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        self.revoked_partitions.extend(partitions)


async def a_log_of(values: Sequence[bytes]) -> MemoryLog:
    log = MemoryLog()
    await log.ensure_topics({TOPIC: 1})
    log.append(LIVE, [Outgoing(TOPIC, b"k", value) for value in values])
    return log


def test_partitions_and_records_carry_the_cursor_s_name() -> None:
    async def scenario() -> None:
        source = ReplaySource(MemorySource(await a_log_of([b"a", b"b"]), [TOPIC], "group"), "audit")
        assignment = FromTheBeginning()
        await source.start(assignment)
        slices = await source.fetch(max_records=10, timeout_ms=1_000)
        assert assignment.assigned_partitions == [OURS] == await source.partitions()
        assert [(record.topic, record.offset, record.value) for record in slices[OURS].records] == [
            ("payments#audit", 0, b"a"),
            ("payments#audit", 1, b"b"),
        ]
        assert slices[OURS].next_offset == 2
        assert await source.ends([OURS]) == {OURS: 2}
        record = await source.read_at(OURS, 1)
        assert record is not None
        assert record.value == b"b"
        await source.stop()

    asyncio.run(scenario())


def test_seeking_pausing_and_committing_reach_the_live_topic() -> None:
    async def scenario() -> None:
        log = await a_log_of([b"a", b"b", b"c"])
        source = ReplaySource(MemorySource(log, [TOPIC], "group"), "audit")
        await source.start(FromTheBeginning())
        source.pause([OURS])
        assert await source.fetch(max_records=10, timeout_ms=0) == {}
        source.seek(OURS, 2)
        source.resume([OURS])
        slices = await source.fetch(max_records=10, timeout_ms=1_000)
        assert [record.value for record in slices[OURS].records] == [b"c"]
        await source.commit({OURS: 3})
        assert log.committed("group") == {LIVE: 3}
        await source.stop()

    asyncio.run(scenario())


def test_a_lost_position_is_told_under_the_cursor_s_name() -> None:
    async def scenario() -> None:
        log = await a_log_of([b"a", b"b", b"c"])
        source = ReplaySource(MemorySource(log, [TOPIC], "group"), "audit")
        await source.start(FromTheBeginning())
        await log.delete_records({LIVE: 2})
        with pytest.raises(PositionLost) as lost:
            await source.fetch(max_records=10, timeout_ms=0)
        assert lost.value.partition == OURS
        await source.stop()

    asyncio.run(scenario())


def test_a_partition_that_cannot_be_read_is_told_under_the_cursor_s_name() -> None:
    async def scenario() -> None:
        log = await a_log_of([b"a", b"b", b"c"])
        log.faults.unreadable[LIVE] = 0
        source = ReplaySource(MemorySource(log, [TOPIC], "group"), "audit")
        await source.start(FromTheBeginning())
        with pytest.raises(PartitionUnreadable) as told:
            await source.fetch(max_records=10, timeout_ms=0)
        assert (told.value.partition, told.value.code) == (OURS, "SOURCE_CORRUPT")
        await source.stop()

    asyncio.run(scenario())


def test_a_record_without_an_id_has_the_key_it_had_on_the_live_topic() -> None:
    decoder = Decoder({"EUR": 978})
    live = decoder.decode(StoredRecord(TOPIC, 3, 17, 0, None, b"no json"))
    again = decoder.decode(StoredRecord(named(TOPIC, "audit"), 3, 17, 0, None, b"no json"))
    assert again.event_id == live.event_id == "1:payments:3:17"
    assert again.fingerprint == live.fingerprint
    assert again.record.topic == "payments#audit"


def test_names_come_apart_again() -> None:
    assert plain(named(TOPIC, "audit")) == TOPIC
    assert plain(TOPIC) == TOPIC
