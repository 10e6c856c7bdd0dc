"""The payments consumer on a log in memory and a real store: batches, positions, gaps, an end in good order."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from consumers.transport.ports import Partition, Record
from ledger_core.domain.incoming import Incoming
from tests.support.consuming import QUICK, Station, until
from tests.support.postings import (
    TOPIC,
    Gate,
    Scene,
    captured,
    garbage,
    paid_out,
    refunded,
)

pytestmark = pytest.mark.postgres

FIRST = Partition(TOPIC, 0)


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


def test_one_batch_is_prepared_while_one_is_posted_and_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches hold what the settings allow; what comes faster than it is posted stays in the log."""
    decoded: list[int] = []
    decode_many = scene.decoder.decode_many

    def counting(records: Sequence[Record]) -> Sequence[Incoming]:
        decoded.append(len(records))
        return decode_many(records)

    monkeypatch.setattr(scene.decoder, "decode_many", counting)

    async def play() -> None:
        station = Station(scene)
        await station.open()
        gate = Gate("before_commit")
        station.send(*(captured(f"o-{n}") for n in range(240)))
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            await until(lambda: len(decoded) == 2, "the next batch is prepared")
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert decoded == [50, 50]
            assert station.stored() == {0: 0}
            gate.open()
            await station.until_consumed()
        blocks = "SELECT last_position - first_position + 1 FROM ledger.block WHERE book_id = 1 ORDER BY number"
        assert scene.rows(blocks)[-5:] == [(50,), (50,), (50,), (50,), (40,)]

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
