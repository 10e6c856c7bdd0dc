"""Appending to the embedded log: one transaction a send, offsets in commit order without gaps."""

from collections.abc import Mapping, Sequence
from typing import Final, LiteralString

from psycopg import Rollback

from consumers.transport.limits import MAX_MESSAGE_BYTES, refuse_too_large
from consumers.transport.partitioner import Partitioner
from consumers.transport.ports import Outgoing, Partition, SendFailed, TopicMissing, TransportUnavailable
from consumers.transport.postgres_log import segments
from consumers.transport.postgres_log.connection import Connection, LogConnection
from consumers.transport.postgres_log.topics import Topic, load_topics, require

# A statement of its own: what follows must see the offsets it waited for. In key order, against deadlocks.
LOCK_PARTITIONS: Final[LiteralString] = """
    SELECT 1
      FROM transport.partition
     WHERE (topic_id, partition) IN (SELECT * FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[]))
     ORDER BY topic_id, partition
       FOR NO KEY UPDATE
"""

# `first` and `last` count from the partition's next offset.
INSERT_SEGMENTS: Final[LiteralString] = """
    INSERT INTO transport.segment (topic_id, partition, last_offset, base_offset, timestamp_ms, payload)
    SELECT p.topic_id, p.partition, p.next_offset + s.last, p.next_offset + s.first,
           (extract(epoch FROM clock_timestamp()) * 1000)::bigint, s.payload
      FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[], %(firsts)s::bigint[],
                  %(lasts)s::bigint[], %(payloads)b::bytea[]) AS s (topic_id, partition, first, last, payload)
      JOIN transport.partition AS p ON (p.topic_id, p.partition) = (s.topic_id, s.partition)
"""

ADVANCE_PARTITIONS: Final[LiteralString] = """
    UPDATE transport.partition AS p SET next_offset = p.next_offset + a.records
      FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[], %(records)s::bigint[])
           AS a (topic_id, partition, records)
     WHERE (p.topic_id, p.partition) = (a.topic_id, a.partition)
"""


class PostgresLogSink:
    """A `Sink` over the embedded log. Acknowledged means committed: a send is written whole or not at all."""

    def __init__(
        self,
        conninfo: str,
        *,
        client_id: str = "ledger-sink",
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._log = LogConnection(conninfo, client_id=client_id)
        self._max_message_bytes = max_message_bytes
        self._partitioner = Partitioner()
        self._topics: dict[str, Topic] = {}

    async def start(self) -> None:
        self._topics = await self._log.run(load_topics)

    async def stop(self) -> None:
        await self._log.close()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        if not messages:
            return
        refuse_too_large(messages, self._max_message_bytes)
        began = False

        def work(connection: Connection) -> None:
            nonlocal began
            began = True
            self._append(connection, messages)

        try:
            await self._log.run(work)
        except TransportUnavailable as lost:
            if began:
                raise SendFailed("the connection was lost while appending") from lost
            raise

    def _append(self, connection: Connection, messages: Sequence[Outgoing]) -> None:
        wanted = {message.topic for message in messages}
        # Twice at most: the second time with topics read again, because one was created anew meanwhile.
        for _ in range(2):
            if not wanted <= self._topics.keys():
                self._topics = load_topics(connection)
                require(self._topics, sorted(wanted))
            counts = {topic: self._topics[topic].partitions for topic in wanted}
            groups = self._partitioner.distribute(messages, counts)
            if _append_groups(connection, groups, self._topics):
                return
            self._topics = {}
        raise TopicMissing(min(wanted))


def _append_groups(
    connection: Connection, groups: Mapping[Partition, Sequence[Outgoing]], topics: Mapping[str, Topic]
) -> bool:
    """False when one of the partitions is gone; nothing is written then."""
    partitions = {
        "topic_ids": [topics[partition.topic].topic_id for partition in groups],
        "partitions": [partition.partition for partition in groups],
        "records": [len(messages) for messages in groups.values()],
    }
    rows = _segment_rows(groups, topics)
    complete = False
    # One round trip and the commit: what depends on the lock is computed by the statements after it.
    with connection.pipeline(), connection.transaction() as transaction:
        locked = connection.execute(LOCK_PARTITIONS, partitions)
        connection.execute(INSERT_SEGMENTS, rows)
        connection.execute(ADVANCE_PARTITIONS, partitions)
        complete = len(locked.fetchall()) == len(groups)
        if not complete:
            raise Rollback(transaction)
    return complete


def _segment_rows(
    groups: Mapping[Partition, Sequence[Outgoing]], topics: Mapping[str, Topic]
) -> dict[str, list[int] | list[bytes]]:
    """The columns of `INSERT_SEGMENTS`."""
    topic_ids: list[int] = []
    partitions: list[int] = []
    firsts: list[int] = []
    lasts: list[int] = []
    payloads: list[bytes] = []
    for partition, messages in groups.items():
        first = 0
        for part in segments.split(messages):
            topic_ids.append(topics[partition.topic].topic_id)
            partitions.append(partition.partition)
            firsts.append(first)
            lasts.append(first + len(part) - 1)
            payloads.append(segments.encode(part))
            first += len(part)
    return {
        "topic_ids": topic_ids,
        "partitions": partitions,
        "firsts": firsts,
        "lasts": lasts,
        "payloads": payloads,
    }
