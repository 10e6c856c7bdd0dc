"""The payments consumer through maintenance, halted books, and servers and logs that are away for a while."""

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.support.consuming import Station, until
from tests.support.postings import (
    Gate,
    Scene,
    captured,
)

pytestmark = pytest.mark.postgres


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
