"""Partitions that come, go and come back while the payments consumer works: nothing is lost, nothing doubled."""

import asyncio

import pytest

from consumers.assignment import PartitionKeeper
from consumers.transport.memory import MemorySource
from consumers.transport.memory.log import PartitionLog
from consumers.transport.ports import Partition, Slice
from tests.support.consuming import Station, until
from tests.support.postings import (
    TOPIC,
    Gate,
    Scene,
    captured,
    refunded,
)

pytestmark = pytest.mark.postgres

FIRST = Partition(TOPIC, 0)


def test_two_workers_that_start_on_a_new_topic_at_once_wait_for_nobody(scene: Scene) -> None:
    """The partitions that the other one takes first do not make ours newcomers."""

    async def play() -> None:
        station = Station(scene, partitions=4)
        await station.open()
        for partition in range(4):
            station.send(captured(f"o-{partition}"), partition=partition)
        source, positions = MemorySource(station.log, [TOPIC]), scene.worker().poster.positions
        scene.tamper("DELETE FROM ledger.source_position")
        for ours in ([FIRST, Partition(TOPIC, 2)], [Partition(TOPIC, 1), Partition(TOPIC, 3)]):
            assert await PartitionKeeper(source, positions).assigned(source, ours) == dict.fromkeys(ours, 0)

    asyncio.run(play())


def test_a_partition_that_moves_while_its_batch_is_in_flight_goes_on_at_its_new_owner(scene: Scene) -> None:
    """The new owner read the position before the old one's last commit: its first batch is shut out by the fence."""

    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        gate, other = Gate("before_commit"), Gate("fence")
        station.send(captured("o-1"), partition=1)
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            async with station.worker(other) as heir:
                await until(lambda: Partition(TOPIC, 1) in heir.source._owned, "the partition moved")
                await asyncio.to_thread(scene.until_waiting)
                gate.open()
                other.open()
                station.send(captured("o-2"), partition=1)
                await station.until_consumed()
        assert scene.counters(1) == {"posted": 2}

    asyncio.run(play())


def test_a_partition_that_leaves_and_comes_back_while_its_batch_is_in_flight_goes_on(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        gate = Gate("before_commit")
        station.send(captured("o-1"))
        async with station.worker(gate) as worker:
            await asyncio.to_thread(gate.wait)
            await worker.source.give_up_all_but([])
            await worker.source.take([FIRST])
            gate.open()
            station.send(captured("o-2"))
            await station.until_consumed()
        assert scene.counters() == {"posted": 2}

    asyncio.run(play())


@pytest.mark.parametrize("when", ["before", "after"])
def test_records_fetched_around_a_new_assignment_are_read_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """They follow the position from before it: taken for what follows the new one, records would be lost as gaps or
    counted twice."""

    async def play() -> None:
        station = Station(scene)
        await station.open()
        async with station.worker() as worker:
            station.send(captured("o-1"))
            await station.until_consumed()
            fetch = worker.source.fetch
            rebalances = ["one"]

            async def fetch_around_a_rebalance(*, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
                slices = await fetch(max_records=max_records, timeout_ms=timeout_ms)
                if slices and rebalances:
                    rebalances.clear()
                    await worker.source.give_up_all_but([])
                    await worker.source.take([FIRST])
                    if when == "after":
                        worker.source.seek(FIRST, 4)
                return slices

            monkeypatch.setattr(worker.source, "fetch", fetch_around_a_rebalance)
            station.send(captured("o-2"), captured("o-3"), captured("o-4"))
            await station.until_consumed()
            station.send(captured("o-5"))
            await station.until_consumed()
        assert scene.counters() == {"posted": 5}

    asyncio.run(play())


def test_a_storm_of_rebalances_loses_and_doubles_nothing(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=4)
        await station.open()
        for number in range(400):
            station.send(captured(f"o-{number}", to=f"wallet:seller:{number % 7}"), partition=number % 4)
        async with station.worker():
            for _ in range(5):
                async with station.worker():
                    await asyncio.sleep(0)
                    station.send(captured(f"late-{_}"), partition=_ % 4)
            await station.until_consumed()
        assert scene.vouchers() == 405
        assert sum(scene.counters(partition).get("posted", 0) for partition in range(4)) == 405

    asyncio.run(play())


def test_an_added_partition_starts_when_the_old_ones_have_reached_their_ends(scene: Scene) -> None:
    """A key that moved to it must not overtake its own past."""

    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(captured("o-1"))
        async with station.worker():
            await station.until_consumed()
        gate = Gate("fence")
        station.send(captured("o-2"))
        station.log._topics[TOPIC].append(PartitionLog())
        station.partitions = 2
        station.send(refunded("o-2"), partition=1)
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            assert station.stored().get(1, 0) == 0
            gate.open()
            await station.until_consumed()
        assert scene.counters(1) == {"posted": 1}

    asyncio.run(play())


# What stops a partition.
