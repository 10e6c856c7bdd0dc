"""What can happen to a topic on real Kafka: deleted and recreated, emptied behind our back, widened, fought over."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from consumers.payments import PaymentsConsumer
from consumers.transport.kafka import KafkaAdmin, KafkaSink, KafkaSource
from consumers.transport.ports import Outgoing, Partition
from deploy.demo.messages import Message
from ledger_core.store.poster import Poster
from tests.support.consuming import QUICK, until
from tests.support.other_producers import AnyBytes, send_one_batch, sending
from tests.support.postings import Scene, captured, refunded
from tests.support.servers import SERVERS_VARIABLE

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.fault]


class KafkaStation:
    """A topic of its own on a real broker, and workers on it."""

    def __init__(self, scene: Scene, bootstrap: str) -> None:
        self.scene = scene
        self.bootstrap = bootstrap
        self.topic = f"payments-{uuid4().hex[:8]}"
        self.admin = KafkaAdmin(bootstrap)

    async def create(self, partitions: int = 1) -> None:
        await self.admin.ensure_topics({self.topic: partitions})

    async def send(self, *messages: Message, partition: int = 0) -> None:
        sink = KafkaSink(self.bootstrap)
        await sink.start()
        try:
            await sink.send([Outgoing(self.topic, m.key, m.value, m.headers, partition=partition) for m in messages])
        finally:
            await sink.stop()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """A worker until the end of the block."""
        poster = Poster(self.scene.dsn, decode=self.scene.decoder.decode)
        await asyncio.to_thread(poster.open)
        source = KafkaSource(self.bootstrap, [self.topic], self.topic, metadata_max_age_ms=500)
        stop = asyncio.Event()
        consumer = PaymentsConsumer(source, poster, self.scene.decoder, QUICK)
        task = asyncio.create_task(consumer.run(stop))
        try:
            yield
        finally:
            stop.set()
            try:
                await task
            finally:
                await asyncio.to_thread(poster.close)

    async def until_stored(self, *next_offsets: int) -> None:
        wanted = dict(enumerate(next_offsets))
        await until(lambda: wanted.items() <= self.stored().items(), f"positions {wanted}")

    async def until_stopped(self, partition: int, *codes: str) -> None:
        statement = "SELECT stopped_code FROM ledger.source_position WHERE topic = %s AND partition = %s"
        await until(lambda: self.scene.rows(statement, self.topic, partition)[0][0] in codes, f"stopped: {codes}")

    def stored(self) -> dict[int, int]:
        return dict(self.scene.rows("SELECT partition, next_offset FROM ledger.source_position"))


def several(names: str, count: int) -> Sequence[Message]:
    return [captured(f"{names}-{number}") for number in range(count)]


def test_a_topic_deleted_and_recreated_stops_its_partition(scene: Scene, kafka_bootstrap: str) -> None:
    """The new topic already stands beyond our position: only the last record that we consumed tells."""

    async def play() -> None:
        station = KafkaStation(scene, kafka_bootstrap)
        await station.create()
        await station.send(*several("old", 3))
        async with station.worker():
            await station.until_stored(3)
        await station.admin.delete_topic(station.topic)
        await station.create()
        await station.send(*several("new", 10))
        async with station.worker():
            await station.until_stopped(0, "SOURCE_RECREATED")
        assert scene.counters() == {"posted": 3}

    asyncio.run(play())


def test_retention_that_passed_our_position_stops_the_partition_and_the_others_go_on(
    scene: Scene, kafka_bootstrap: str
) -> None:
    async def play() -> None:
        station = KafkaStation(scene, kafka_bootstrap)
        await station.create(2)
        await station.send(*several("a", 3))
        async with station.worker():
            await station.until_stored(3, 0)
        await station.send(*several("b", 5))
        await station.admin.delete_records({Partition(station.topic, 0): 6})
        await station.send(*several("c", 2), partition=1)
        async with station.worker():
            await station.until_stopped(0, "POSITION_LOST")
            await station.until_stored(3, 2)
        assert scene.counters(0) == {"posted": 3}

    asyncio.run(play())


def test_a_partition_added_while_we_consume_is_read_after_the_old_ones(scene: Scene, kafka_bootstrap: str) -> None:
    async def play() -> None:
        station = KafkaStation(scene, kafka_bootstrap)
        await station.create()
        await station.send(*several("a", 3))
        async with station.worker():
            await station.until_stored(3)
            admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
            await admin.start()
            try:
                await admin.create_partitions({station.topic: NewPartitions(total_count=2)})
            finally:
                await admin.close()
            await station.send(refunded("a-0", 10), partition=1)
            await station.until_stored(3, 1)
        assert scene.counters(1) == {"posted": 1}

    asyncio.run(play())


def test_workers_that_come_and_go_share_the_partitions_and_lose_and_double_nothing(
    scene: Scene, kafka_bootstrap: str
) -> None:
    async def play() -> None:
        station = KafkaStation(scene, kafka_bootstrap)
        await station.create(4)
        for partition in range(4):
            await station.send(*several(f"a{partition}", 60), partition=partition)
        async with station.worker():
            await station.until_stored(60, 60, 60, 60)
            async with station.worker():
                for partition in range(4):
                    await station.send(*several(f"b{partition}", 60), partition=partition)
                await station.until_stored(120, 120, 120, 120)
            for partition in range(4):
                await station.send(*several(f"c{partition}", 5), partition=partition)
            await station.until_stored(125, 125, 125, 125)
        assert scene.vouchers() == 500

    asyncio.run(play())


def test_a_header_name_that_is_not_utf_8_refuses_its_record_and_a_codec_that_is_not_there_stops_its_partition(
    scene: Scene, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        station = KafkaStation(scene, kafka_bootstrap)
        await station.create(2)
        good, bad, last = several("a", 3)
        named = [(bad.value, [*bad.headers, (AnyBytes("trace\xff"), b"1")])]
        async with sending(kafka_bootstrap) as producer, sending(kafka_bootstrap, "lz4") as compressing:
            await station.send(good)
            await send_one_batch(producer, Partition(station.topic, 0), named)
            await compressing.send_and_wait(station.topic, b"{}", partition=1)
        monkeypatch.setattr("aiokafka.codec.has_lz4", lambda: False)
        async with station.worker():
            await station.until_stored(2, 0)
            await station.until_stopped(1, "CODEC_UNSUPPORTED")
        await station.send(last)
        async with station.worker():  # which looks at the last record that was consumed before it goes on
            await station.until_stored(3, 0)
        assert scene.counters(0) == {"posted": 2, "rejected": 1}
        assert scene.rows("SELECT code, log_offset FROM ledger.dead_letter") == [("ENVELOPE_INVALID", 1)]

    asyncio.run(play())


def test_a_partition_whose_bytes_are_not_what_was_written_stops_and_the_others_go_on(
    scene: Scene, kafka_bootstrap: str
) -> None:
    """As a disk that forgets, under a broker that does not look."""
    if "LEDGER_KAFKA_BOOTSTRAP" in os.environ:
        pytest.skip("the files of a cluster of yours are not ours to change")

    async def play() -> None:
        station = KafkaStation(scene, kafka_bootstrap)
        await station.create(2)
        await station.send(*several("a", 2))
        await station.send(*several("b", 2))
        await station.send(*several("c", 2), partition=1)
        flip_a_byte_behind(b"captured-b-1", segment(station.topic, 0))
        async with station.worker():
            await station.until_stored(2, 2)
            await station.until_stopped(0, "SOURCE_CORRUPT")
        assert scene.counters(0) == {"posted": 2}
        flip_a_byte_behind(b"captured-b-1", segment(station.topic, 0))
        scene.change("UPDATE ledger.source_position SET stopped_code = '', stopped_detail = ''")
        async with station.worker():
            await station.until_stored(4, 2)
        assert scene.counters(0) == {"posted": 4}

    asyncio.run(play())


def segment(topic: str, partition: int) -> Path:
    """The file in which the tests' broker keeps the first records of a partition."""
    return Path(os.environ[SERVERS_VARIABLE]) / "kafka" / "logs" / f"{topic}-{partition}" / f"{0:020d}.log"


def flip_a_byte_behind(text: bytes, file: Path) -> None:
    """Twice makes it what it was."""
    with file.open("r+b") as bytes_of:
        place = bytes_of.read().index(text) + len(text)
        bytes_of.seek(place)
        (byte,) = bytes_of.read(1)
        bytes_of.seek(place)
        bytes_of.write(bytes([byte ^ 0x01]))
