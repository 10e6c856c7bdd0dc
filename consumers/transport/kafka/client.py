"""Making and closing the clients of aiokafka: every setting that the ledger depends on stands here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import TypedDict, cast

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    TopicPartition,
)
from aiokafka.admin import (
    AIOKafkaAdminClient,
    NewTopic,
    RecordsToDelete,
)
from aiokafka.admin.config_resource import (
    ConfigResource,
    ConfigResourceType,
)

from consumers.transport.kafka.errors import KafkaError
from consumers.transport.kafka.protocols import AdminClient, ConsumerClient, ProducerClient
from consumers.transport.ports import Partition

CLOSE_TIMEOUT_S = 5.0
CANCEL_PATIENCE_S = 0.2


@dataclass(slots=True, frozen=True)
class KafkaSecurity:
    """How to speak to the brokers; plain text by default, for a broker on this machine."""

    protocol: str = "PLAINTEXT"
    ssl_context: SSLContext | None = None
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str | None = None
    password: str | None = field(default=None, repr=False)


class ClientSettings(TypedDict):
    """What every client is given."""

    bootstrap_servers: str
    client_id: str
    security_protocol: str
    ssl_context: SSLContext | None
    sasl_mechanism: str
    sasl_plain_username: str | None
    sasl_plain_password: str | None
    request_timeout_ms: int


def settings(bootstrap: str, client_id: str, security: KafkaSecurity, request_timeout_ms: int) -> ClientSettings:
    """What every client is given. Raises ValueError for empty brokers."""
    if not bootstrap.strip():
        raise ValueError("no Kafka brokers given")
    return {
        "bootstrap_servers": bootstrap,
        "client_id": client_id,
        "security_protocol": security.protocol,
        "ssl_context": security.ssl_context,
        "sasl_mechanism": security.sasl_mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password,
        "request_timeout_ms": request_timeout_ms,
    }


@dataclass(slots=True, frozen=True)
class ConsumerLimits:
    """Sizes and times of a consumer."""

    max_partition_fetch_bytes: int
    fetch_max_bytes: int
    fetch_min_bytes: int
    """The broker answers once it has so much ..."""
    fetch_max_wait_ms: int
    """... or after this time with what it has."""
    session_timeout_ms: int
    heartbeat_interval_ms: int
    max_poll_interval_ms: int
    metadata_max_age_ms: int


def new_consumer(client: ClientSettings, group_id: str | None, limits: ConsumerLimits) -> ConsumerClient:
    """A consumer that never commits by itself and never jumps to another offset by itself."""
    return cast(
        "ConsumerClient",
        AIOKafkaConsumer(
            **client,
            group_id=group_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_partition_fetch_bytes=limits.max_partition_fetch_bytes,
            fetch_max_bytes=limits.fetch_max_bytes,
            fetch_min_bytes=limits.fetch_min_bytes,
            fetch_max_wait_ms=limits.fetch_max_wait_ms,
            session_timeout_ms=limits.session_timeout_ms,
            heartbeat_interval_ms=limits.heartbeat_interval_ms,
            max_poll_interval_ms=limits.max_poll_interval_ms,
            metadata_max_age_ms=limits.metadata_max_age_ms,
        ),
    )


def new_producer(client: ClientSettings, *, max_batch_bytes: int) -> ProducerClient:
    """An idempotent producer that is acknowledged by all replicas in sync."""
    return cast(
        "ProducerClient",
        AIOKafkaProducer(**client, enable_idempotence=True, acks="all", max_batch_size=max_batch_bytes),
    )


def new_admin(client: ClientSettings) -> AdminClient:
    """A client for topics."""
    return cast("AdminClient", AIOKafkaAdminClient(**client))


def native(partition: Partition) -> Partition:
    """The library's own tuple, which it insists on; equal to ours and of the same hash."""
    return cast("Partition", TopicPartition(partition.topic, partition.partition))


class RebalanceListener(ConsumerRebalanceListener):
    """Hands both callbacks of a rebalance on, as our partitions."""

    def __init__(
        self,
        assigned: Callable[[list[Partition]], Awaitable[None]],
        revoked: Callable[[list[Partition]], Awaitable[None]],
    ) -> None:
        self._assigned = assigned
        self._revoked = revoked

    async def on_partitions_assigned(self, assigned: Iterable[Partition]) -> None:
        await self._assigned(sorted(Partition(*partition) for partition in assigned))

    async def on_partitions_revoked(self, revoked: Iterable[Partition]) -> None:
        await self._revoked(sorted(Partition(*partition) for partition in revoked))


async def close_consumer(consumer: ConsumerClient) -> None:
    """Leaves the group and closes, in bounded time, also when no broker answers."""
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await consumer.stop()


async def close_producer(producer: ProducerClient) -> None:
    """Closes a producer with nothing in flight."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await producer.stop()
    except (KafkaError, TimeoutError):
        await abandon_producer(producer)


async def abandon_producer(producer: ProducerClient) -> None:
    """Ends a producer that failed, without waiting for what it still wants to send.

    An idempotent producer of this library never gives a batch up, and its `stop` waits for every batch; so
    its sender is cancelled and its connections are closed under it.
    """
    library = cast("AIOKafkaProducer", producer)
    library._closed = True  # noqa: SLF001 - or its finalizer warns
    sender = library._sender.sender_task  # noqa: SLF001 - there is no public way
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            # Cancelled once it waits for its requests under way, cancelled again it leaves them too.
            while sender is not None and not sender.done():
                sender.cancel()
                await asyncio.wait([sender], timeout=CANCEL_PATIENCE_S)
            await library.client.close()


def topic_to_create(topic: str, partitions: int, replication_factor: int, topic_settings: Mapping[str, str]) -> object:
    """One topic as the admin client takes it."""
    return cast(
        "object",
        NewTopic(
            topic,
            partitions,
            replication_factor,
            # The library takes the brokers' default only together with an assignment, which may be empty.
            replica_assignments={} if replication_factor == -1 else None,
            topic_configs=dict(topic_settings),
        ),
    )


def topic_limit_resource(topic: str) -> object:
    """Asks for the largest batch of a topic."""
    return cast("object", ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": ""}))


def records_to_delete(before: Mapping[Partition, int]) -> dict[Partition, object]:
    """The offsets as the admin client takes them."""
    return {native(partition): RecordsToDelete(offset) for partition, offset in before.items()}
