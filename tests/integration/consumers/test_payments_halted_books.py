"""A book that takes no postings holds up its own events: where they stand, in order, and nothing else."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from consumers.decode import Decoder
from consumers.transport.ports import Record
from ledger_core.domain.incoming import Incoming
from tests.support.consuming import Station, until
from tests.support.postings import BOOK, Gate, Scene, captured, garbage, refunded

pytestmark = pytest.mark.postgres

OTHER = "other"

WAYS = {
    "by its mode": (
        "UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'shop'",
        "UPDATE ledger.book SET posting_mode = 'open' WHERE code = 'shop'",
    ),
    "by maintenance": (
        """INSERT INTO ledger.maintenance (book_id, scope, mode, reason)
        SELECT book_id, 'all', 'halt_posting', 'stock-taking' FROM ledger.book WHERE code = 'shop'""",
        "UPDATE ledger.maintenance SET until_at = clock_timestamp()",
    ),
}


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """With a second book."""
    scene.create_book(OTHER)
    return scene


async def all_but_what_waits(station: Station, stored: dict[int, int]) -> None:
    """Until the stored positions are these; some turns later they still are."""
    await until(lambda: stored.items() <= station.stored().items(), f"stored {stored}")
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert stored.items() <= station.stored().items()


@pytest.mark.parametrize("way", WAYS)
def test_a_halted_book_waits_and_another_goes_on(scene: Scene, way: str) -> None:
    halt, open_again = WAYS[way]

    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        scene.change(halt)
        station.send(captured("a-1"), refunded("a-1", 40), partition=0)
        station.send(*(captured(f"b-{n}", book=OTHER) for n in range(60)), partition=1)
        async with station.worker():
            await all_but_what_waits(station, {0: 0, 1: 60})
            station.send(captured("b-60", book=OTHER), partition=1)
            station.send(captured("a-2"), partition=0)
            await all_but_what_waits(station, {0: 0, 1: 61})
            scene.change(open_again)
            await station.until_consumed()
        assert scene.log_of() == [
            "voucher.posted captured-a-1", "voucher.posted refunded-a-1", "voucher.posted captured-a-2",
        ]  # fmt: skip
        assert (scene.counters(0), scene.counters(1)) == ({"posted": 3}, {"posted": 61})

    asyncio.run(play())


@pytest.mark.parametrize("way", WAYS)
def test_what_stands_before_its_first_event_is_posted_and_what_stands_behind_waits(scene: Scene, way: str) -> None:
    halt, open_again = WAYS[way]

    async def play() -> None:
        station = Station(scene)
        await station.open()
        scene.change(halt)
        station.send(captured("b-1", book=OTHER), garbage(), captured("a-1"), captured("b-2", book=OTHER))
        async with station.worker():
            await all_but_what_waits(station, {0: 2})
            assert scene.log_of(OTHER) == ["voucher.posted captured-b-1"]
        async with station.worker():  # whoever comes next waits at the same place
            await all_but_what_waits(station, {0: 2})
            scene.change(open_again)
            await station.until_consumed()
        assert scene.log_of(OTHER) == ["voucher.posted captured-b-1", "voucher.posted captured-b-2"]
        assert scene.counters() == {"posted": 3, "rejected": 1}

    asyncio.run(play())


def test_a_book_that_is_halted_while_its_batch_is_under_way_takes_nothing_of_it_and_the_rest_is_posted(
    scene: Scene,
) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        gate = Gate("heads")
        station.send(captured("a-1"), partition=0)
        station.send(captured("b-1", book=OTHER), partition=1)
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            scene.change(WAYS["by its mode"][0])
            gate.open()
            await all_but_what_waits(station, {0: 0, 1: 1})
            scene.change(WAYS["by its mode"][1])
            await station.until_consumed()
        assert (scene.vouchers(BOOK), scene.vouchers(OTHER)) == (1, 1)

    asyncio.run(play())


def test_a_partition_that_waits_and_is_taken_away_and_given_back_waits_on(scene: Scene) -> None:
    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        scene.change(WAYS["by its mode"][0])
        station.send(captured("b-1", book=OTHER), captured("a-1"), partition=0)
        async with station.worker() as worker:
            await all_but_what_waits(station, {0: 1})
            async with station.worker() as second:
                await until(lambda: second.source._owned and worker.source._owned, "both have a partition")
                scene.change("INSERT INTO ledger.maintenance VALUES (0, 'all', 'drain', 'everything', NULL)")
                await all_but_what_waits(station, {0: 1})
                scene.change("DELETE FROM ledger.maintenance")
            station.send(captured("b-2", book=OTHER), partition=1)
            await all_but_what_waits(station, {0: 1, 1: 1})
            scene.change(WAYS["by its mode"][1])
            await station.until_consumed()
        assert scene.counters(0) == {"posted": 2}

    asyncio.run(play())


class Counting:
    """A decoder that remembers what it was given."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self.decode = decoder.decode
        self.given: Counter[tuple[int, int]] = Counter()

    def decode_many(self, records: Sequence[Record]) -> list[Incoming]:
        self.given.update((record.partition, record.offset) for record in records)
        return self._decoder.decode_many(records)


def test_while_a_book_is_halted_what_goes_on_is_decoded_once(scene: Scene) -> None:
    async def play() -> None:
        station, decoder = Station(scene, partitions=2), Counting(scene.decoder)
        await station.open()
        scene.change(WAYS["by maintenance"][0])
        station.send(captured("b-1", book=OTHER), garbage(), captured("a-1"), captured("a-2"), partition=0)
        station.send(*(captured(f"b-{n}", book=OTHER) for n in range(2, 100)), partition=1)
        async with station.worker(decoder=decoder):
            await all_but_what_waits(station, {0: 2, 1: 98})
        went_on = [(0, 0), (0, 1), *((1, offset) for offset in range(98))]
        assert {place: decoder.given[place] for place in went_on} == dict.fromkeys(went_on, 1)

    asyncio.run(play())


def test_while_the_system_book_is_halted_everything_waits(scene: Scene) -> None:
    """It takes what belongs to no book, which no one can tell before."""

    async def play() -> None:
        station = Station(scene, partitions=2)
        await station.open()
        scene.change("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'system'")
        station.send(captured("n-1", book="nobodys"), partition=0)
        station.send(captured("a-1"), partition=1)
        with capture_logs() as logs:
            async with station.worker():
                await until(
                    lambda: [line["book"] for line in logs if line["event"] == "partition.waits"] == ["system"] * 2
                )
                await all_but_what_waits(station, {0: 0, 1: 0})
                scene.change("UPDATE ledger.book SET posting_mode = 'open' WHERE code = 'system'")
                await station.until_consumed()
        assert (scene.counters(0), scene.counters(1)) == ({"parked": 1}, {"posted": 1})

    asyncio.run(play())
