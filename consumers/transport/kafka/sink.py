"""Sending to Kafka: one batch in flight per partition, so that a failure can neither skip nor reorder."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from consumers.transport.kafka.admin import KafkaAdmin
from consumers.transport.kafka.client import (
    KafkaSecurity,
    abandon_producer,
    close_producer,
    new_producer,
    settings,
)
from consumers.transport.kafka.errors import first_cause, is_of_the_log, translated
from consumers.transport.kafka.protocols import Batch, ProducerClient
from consumers.transport.limits import MAX_MESSAGE_BYTES, refuse_too_large
from consumers.transport.partitioner import Partitioner
from consumers.transport.ports import (
    Outgoing,
    Partition,
    SendFailed,
    TopicMissing,
    TransportError,
)

BATCH_BYTES = 512 * 1024
# What a batch of one record adds to the message as `limits` counts it.
BATCH_OVERHEAD_BYTES: Final = 128


class KafkaSink:
    """A `Sink` over Kafka.

    The next batch of a partition is handed over when the one before is acknowledged: a fresh producer's first
    batch may be lost and its second still accepted by the broker, with idempotence too. The library's
    idempotent producer never gives up, so `send_timeout_ms` does; any failure rebuilds the producer.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str = "ledger-sink",
        security: KafkaSecurity | None = None,
        max_message_bytes: int | None = None,
        batch_bytes: int = BATCH_BYTES,
        request_timeout_ms: int = 10_000,
        send_timeout_ms: int = 30_000,
    ) -> None:
        security = security or KafkaSecurity()
        self._settings = settings(bootstrap, client_id, security, request_timeout_ms)
        self._admin = KafkaAdmin(bootstrap, client_id=client_id, security=security)
        self._max_message_bytes = max_message_bytes
        self._batch_bytes = batch_bytes
        self._start_timeout_s = request_timeout_ms / 1000
        self._send_timeout_s = send_timeout_ms / 1000
        self._producer: ProducerClient | None = None
        self._partitioner = Partitioner()
        self._message_limits: dict[str, int] = {}
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        async with self._lock:
            await self._connected()

    async def stop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        if not messages:
            return
        async with self._lock:
            producer = await self._connected()
            topics = sorted({message.topic for message in messages})
            await self._learn(topics)
            refuse_too_large(messages, min(self._message_limits[topic] for topic in topics))
            with translated("asking for partitions"):
                counts = {topic: len(await producer.partitions_for(topic)) for topic in topics}
            groups = self._partitioner.distribute(messages, counts)
            try:
                async with asyncio.timeout(self._send_timeout_s), asyncio.TaskGroup() as group:
                    for partition, of_partition in groups.items():
                        group.create_task(self._send_to_partition(producer, partition, of_partition))
            except BaseException as failure:
                await self._discard()
                if is_of_the_log(failure):
                    raise SendFailed(f"Kafka did not acknowledge: {first_cause(failure)}") from failure
                raise

    async def _send_to_partition(
        self, producer: ProducerClient, partition: Partition, messages: Sequence[Outgoing]
    ) -> None:
        acknowledged = None
        for batch in _batches(producer, messages):
            # Built while the one before is under way, handed over after it.
            if acknowledged is not None:
                await acknowledged
            acknowledged = await producer.send_batch(batch, partition.topic, partition=partition.partition)
        if acknowledged is not None:
            await acknowledged

    async def _connected(self) -> ProducerClient:
        if self._producer is None:
            producer = new_producer(self._settings, max_batch_bytes=self._batch_bytes)
            try:
                with translated("starting a producer"):
                    async with asyncio.timeout(self._start_timeout_s):
                        await producer.start()
            except BaseException:
                await abandon_producer(producer)
                raise
            self._producer = producer
        return self._producer

    async def _discard(self) -> None:
        """Whatever the producer still holds is forgotten with it, and what we know of the topics."""
        producer, self._producer = self._producer, None
        self._message_limits.clear()
        if producer is not None:
            await abandon_producer(producer)

    async def _learn(self, topics: Sequence[str]) -> None:
        """How large the messages of the topics may be; refuses a topic that does not exist."""
        if all(topic in self._message_limits for topic in topics):
            return
        counts = await self._admin.list_topics()
        for topic in topics:
            if topic not in counts:
                raise TopicMissing(topic)
        for topic in topics:
            self._message_limits[topic] = self._max_message_bytes or await self._topic_limit(topic)

    async def _topic_limit(self, topic: str) -> int:
        try:
            return await self._admin.max_message_bytes(topic) - BATCH_OVERHEAD_BYTES
        except TransportError:
            # Not everyone may read a topic's settings; a broker's default then.
            return MAX_MESSAGE_BYTES


def _batches(producer: ProducerClient, messages: Sequence[Outgoing]) -> Iterator[Batch]:
    """The messages of one partition, cut where a batch is full."""
    batch = producer.create_batch()
    for message in messages:
        headers = list(message.headers)
        if batch.append(timestamp=None, key=message.key, value=message.value, headers=headers) is None:
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=None, key=message.key, value=message.value, headers=headers)
    yield batch
