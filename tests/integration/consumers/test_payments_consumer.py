"""The payments consumer on a log in memory and a real store: batches, positions, rebalances, stops and recoveries."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from consumers.assignment import PartitionKeeper
from consumers.transport.memory import MemorySource
from consumers.transport.memory.log import PartitionLog
from consumers.transport.ports import Partition, Slice
from tests.support.consuming import QUICK, Station, until
from tests.support.databases import TestDatabase
from tests.support.postings import (
    TOPIC,
    Gate,
    Scene,
    authorized,
    by_hand,
    captured,
    event,
    garbage,
    paid_out,
    refunded,
)

pytestmark = pytest.mark.postgres

FIRST = Partition(TOPIC, 0)


@pytest.fixture
def scene(database: TestDatabase) -> Iterator[Scene]:
    with Scene(database.dsn()) as scene:
        yield scene
        scene.assert_whole()


def test_what_is_sent_is_posted_and_the_groups_offset_follows(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        station.send(*(captured(f"a-{n}") for n in range(120)), partition=0)
        station.send(*(captured(f"b-{n}") for n in range(30)), garbage(), partition=1)
        async with station.worker() as worker:
            await station.until_consumed()
            await until(lambda: station.committed() == {0: 120, 1: 31}, "committed")
            assert sum(worker.consumer.counts.values()) == 151
        assert scene.vouchers() == 150

    asyncio.run(play())


def test_the_position_is_the_stores_whatever_the_group_committed(scene: Scene) -> None:
    """Offsets reset to the earliest, or committed ahead of the store: neither repeats nor skips anything."""

    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(captured("o-1"))
        async with station.worker():
            await station.until_consumed()
        station.send(captured("o-2"))
        for committed in (0, 2):
            station.log.commit("ledger-payments", {FIRST: committed})
            async with station.worker():
                await station.until_consumed()
        assert scene.counters() == {"posted": 2}

    asyncio.run(play())


def test_the_groups_offset_never_runs_ahead_of_the_store(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        gate = Gate("before_commit")
        station.send(captured("o-1"))
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            assert station.committed() == {}
            gate.open()
            await until(lambda: station.committed() == {0: 1}, "committed")

    asyncio.run(play())


def test_offsets_without_a_record_are_counted_as_gaps(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.log.leave_gap(FIRST, 2)
        station.send(captured("o-1"))
        station.log.leave_gap(FIRST, 3)
        async with station.worker():
            await station.until_consumed()
            station.send(captured("o-2"))
            await station.until_consumed()
        assert scene.counters() == {"posted": 2, "gaps": 5}

    asyncio.run(play())


def test_a_stop_posts_what_is_in_hand_and_a_restart_goes_on_from_there(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        gate = Gate("heads")
        station.send(*(captured(f"o-{n}") for n in range(80)))
        async with station.worker(gate) as worker:
            await asyncio.to_thread(gate.wait)
            worker.stop.set()
            gate.open()
        in_hand = station.stored()[0]
        assert 0 < in_hand <= 80
        assert scene.vouchers() == in_hand
        async with station.worker():
            await station.until_consumed()
        assert scene.counters() == {"posted": 80}

    asyncio.run(play())


# Rebalances.


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


def test_maintenance_pauses_everything_also_what_is_assigned_meanwhile(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        scene.change(
            "INSERT INTO ledger.maintenance (book_id, scope, mode, reason) VALUES (0, 'all', 'halt_posting', 'test')"
        )
        async with station.worker() as first:
            async with station.worker() as second:
                await until(lambda: second.source._owned and first.source._owned, "both have a partition")
            station.send(captured("o-1"), partition=0)
            station.send(captured("o-2"), partition=1)
            await until(lambda: len(first.source._owned) == 2, "all partitions are the first one's again")
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert scene.vouchers() == 0
            scene.change("DELETE FROM ledger.maintenance")
            await station.until_consumed()
        assert scene.vouchers() == 2

    asyncio.run(play())


def test_a_halted_book_holds_its_records_until_it_opens(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        scene.change("UPDATE ledger.book SET posting_mode = 'halted' WHERE book_id = 1")
        reached = Gate("heads")
        station.send(captured("o-1"))
        async with station.worker(reached):
            await asyncio.to_thread(reached.wait)
            reached.open()
            scene.change("UPDATE ledger.book SET posting_mode = 'open' WHERE book_id = 1")
            await station.until_consumed()
        assert scene.counters() == {"posted": 1}

    asyncio.run(play())


# Recoveries.


def test_lost_sessions_are_opened_again_and_nothing_is_posted_twice(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        gate = Gate("before_commit")
        station.send(*(captured(f"o-{n}") for n in range(120)))
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            scene.change(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )
            gate.open()
            await station.until_consumed()
        assert scene.counters() == {"posted": 120}

    asyncio.run(play())


def test_a_server_that_takes_no_writes_for_a_while_is_waited_for(scene: Scene) -> None:
    """As after a failover: the server that a worker reaches is the old one, or not promoted yet."""

    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(captured("o-1"))
        (name,) = scene.rows("SELECT current_database()")[0]
        with capture_logs() as logs:
            async with station.worker():
                await station.until_consumed()
                scene.change(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
                scene.change(
                    """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
                )
                station.send(captured("o-2"))
                await until(lambda: "ReadOnlySqlTransaction" in {line.get("error") for line in logs}, "refused")
                scene.change(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
                await station.until_consumed()
        assert scene.counters() == {"posted": 2}

    asyncio.run(play())


def test_a_log_that_is_away_for_a_while_is_read_on_when_it_is_back(scene: Scene) -> None:
    """Also when it goes away a second time, just while positions are being sought."""

    async def play() -> None:
        station = Station(scene)
        await station.open()
        async with station.worker() as worker:
            station.send(captured("o-1"))
            await station.until_consumed()
            station.log.faults.unavailable = True
            await until(lambda: not worker.consumer._keeper.stands, "the worker gave its position up")
            station.log.faults.unavailable = False
            station.send(captured("o-2"))
            await station.until_consumed()
        assert scene.counters() == {"posted": 2}

    asyncio.run(play())


def test_a_log_that_is_away_at_the_start_is_waited_for(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(captured("o-1"))
        station.log.faults.unavailable = True
        async with station.worker():
            await asyncio.sleep(0.02)
            station.log.faults.unavailable = False
            await station.until_consumed()

    asyncio.run(play())


def test_poison_blocks_its_own_order_key_and_nothing_else(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(refunded("o-1"), garbage(), captured("o-2"), captured("o-1", currency="XYZ"), captured("o-3"))
        async with station.worker() as worker:
            await station.until_consumed()
            assert scene.counters() == {"parked": 1, "rejected": 2, "posted": 2}
            station.send(captured("o-1", event_id="right"))
            await station.until_consumed()
            await until(lambda: worker.consumer.healed == 1, "healed")

    asyncio.run(play())


def test_what_came_true_without_being_healed_is_healed_now_and_then(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene)
        await station.open()
        station.send(paid_out("p-1", 10, of="vault:1"), captured("o-1"))
        async with station.worker(settings=replace(QUICK, heal_overdue_ms=0)) as worker:
            await station.until_consumed()
            await asyncio.to_thread(scene.accounts().open_account, "vault:1", account_type="asset", currency="EUR")
            await until(lambda: scene.vouchers() == 2, "healed without an event that says so")
            await until(lambda: worker.consumer.healed == 1, "counted")

    asyncio.run(play())
