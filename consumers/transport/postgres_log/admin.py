"""`TopicAdmin` of the embedded log."""

from collections.abc import Mapping
from typing import Final, LiteralString

from consumers.transport.admin import missing_topics
from consumers.transport.ports import Partition, TopicMissing
from consumers.transport.postgres_log.connection import Connection, LogConnection
from consumers.transport.postgres_log.topics import load_topics

# A topic that someone else creates at this moment is theirs: nothing is returned, its count is checked again.
INSERT_TOPIC: Final[LiteralString] = """
    WITH created AS (
        INSERT INTO transport.topic (name, partitions) VALUES (%(name)s, %(partitions)s)
        ON CONFLICT (name) DO NOTHING RETURNING topic_id, name, partitions
    ), filled AS (
        INSERT INTO transport.partition (topic_id, partition)
        SELECT topic_id, generate_series(0, partitions - 1) FROM created
    )
    SELECT name FROM created
"""

DELETE_TOPIC: Final[LiteralString] = "DELETE FROM transport.topic WHERE name = %(name)s"

RAISE_BEGINNING: Final[LiteralString] = """
    UPDATE transport.partition AS p
       SET begin_offset = greatest(p.begin_offset, least(%(before)s, p.next_offset))
      FROM transport.topic AS t
     WHERE t.topic_id = p.topic_id AND t.name = %(name)s AND p.partition = %(partition)s
    RETURNING p.topic_id, p.begin_offset
"""

# A segment goes when all of its records are below the beginning.
DELETE_SEGMENTS: Final[LiteralString] = """
    DELETE FROM transport.segment
     WHERE topic_id = %(topic_id)s AND partition = %(partition)s AND last_offset < %(beginning)s
"""


class PostgresLogAdmin:
    """Creating takes the role that appends; deleting topics or records takes the owner's."""

    def __init__(self, conninfo: str, *, client_id: str = "ledger-admin") -> None:
        self._log = LogConnection(conninfo, client_id=client_id)

    async def close(self) -> None:
        await self._log.close()

    async def ensure_topics(self, partitions_by_topic: Mapping[str, int]) -> list[str]:
        def work(connection: Connection) -> list[str]:
            created: list[str] = []
            with connection.transaction():
                for topic in missing_topics(_counts(connection), partitions_by_topic):
                    row = {"name": topic, "partitions": partitions_by_topic[topic]}
                    if connection.execute(INSERT_TOPIC, row).fetchone() is not None:
                        created.append(topic)
                missing_topics(_counts(connection), partitions_by_topic)
            return created

        return await self._log.run(work)

    async def list_topics(self) -> dict[str, int]:
        return await self._log.run(_counts)

    async def delete_topic(self, topic: str) -> None:
        def work(connection: Connection) -> None:
            connection.execute(DELETE_TOPIC, {"name": topic})

        await self._log.run(work)

    async def delete_records(self, before: Mapping[Partition, int]) -> None:
        def work(connection: Connection) -> None:
            with connection.transaction():
                for partition, offset in sorted(before.items()):
                    _delete_records(connection, partition, offset)

        await self._log.run(work)


def _counts(connection: Connection) -> dict[str, int]:
    return {name: topic.partitions for name, topic in load_topics(connection).items()}


def _delete_records(connection: Connection, partition: Partition, before: int) -> None:
    row = connection.execute(
        RAISE_BEGINNING, {"name": partition.topic, "partition": partition.partition, "before": before}
    ).fetchone()
    if row is None:
        raise TopicMissing(partition.topic)
    topic_id, beginning = row
    connection.execute(
        DELETE_SEGMENTS, {"topic_id": topic_id, "partition": partition.partition, "beginning": beginning}
    )
