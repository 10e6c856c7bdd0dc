"""Payments consumers as tasks of one test, on a log in memory and a real store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from consumers.halted_books import Decodes
from consumers.payments import Observes, PaymentsConsumer, PaymentsSettings
from consumers.transport.memory import MemoryLog, MemorySource
from consumers.transport.ports import Outgoing, Partition
from deploy.demo.messages import Message
from ledger_core.store.poster import Label, Poster, no_label
from tests.support.postings import PATIENCE_SECONDS, TOPIC, Scene

GROUP = "ledger-payments"
QUICK = PaymentsSettings(
    batch_max_events=50, batch_max_ms=5, idle_wait_ms=5, maintenance_check_ms=0, retry_wait_ms=5, reject_flood=20
)


@dataclass
class Running:
    """One worker under way."""

    consumer: PaymentsConsumer
    source: MemorySource
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Station:
    """A topic in memory, and workers on it."""

    def __init__(self, scene: Scene, partitions: int = 1) -> None:
        self.scene = scene
        self.log = MemoryLog()
        self.partitions = partitions

    async def open(self) -> None:
        await self.log.ensure_topics({TOPIC: self.partitions})

    def send(self, *messages: Message, partition: int = 0) -> None:
        outgoing = [Outgoing(TOPIC, message.key, message.value, message.headers) for message in messages]
        self.log.append(Partition(TOPIC, partition), outgoing)

    @asynccontextmanager
    async def worker(
        self,
        label: Label = no_label,
        settings: PaymentsSettings = QUICK,
        metrics: Observes | None = None,
        decoder: Decodes | None = None,
    ) -> AsyncIterator[Running]:
        """A worker that consumes until the end of the block; an error of its own comes out there."""
        poster = Poster(self.scene.dsn, decode=self.scene.decoder.decode, label=label)
        await asyncio.to_thread(poster.open)
        source = MemorySource(self.log, [TOPIC], GROUP)
        running = Running(
            PaymentsConsumer(source, poster, decoder or self.scene.decoder, settings, metrics, label), source
        )
        task = asyncio.create_task(running.consumer.run(running.stop))
        try:
            yield running
        finally:
            running.stop.set()
            try:
                await task
            finally:
                await asyncio.to_thread(poster.close)

    def committed(self) -> dict[int, int]:
        return {partition.partition: offset for partition, offset in self.log.committed(GROUP).items()}

    def stored(self) -> dict[int, int]:
        return dict(self.scene.rows("SELECT partition, next_offset FROM ledger.source_position"))

    def stopped(self) -> dict[int, str]:
        rows = self.scene.rows("SELECT partition, stopped_code FROM ledger.source_position WHERE stopped_code <> ''")
        return dict(rows)

    async def until_consumed(self, partitions: Iterable[int] | None = None) -> None:
        """Until the stored positions have reached the ends of the log."""
        wanted = list(range(self.partitions) if partitions is None else partitions)
        ends = {partition: self.log.log_of(Partition(TOPIC, partition)).end for partition in wanted}
        await until(lambda: ends.items() <= self.stored().items(), f"consumed up to {ends}")


async def until(condition: Callable[[], object], what: str = "what the test waits for") -> None:
    """Polls, while the event loop goes on."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, f"never came true: {what}"
        await asyncio.sleep(0.01)
