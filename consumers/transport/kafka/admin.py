"""`TopicAdmin` of Apache Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from consumers.transport.admin import missing_topics
from consumers.transport.kafka.client import (
    KafkaSecurity,
    new_admin,
    records_to_delete,
    settings,
    topic_limit_resource,
    topic_to_create,
)
from consumers.transport.kafka.errors import raise_for_code, translated
from consumers.transport.kafka.protocols import AdminClient
from consumers.transport.ports import Partition, TransportUnavailable

TOPIC_EXISTS = 36
TOPIC_UNKNOWN = 3
# A topic is usable a moment after it was created, when every broker has heard of it.
PROPAGATION_TIMEOUT_S = 10.0
PROPAGATION_POLL_S = 0.02


class KafkaAdmin:
    """Connects for each call: topics are seldom administered.

    `replication_factor` -1 and settings left out are the brokers' own defaults.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str = "ledger-admin",
        security: KafkaSecurity | None = None,
        replication_factor: int = -1,
        topic_settings: Mapping[str, str] | None = None,
        request_timeout_ms: int = 15_000,
    ) -> None:
        self._settings = settings(bootstrap, client_id, security or KafkaSecurity(), request_timeout_ms)
        self._replication_factor = replication_factor
        self._topic_settings = dict(topic_settings or {})

    async def ensure_topics(self, partitions_by_topic: Mapping[str, int]) -> list[str]:
        async with self._client("creating topics") as client:
            missing = missing_topics(await _counts(client), partitions_by_topic)
            if not missing:
                return []
            answer = await client.create_topics(
                [
                    topic_to_create(topic, partitions_by_topic[topic], self._replication_factor, self._topic_settings)
                    for topic in missing
                ]
            )
            created: list[str] = []
            for topic, code, message in answer.topic_errors:
                if code == 0:
                    created.append(topic)
                elif code != TOPIC_EXISTS:
                    raise_for_code(code, f"creating topic {topic!r}: {message}")
            await _until(client, lambda counts: not missing_topics(counts, partitions_by_topic))
            return created

    async def list_topics(self) -> dict[str, int]:
        async with self._client("listing topics") as client:
            return await _counts(client)

    async def delete_topic(self, topic: str) -> None:
        async with self._client("deleting a topic") as client:
            for name, code in (await client.delete_topics([topic])).topic_error_codes:
                if code not in {0, TOPIC_UNKNOWN}:
                    raise_for_code(code, f"deleting topic {name!r}")
            await _until(client, lambda counts: topic not in counts)

    async def delete_records(self, before: Mapping[Partition, int]) -> None:
        async with self._client("deleting records") as client:
            await client.delete_records(records_to_delete(before))

    async def max_message_bytes(self, topic: str) -> int:
        """The largest batch that the topic takes."""
        async with self._client("reading a topic's limits") as client:
            for answer in await client.describe_configs([topic_limit_resource(topic)]):
                for code, message, _, name, entries in answer.resources:
                    if code != 0:
                        raise_for_code(code, f"reading the limits of topic {name!r}: {message}")
                    for entry in entries:
                        return int(entry[1])
        raise TransportUnavailable(f"Kafka does not tell the limits of topic {topic!r}")

    @asynccontextmanager
    async def _client(self, doing: str) -> AsyncIterator[AdminClient]:
        with translated(doing):
            client = new_admin(self._settings)
            try:
                async with asyncio.timeout(self._settings["request_timeout_ms"] / 1000):
                    await client.start()
                    yield client
            finally:
                await client.close()


async def _counts(client: AdminClient) -> dict[str, int]:
    return {
        topic["topic"]: len(topic["partitions"])
        for topic in await client.describe_topics()
        if topic["error_code"] == 0 and not topic["is_internal"]
    }


async def _until(client: AdminClient, done: Callable[[Mapping[str, int]], bool]) -> None:
    """Asks the brokers until it is done; they have no way to tell."""
    async with asyncio.timeout(PROPAGATION_TIMEOUT_S):
        while not done(await _counts(client)):  # noqa: ASYNC110 - what changes is in another process
            await asyncio.sleep(PROPAGATION_POLL_S)
