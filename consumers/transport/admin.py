"""Topics as every adapter administers them: create, list, delete, cut off old records."""

from collections.abc import Mapping
from typing import Protocol

from consumers.transport.ports import Partition, TransportError


class TopicAdmin(Protocol):
    """Raises `TransportUnavailable` when the log can't be reached."""

    async def ensure_topics(self, partitions_by_topic: Mapping[str, int]) -> list[str]:
        """Creates the topics that are missing and returns their names, usable when this returns.

        Raises `TopicMismatch` when a topic exists with another number of partitions: keys would move.
        """
        ...

    async def list_topics(self) -> dict[str, int]:
        """Number of partitions by topic, without the log's own internal topics."""
        ...

    async def delete_topic(self, topic: str) -> None:
        """Removes the topic and its records; one that is not there is fine."""
        ...

    async def delete_records(self, before: Mapping[Partition, int]) -> None:
        """Drops the records below the given offset of each partition, as retention does."""
        ...


class TopicMismatch(TransportError):
    """The topic exists, with another number of partitions than asked for."""

    def __init__(self, topic: str, found: int, wanted: int) -> None:
        super().__init__(f"topic {topic!r} has {found} partitions, {wanted} were asked for")
        self.topic = topic
        self.found = found
        self.wanted = wanted


def missing_topics(found: Mapping[str, int], wanted: Mapping[str, int]) -> list[str]:
    """Topics still to be created, in a stable order; the check that every adapter makes first."""
    for topic, partitions in wanted.items():
        if topic in found and found[topic] != partitions:
            raise TopicMismatch(topic, found[topic], partitions)
    return sorted(set(wanted) - set(found))
