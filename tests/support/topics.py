"""Topics on a real log, for tests of whole processes: made, filled, and read from their beginning."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from consumers.settings import LEDGER_TOPIC, PAYMENTS_TOPIC
from consumers.transport.kafka import KafkaSecurity, KafkaSource
from consumers.transport.ports import Outgoing, Partition, Record, Source
from consumers.transport.postgres_log import PostgresLogSource
from consumers.transports import EmbeddedTransport, KafkaTransport, Transport
from deploy.demo.messages import Message
from ledger_core.store.connection import Role


@dataclass(frozen=True, slots=True)
class Log:
    """The pipeline's two topics on the embedded log of a database, or, with `kafka`, on a broker."""

    dsn: str
    kafka: str = ""
    suffix: str = field(default_factory=lambda: f".{uuid4().hex[:8]}")

    @property
    def payments(self) -> str:
        return PAYMENTS_TOPIC + self.suffix

    @property
    def ledger(self) -> str:
        return LEDGER_TOPIC + self.suffix

    @property
    def settings(self) -> dict[str, str]:
        """What a process on these topics is told."""
        broker = {"broker": "kafka", "kafka_bootstrap": self.kafka} if self.kafka else {}
        names = {"payments_topic": self.payments, "ledger_topic": self.ledger}
        groups = {"payments_group": self.payments, "projector_group": self.ledger}
        return {**broker, **names, **groups}

    @property
    def transport(self) -> Transport:
        return KafkaTransport(self.kafka, KafkaSecurity()) if self.kafka else EmbeddedTransport(self.dsn)

    async def create(self, partitions: int = 1) -> None:
        async with self.transport.admin() as admin:
            await admin.ensure_topics({self.payments: partitions, self.ledger: partitions})

    async def send(self, messages: Sequence[Message], partition: int | None = None) -> None:
        """Payment events; acknowledged when this returns."""
        sink = self.transport.sink("tests", Role.POSTER)
        await sink.start()
        try:
            await sink.send(outgoing(self.payments, messages, partition))
        finally:
            await sink.stop()

    async def published(self) -> list[tuple[str, int]]:
        """Book and position of every message of the ledger's topic, in the order of each partition."""
        source: Source
        if self.kafka:
            source = KafkaSource(self.kafka, [self.ledger])
        else:
            source = PostgresLogSource(self.dsn, [self.ledger])
        records = await read_all(source)
        said = [json.loads(record.value or b"") for record in records]
        return [(one["ledgerbook"], one["ledgerposition"]) for one in said]


def outgoing(topic: str, messages: Sequence[Message], partition: int | None = None) -> list[Outgoing]:
    return [Outgoing(topic, one.key, one.value, one.headers, partition=partition) for one in messages]


class FromTheBeginning:
    """An assignment that starts each partition where its log begins."""

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return await source.beginnings(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None: ...


async def read_all(source: Source) -> list[Record]:
    """Every record up to the ends of now, partition after partition."""
    await source.start(FromTheBeginning())
    try:
        ends = await source.ends(await source.partitions())
        reached = await source.beginnings(list(ends))
        found: dict[Partition, list[Record]] = {partition: [] for partition in ends}
        while any(reached[partition] < end for partition, end in ends.items()):
            for partition, part in (await source.fetch(max_records=10_000, timeout_ms=200)).items():
                found[partition] += part.records
                reached[partition] = part.next_offset
        return [record for partition in sorted(found) for record in found[partition]]
    finally:
        await source.stop()
