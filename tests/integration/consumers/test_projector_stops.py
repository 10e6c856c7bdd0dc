"""A partition of the ledger's topic that can't be read: the projector leaves it by name and goes on with the others."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import orjson
import psycopg
import pytest

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.metrics import ConsumerMetrics
from consumers.projector import Projector
from consumers.transport.memory import MemorySource
from consumers.transport.ports import Partition, TransportUnavailable
from tests.support.consuming import until
from tests.support.planted_ledger import plant
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

BAD = Partition(LEDGER_TOPIC, 0)
STOPS = "SELECT partition, stopped_code FROM projections.source_position WHERE stopped_code <> ''"


@asynccontextmanager
async def projecting(
    side: ReadSide, metrics: ConsumerMetrics, labels: Callable[[str], None] = lambda _: None
) -> AsyncIterator[None]:
    """A projector until the end of the block; an error of its own comes out there."""
    stop = asyncio.Event()
    source = MemorySource(side.log, [LEDGER_TOPIC])
    projector = Projector(source, side.connect, metrics=metrics, labels=labels)
    running = asyncio.create_task(projector.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


def behind(admin: psycopg.Connection) -> set[str]:
    """Books of which some read model lacks something."""
    rows = admin.execute(
        """SELECT code FROM ledger.book LEFT JOIN projections.progress USING (book_id)
        WHERE book_id > 0 AND coalesce(progress.position, 0) < book.position"""
    )
    return {code for (code,) in rows}


@pytest.mark.parametrize("from_offset", [0, 3], ids=["from its beginning", "behind what was read"])
def test_a_partition_that_cannot_be_read_stops_alone_and_goes_on_when_it_can(
    admin: psycopg.Connection, read_side: ReadSide, from_offset: int
) -> None:
    side = ReadSide(read_side.database, partitions=2)
    metrics = ConsumerMetrics()
    stopped = _gauge(metrics)

    async def play() -> None:
        await side.create_topic()
        for number in range(6):
            plant(admin, f"shop-{number}").capture("o1", 100)
        await side.relay_all()
        of_bad = {orjson.loads(record.value or b"")["ledgerbook"] for record in side.log.log_of(BAD).records}
        assert 0 < len(of_bad) < 6
        side.log.faults.unreadable[BAD] = from_offset
        for _ in range(2):  # a restart tries again, and finds the same
            async with projecting(side, metrics):
                await until(lambda: behind(admin) == of_bad, "the other partition is applied")
                await until(lambda: admin.execute(STOPS).fetchall() == [(0, "SOURCE_CORRUPT")], "its stop is told")
                assert stopped() == 1
        side.log.faults.unreadable.clear()
        async with projecting(side, metrics):
            await until(lambda: not behind(admin), "everything is applied")
        assert admin.execute(STOPS).fetchall() == []
        assert stopped() == 0

    asyncio.run(play())


def test_a_last_record_that_cannot_be_read_is_no_reason_to_end(admin: psycopg.Connection, read_side: ReadSide) -> None:
    """It is read again at each start, to see whether the topic is still the same one."""
    shop = plant(admin)
    asyncio.run(read_side.relay_all())
    assert asyncio.run(read_side.project_all()) == 4

    async def play() -> None:
        read_side.log.faults.unreadable[BAD] = 3
        async with projecting(read_side, ConsumerMetrics()):
            await until(lambda: admin.execute(STOPS).fetchall() == [(0, "SOURCE_CORRUPT")], "its stop is told")
        read_side.log.faults.unreadable.clear()
        shop.capture("o1", 100)
        await read_side.relay_all()
        async with projecting(read_side, ConsumerMetrics()):
            await until(lambda: not behind(admin), "everything is applied")

    asyncio.run(play())


def test_a_batch_from_before_that_is_applied_again_does_not_hide_the_stop(
    admin: psycopg.Connection, read_side: ReadSide
) -> None:
    plant(admin).capture("o1", 100)
    asyncio.run(read_side.relay_all())
    read_side.log.faults.unreadable[BAD] = 3
    applied: list[str] = []

    def lost_once(label: str) -> None:
        if label == "projector.applied":
            applied.append(label)
            if len(applied) == 1:
                raise TransportUnavailable("just now")

    async def play() -> None:
        metrics = ConsumerMetrics()
        async with projecting(read_side, metrics, lost_once):
            await until(lambda: len(applied) == 2 and _gauge(metrics)() == 1, "it has stopped, and is applied again")
            await until(lambda: admin.execute(STOPS).fetchall() == [(0, "SOURCE_CORRUPT")], "its stop is told")

    asyncio.run(play())


def _gauge(metrics: ConsumerMetrics) -> Callable[[], float | None]:
    return lambda: metrics.registry.get_sample_value("ledger_projector_stopped_partitions")
