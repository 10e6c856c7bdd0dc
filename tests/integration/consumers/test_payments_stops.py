"""What stops a partition of the payments consumer, by name, while the others go on."""

import asyncio

import pytest

from consumers.transport.memory.log import PartitionLog
from consumers.transport.ports import Partition
from tests.support.consuming import Station, until
from tests.support.postings import (
    TOPIC,
    Gate,
    Scene,
    authorized,
    by_hand,
    captured,
    event,
    garbage,
    refunded,
)

pytestmark = pytest.mark.postgres

FIRST = Partition(TOPIC, 0)


def test_a_recreated_topic_stops_its_partition_and_the_others_go_on(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        station.send(captured("o-1"), partition=0)
        station.send(captured("o-2"), partition=1)
        async with station.worker():
            await station.until_consumed()
        station.log._topics[TOPIC][0] = PartitionLog()
        station.send(captured("other-1"), captured("other-2"), partition=0)
        station.send(captured("o-3"), partition=1)
        async with station.worker():
            await station.until_consumed([1])
            await until(lambda: station.stopped() == {0: "SOURCE_RECREATED"}, "stopped")
        assert scene.counters(0) == {"posted": 1}
        async with station.worker():
            station.send(captured("o-4"), partition=1)
            await station.until_consumed([1])
        assert station.stored()[0] == 1

    asyncio.run(play())


def test_a_recreated_topic_that_is_shorter_stops_its_partition_too(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(captured("o-1"), captured("o-2"))
        async with station.worker():
            await station.until_consumed()
        station.log._topics[TOPIC][0] = PartitionLog()
        async with station.worker():
            await until(lambda: station.stopped() == {0: "SOURCE_TRUNCATED"}, "stopped")

    asyncio.run(play())


@pytest.mark.parametrize("while_running", [False, True])
def test_retention_that_passed_our_position_stops_the_partition(scene: Scene, while_running: bool) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        gate = Gate("before_commit")
        station.send(captured("o-1"))
        async with station.worker(gate):
            if not while_running:
                gate.open()
                await station.until_consumed()
            else:
                await asyncio.to_thread(gate.wait)
                station.send(*(captured(f"p-{n}") for n in range(200)))
                await station.log.delete_records({FIRST: 190})
                gate.open()
                await until(lambda: station.stopped() == {0: "POSITION_LOST"}, "stopped")
                station.send(captured("o-2"), partition=1)
                await station.until_consumed([1])
        if not while_running:
            station.send(captured("o-2"), captured("o-3"))
            await station.log.delete_records({FIRST: 2})
            async with station.worker():
                await until(lambda: station.stopped() == {0: "POSITION_LOST"}, "stopped")

    asyncio.run(play())


def test_what_could_be_read_is_posted_before_its_partition_stops_at_what_can_not(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        station.send(captured("o-1"), captured("o-2"), captured("o-3"), partition=0)
        station.send(captured("p-1"), partition=1)
        station.log.faults.unreadable[FIRST] = 2
        async with station.worker():
            await until(lambda: station.stopped() == {0: "SOURCE_CORRUPT"}, "stopped")
            await station.until_consumed([1])
            assert station.stored()[0] == 2
            station.send(captured("p-2"), partition=1)
            await station.until_consumed([1])
        assert scene.counters(0) == {"posted": 2}

    asyncio.run(play())


def test_a_flood_of_rejects_stops_its_partition_with_an_alert_and_no_other(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        async with station.worker():
            station.send(*(garbage(n) for n in range(200)), partition=0)
            await until(lambda: station.stopped() == {0: "REJECT_FLOOD"}, "stopped")
            station.send(captured("o-1"), partition=1)
            await station.until_consumed([1])
        assert scene.counters(0)["rejected"] < 200

    asyncio.run(play())


def test_good_events_of_other_partitions_do_not_end_a_flood_of_rejects(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        async with station.worker():
            for round_ in range(2):
                station.send(*(garbage(10 * round_ + n) for n in range(10)), partition=0)
                await station.until_consumed()
                station.send(captured(f"o-{round_}"), partition=1)
                await station.until_consumed([1])
            await until(lambda: station.stopped() == {0: "REJECT_FLOOD"}, "stopped")

    asyncio.run(play())


def test_rejects_between_good_events_are_no_flood(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        for number in range(40):
            station.send(garbage(number), authorized(f"o-{number}"))
        async with station.worker():
            await station.until_consumed()
        assert station.stopped() == {}
        assert scene.counters() == {"rejected": 40, "recorded": 40}

    asyncio.run(play())


def test_a_queue_that_is_full_stops_its_partition_and_no_other(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The alert comes before a key that nobody heals has grown without end."""
    monkeypatch.setattr("ledger_core.store.exact.MAX_PARKED", 5)

    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        async with station.worker():
            station.send(*(refunded("o-1", 1, event_id=f"r-{n}") for n in range(5)))
            await station.until_consumed([0])
            station.send(refunded("o-1", 1, event_id="r-5"))
            await until(lambda: station.stopped() == {0: "ORDER_KEY_QUEUE_FULL"}, "stopped")
            station.send(captured("o-2"), partition=1)
            await station.until_consumed([1])
        assert scene.counters(0) == {"parked": 5}

    asyncio.run(play())


def test_an_event_that_is_too_large_alone_stops_its_partition_behind_what_came_before(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_core.store.cutting.MAX_BATCH_EVENTS", 5)

    async def play() -> None:
        station = Station(scene)
        await station.open()
        vouchers = {"vouchers": [by_hand()] * 6}
        station.send(captured("o-1"), event("voucher.group_requested.v1", "g-1", "g-1", vouchers), captured("o-2"))
        async with station.worker():
            await until(lambda: station.stopped() == {0: "EVENT_TOO_LARGE"}, "stopped")
        assert scene.counters(0) == {"posted": 1}

    asyncio.run(play())


# Maintenance and halted books.
