"""The projector at work: several at once, many partitions, lost connections, and what waits behind an answer."""

import asyncio

import psycopg
import pytest

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.projector import Projector
from consumers.transport.memory import MemorySource
from consumers.transport.ports import Partition, Slice, TransportUnavailable
from tests.support.planted_ledger import PlantedLedger, plant
from tests.support.projecting import captured, refresh
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres


class TwoAtATime(MemorySource):
    """Answers with two records at most, and fails after so many answers."""

    answers_left = 1_000

    async def fetch(self, *, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        if not self.answers_left:
            self.answers_left = 1_000
            raise TransportUnavailable("gone for a moment")
        self.answers_left -= 1
        return await super().fetch(max_records=min(2, max_records), timeout_ms=timeout_ms)


@pytest.mark.parametrize(("answers_left", "batches"), [(1_000, [9]), (2, [4, 5])])
def test_what_waits_behind_an_answer_of_the_log_is_applied_with_it_and_kept_when_the_next_answer_fails(
    admin: psycopg.Connection, read_side: ReadSide, answers_left: int, batches: list[int]
) -> None:
    shop = plant(admin)
    for number in range(5):
        shop.capture(f"o{number}", 100)
    asyncio.run(read_side.relay_all())

    async def project() -> list[int]:
        source = TwoAtATime(read_side.log, [LEDGER_TOPIC])
        source.answers_left = answers_left
        projector = Projector(source, read_side.connect, clock=lambda: 0.0)  # a batch's time is never over
        await source.start(projector)
        applied = [await projector.project_once() for _ in batches]
        await projector.close()
        return [one.events for one in applied if one is not None]

    assert asyncio.run(project()) == batches
    assert captured(admin, shop.book_id) == 500


class Watched:
    """Metrics that a test can wait for."""

    def __init__(self) -> None:
        self.events = 0
        self._news = asyncio.Event()

    def projected(self, events: int) -> None:
        self.events += events
        self._news.set()

    def projection_lag(self, projection: str, positions: int) -> None: ...

    def projector_stopped(self, partitions: int) -> None: ...

    async def until(self, events: int) -> None:
        async with asyncio.timeout(30):
            while self.events < events:
                await self._news.wait()
                self._news.clear()


def test_two_projectors_at_once_apply_each_event_once(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(30):
        shop.capture(f"o{number}", 100)

    async def both() -> None:
        await read_side.relay_all()
        await asyncio.gather(read_side.project_all(), read_side.project_all())

    asyncio.run(both())
    assert captured(admin, shop.book_id) == 3_000


def test_the_running_projector_outlives_a_lost_connection(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    projected = Watched()

    async def run_through_outage() -> None:
        stop = asyncio.Event()
        source = MemorySource(read_side.log, [LEDGER_TOPIC])
        running = asyncio.create_task(Projector(source, read_side.connect, metrics=projected).run(stop))
        await read_side.relay_all()
        await projected.until(4)
        await asyncio.to_thread(
            admin.execute,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND usename = session_user AND pid <> pg_backend_pid()",
        )
        await asyncio.to_thread(shop.capture, "o1", 100)
        await read_side.relay_all()
        await projected.until(5)
        stop.set()
        await running

    asyncio.run(run_through_outage())
    assert captured(admin, shop.book_id) == 100


def test_books_on_many_partitions_are_projected_together(admin: psycopg.Connection, read_side: ReadSide) -> None:
    side = ReadSide(read_side.database, partitions=4)
    asyncio.run(side.create_topic())
    shops: list[PlantedLedger] = [plant(admin, f"shop-{number}") for number in range(6)]
    for place, shop in enumerate(shops, start=1):
        shop.capture("o1", place)
    assert refresh(side) == 30
    assert [captured(admin, shop.book_id) for shop in shops] == [1, 2, 3, 4, 5, 6]
