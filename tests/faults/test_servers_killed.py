"""SIGKILL of PostgreSQL and of the broker under load: what was acknowledged is there, what was not is posted once."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from consumers.payments import PaymentsConsumer
from consumers.projector import Projector
from consumers.relay import Relay
from consumers.transport.kafka import KafkaSink, KafkaSource
from consumers.transport.ports import SendFailed, TransportUnavailable
from deploy.demo.messages import Message
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import LocalPostgres
from ledger_core.store.connection import Role, connect
from ledger_core.store.poster import Poster
from tests.invariants.programs import published_out_of_order
from tests.support.consuming import QUICK, Station
from tests.support.databases import create_database
from tests.support.postings import BOOK, Gate, Scene, captured
from tests.support.processes import PATIENCE_SECONDS
from tests.support.servers import SERVERS_VARIABLE
from tests.support.topics import Log, outgoing

pytestmark = [pytest.mark.postgres, pytest.mark.fault]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Of servers of one test alone, on files that their user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="mortal-", dir=os.environ[SERVERS_VARIABLE]))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(folder: Path) -> Iterator[LocalPostgres]:
    server = LocalPostgres(folder / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(kafka_bootstrap: str, folder: Path) -> Iterator[LocalKafka]:
    broker = LocalKafka(folder / "kafka")
    broker.start()
    yield broker
    broker.stop()


@pytest.mark.parametrize("label", ["events", "after_commit"])
def test_a_server_killed_while_a_batch_is_posted_recovers_and_the_batch_posts_once(
    server: LocalPostgres, label: str
) -> None:
    dsn = create_database(server.dsn()).dsn()

    async def play(scene: Scene) -> None:
        station = Station(scene)
        await station.open()
        gate = Gate(label)
        station.send(*(captured(f"o-{n}") for n in range(80)))
        async with station.worker(gate):
            await asyncio.to_thread(gate.wait)
            await asyncio.to_thread(server.kill)
            gate.open()
            await asyncio.to_thread(server.start)
            scene.reconnect()
            await station.until_consumed()
            station.send(captured("o-afterwards"))
            await station.until_consumed()

    with Scene(dsn) as scene:
        asyncio.run(play(scene))
        assert scene.counters() == {"posted": 81}
        scene.assert_whole()


CAUGHT_UP = """
    SELECT bool_and(relayed.position = book.position) AND bool_and(lag.positions = 0)
    FROM ledger.book JOIN ledger.relay_checkpoint AS relayed USING (book_id)
    JOIN (SELECT book_id, max(lag_positions) AS positions FROM projections.progress GROUP BY book_id) AS lag
        USING (book_id)
"""


class Feed:
    """Captures without end, each sent until the broker has acknowledged it: some of them come twice."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.acknowledged = 0

    async def run(self, stop: asyncio.Event) -> None:
        sink = KafkaSink(self._log.kafka)
        await sink.start()
        try:
            for first in count(0, 10):
                messages = [captured(f"o-{first + n}", to=f"wallet:seller:{n % 3}") for n in range(10)]
                if stop.is_set():
                    return
                await self._send(sink, messages)
                self.acknowledged = first + 10
        finally:
            await sink.stop()

    async def _send(self, sink: KafkaSink, messages: list[Message]) -> None:
        while True:
            try:
                await sink.send(outgoing(self._log.payments, messages))
            except (SendFailed, TransportUnavailable):
                await asyncio.sleep(0.05)
            else:
                return


@asynccontextmanager
async def pipeline(scene: Scene, log: Log) -> AsyncIterator[None]:
    """Payments consumer, relay and projector on a real broker until the end of the block; an error comes out there."""
    connections = partial(connect, scene.dsn, Role.PROJECTOR)
    poster = Poster(scene.dsn, decode=scene.decoder.decode)
    await asyncio.to_thread(poster.open)
    payments = KafkaSource(log.kafka, [log.payments], log.payments)
    ledger = KafkaSource(log.kafka, [log.ledger], log.ledger)
    stop = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(PaymentsConsumer(payments, poster, scene.decoder, QUICK).run(stop))
            tasks.create_task(Relay(connections, KafkaSink(log.kafka), log.ledger).run(stop))
            tasks.create_task(Projector(ledger, connections, topic=log.ledger).run(stop))
            yield
            stop.set()
    finally:
        await asyncio.to_thread(poster.close)


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_broker_killed_under_load_loses_and_doubles_nothing_on_either_side(scene: Scene, broker: LocalKafka) -> None:
    """Between the batches of a producer that sends on, a worker that posts, a relay that publishes what it posts and a
    projector that reads that; they find the broker again by themselves."""
    log = Log(scene.dsn, broker.bootstrap_servers)
    feed = Feed(log)
    until = partial(scene.until, patience_seconds=PATIENCE_SECONDS)
    posted = "SELECT voucher_no >= %s FROM ledger.book WHERE code = 'shop'"

    async def play() -> None:
        await log.create(2)
        async with pipeline(scene, log):
            enough = asyncio.Event()
            feeding = asyncio.create_task(feed.run(enough))
            await asyncio.to_thread(until, posted, 100)
            await asyncio.to_thread(broker.kill)
            sent_before = feed.acknowledged
            await asyncio.to_thread(broker.start)
            await asyncio.to_thread(until, posted, sent_before + 100)
            enough.set()
            await feeding
            await asyncio.to_thread(until, posted, feed.acknowledged)
            await asyncio.to_thread(until, CAUGHT_UP)
        published = await log.published()
        assert published_out_of_order(published) == []
        assert {position for book, position in published if book == BOOK} == set(range(1, scene.position() + 1))

    asyncio.run(play())
    assert scene.vouchers() == feed.acknowledged
    counted = [scene.counters(partition) for partition in range(2)]
    assert sum(counters.get("posted", 0) for counters in counted) == feed.acknowledged
    assert all(counters.keys() <= {"posted", "replayed"} for counters in counted)
