"""What the embedded log knows of its topics: their ids and how many partitions they have."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, LiteralString, NamedTuple, cast

from consumers.transport.ports import Partition, TopicMissing
from consumers.transport.postgres_log.connection import Connection

SELECT_TOPICS: Final[LiteralString] = """
    SELECT name, topic_id, partitions
      FROM transport.topic
     WHERE %(names)s::text[] IS NULL OR name = ANY(%(names)s)
"""


class Topic(NamedTuple):
    """A topic as it stands now; a topic created again has another id."""

    topic_id: int
    partitions: int


def load_topics(connection: Connection, names: Sequence[str] | None = None) -> dict[str, Topic]:
    """Topics by name, without those that do not exist."""
    rows = connection.execute(SELECT_TOPICS, {"names": None if names is None else list(names)}).fetchall()
    return {
        name: Topic(topic_id, partitions) for name, topic_id, partitions in cast("list[tuple[str, int, int]]", rows)
    }


def require(topics: Mapping[str, Topic], names: Iterable[str]) -> None:
    """Raises `TopicMissing` for the first name that has no topic."""
    for name in names:
        if name not in topics:
            raise TopicMissing(name)


def partitions_of(topics: Mapping[str, Topic]) -> list[Partition]:
    """All partitions, in order."""
    return [Partition(name, number) for name in sorted(topics) for number in range(topics[name].partitions)]
