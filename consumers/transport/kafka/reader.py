"""Questions to Kafka out of turn, without a group and without moving anyone's position."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from consumers.transport.kafka.careful import read_carefully
from consumers.transport.kafka.client import (
    ClientSettings,
    ConsumerLimits,
    close_consumer,
    native,
    new_consumer,
)
from consumers.transport.kafka.errors import OffsetOutOfRangeError, translated
from consumers.transport.kafka.protocols import ConsumerClient
from consumers.transport.ports import Partition, Record, TopicMissing

Answer = TypeVar("Answer")


class KafkaReader:
    """A consumer of its own, connected at first use."""

    def __init__(self, settings: ClientSettings, limits: ConsumerLimits) -> None:
        self._settings = settings
        self._limits = limits
        self._consumer: ConsumerClient | None = None
        self._lock = asyncio.Lock()

    async def stop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await close_consumer(consumer)

    async def read_at(self, partition: Partition, offset: int) -> Record | None:
        """The record at this offset, or None. Raises `TransportUnavailable` and `PartitionUnreadable`."""
        doing = f"reading {partition.topic}[{partition.partition}] at {offset}"
        return await self._ask(doing, lambda consumer: self._read(consumer, native(partition), offset))

    async def beginnings(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """First offset of each."""
        return await self._offsets(partitions, lambda consumer, asked: consumer.beginning_offsets(asked))

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Read-committed end offset of each."""
        return await self._offsets(partitions, lambda consumer, asked: consumer.end_offsets(asked))

    async def _offsets(
        self,
        partitions: Sequence[Partition],
        ask: Callable[[ConsumerClient, list[Partition]], Awaitable[dict[Partition, int]]],
    ) -> dict[Partition, int]:
        asked = [native(partition) for partition in partitions]
        found = await self._ask("asking for offsets", lambda consumer: self._known(consumer, asked, ask))
        return {partition: found[partition] for partition in partitions}

    async def _known(
        self,
        consumer: ConsumerClient,
        asked: list[Partition],
        ask: Callable[[ConsumerClient, list[Partition]], Awaitable[dict[Partition, int]]],
    ) -> dict[Partition, int]:
        # The library would wait for a topic that is missing until the time is over.
        known = await consumer.topics()
        for partition in asked:
            if partition.topic not in known:
                raise TopicMissing(partition.topic)
        return await ask(consumer, asked)

    async def _ask(self, doing: str, question: Callable[[ConsumerClient], Awaitable[Answer]]) -> Answer:
        async with self._lock:
            try:
                with translated(doing):
                    async with asyncio.timeout(self._settings["request_timeout_ms"] / 1000):
                        return await question(await self._connected())
            except TopicMissing:
                raise
            except BaseException:
                await self.stop()
                raise

    async def _read(self, consumer: ConsumerClient, partition: Partition, offset: int) -> Record | None:
        consumer.assign([partition])
        first = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        if not first <= offset < end:
            return None
        max_bytes = self._limits.max_partition_fetch_bytes
        try:
            part = await read_carefully(consumer, partition, offset, max_records=1, max_bytes=max_bytes)
        except OffsetOutOfRangeError:
            # Retention was faster than we.
            return None
        # Behind a marker or an aborted message another record may stand, or none.
        return part.records[0] if part.records and part.records[0].offset == offset else None

    async def _connected(self) -> ConsumerClient:
        if self._consumer is None:
            consumer = new_consumer(self._settings, None, self._limits)
            try:
                await consumer.start()
            except BaseException:
                await close_consumer(consumer)
                raise
            self._consumer = consumer
        return self._consumer
