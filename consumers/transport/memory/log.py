"""A log in memory: topics, partitions, records, and the faults that it is told to show."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from consumers.transport.admin import missing_topics
from consumers.transport.limits import MAX_MESSAGE_BYTES
from consumers.transport.memory.group import Group
from consumers.transport.ports import (
    Outgoing,
    Partition,
    PartitionUnreadable,
    PositionLost,
    Record,
    Slice,
    StoredRecord,
    TopicMissing,
    TransportUnavailable,
)


@dataclass(slots=True)
class MemoryFaults:
    """What goes wrong next. Each fault is spent when it strikes, but for `unavailable` and `unreadable`."""

    unavailable: bool = False
    """Every call raises `TransportUnavailable` until this is False again."""
    send_fails_after: int | None = None
    """The next send writes this many messages and then raises `SendFailed`."""
    send_lost_acknowledgement: bool = False
    """The next send writes everything and raises `SendFailed` all the same."""
    send_twice: bool = False
    """The next send writes its messages twice, as a producer's retry without idempotence does."""
    unreadable: dict[Partition, int] = field(default_factory=dict)
    """From this offset on nothing can be read of the partition, as long as it stands here."""


@dataclass(slots=True)
class PartitionLog:
    beginning: int = 0
    end: int = 0
    records: list[StoredRecord] = field(default_factory=list)

    def index_of(self, offset: int) -> int:
        return bisect_left(self.records, offset, key=lambda record: record.offset)


class MemoryLog:
    """Topics with partitions; also their `TopicAdmin`."""

    def __init__(self, *, clock_ms: Callable[[], int] = lambda: 0, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.faults = MemoryFaults()
        self.max_message_bytes = max_message_bytes
        self._clock_ms = clock_ms
        self._topics: dict[str, list[PartitionLog]] = {}
        self._groups: dict[str, Group] = {}
        self._committed: dict[tuple[str, Partition], int] = {}
        self._news = asyncio.Event()

    # Topics

    async def ensure_topics(self, partitions_by_topic: Mapping[str, int]) -> list[str]:
        self.require_available()
        created = missing_topics(await self.list_topics(), partitions_by_topic)
        for topic in created:
            self._topics[topic] = [PartitionLog() for _ in range(partitions_by_topic[topic])]
        return created

    async def list_topics(self) -> dict[str, int]:
        self.require_available()
        return {topic: len(logs) for topic, logs in self._topics.items()}

    async def delete_topic(self, topic: str) -> None:
        self.require_available()
        self._topics.pop(topic, None)

    async def delete_records(self, before: Mapping[Partition, int]) -> None:
        self.require_available()
        for partition, offset in before.items():
            log = self.log_of(partition)
            log.records = log.records[log.index_of(offset) :]
            log.beginning = max(log.beginning, offset)

    # Faults of the log itself

    def lose_tail(self, partition: Partition, end: int) -> None:
        """Forgets every record from `end` on, as a broker without a durable log does after a crash."""
        log = self.log_of(partition)
        log.records = log.records[: log.index_of(end)]
        log.end = min(log.end, end)

    def leave_gap(self, partition: Partition, offsets: int = 1) -> None:
        """Uses up offsets without a record, as transaction markers and aborted messages do."""
        self.log_of(partition).end += offsets
        self._wake()

    # Records

    def append(self, partition: Partition, messages: Iterable[Outgoing]) -> None:
        """Adds messages to one partition, whatever their own `partition` says."""
        log = self.log_of(partition)
        for message in messages:
            log.records.append(
                StoredRecord(
                    partition.topic,
                    partition.partition,
                    log.end,
                    self._clock_ms(),
                    message.key,
                    message.value,
                    tuple(message.headers),
                )
            )
            log.end += 1
        self._wake()

    def read(self, partition: Partition, position: int, max_records: int) -> Slice:
        """Records from `position` on; raises `PositionLost` when the log does not hold it, `PartitionUnreadable`."""
        log = self.log_of(partition)
        if not log.beginning <= position <= log.end:
            raise PositionLost(partition, position, log.beginning, log.end)
        first = log.index_of(position)
        if (bad := self.faults.unreadable.get(partition)) is not None:
            self.require_readable(partition, position)
            max_records = min(max_records, log.index_of(bad) - first)
        records: list[Record] = list(log.records[first : first + max_records])
        reached_end = first + len(records) == len(log.records)
        return Slice(records, log.end if reached_end else log.records[first + len(records)].offset)

    def log_of(self, partition: Partition) -> PartitionLog:
        logs = self._topics.get(partition.topic)
        if logs is None or not 0 <= partition.partition < len(logs):
            raise TopicMissing(partition.topic)
        return logs[partition.partition]

    def partitions_of(self, topics: Iterable[str]) -> list[Partition]:
        found: list[Partition] = []
        for topic in topics:
            if topic not in self._topics:
                raise TopicMissing(topic)
            found.extend(Partition(topic, number) for number in range(len(self._topics[topic])))
        return found

    def group(self, group_id: str) -> Group:
        return self._groups.setdefault(group_id, Group())

    def committed(self, group_id: str) -> dict[Partition, int]:
        """What the members of a group have committed, as a lag dashboard reads it."""
        return {partition: offset for (group, partition), offset in self._committed.items() if group == group_id}

    def commit(self, group_id: str, offsets: Mapping[Partition, int]) -> None:
        self._committed.update({(group_id, partition): offset for partition, offset in offsets.items()})

    def require_available(self) -> None:
        if self.faults.unavailable:
            raise TransportUnavailable("the log in memory is set unavailable")

    def require_readable(self, partition: Partition, offset: int) -> None:
        if offset >= self.faults.unreadable.get(partition, offset + 1):
            raise PartitionUnreadable(partition, offset, "SOURCE_CORRUPT", "it is set unreadable")

    async def wait_for_news(self, timeout_s: float) -> None:
        """Returns when something was appended, or after the time."""
        try:
            await asyncio.wait_for(self._news.wait(), timeout_s)
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
