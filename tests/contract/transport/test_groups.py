"""The contract of groups: who reads which partition, and how partitions change hands."""

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
)

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


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
