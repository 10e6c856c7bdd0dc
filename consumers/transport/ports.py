"""The two ports of the transport: a `Source` of records and a `Sink` for them.

Positions belong to whoever consumes, never to the transport: a source asks its `Assignment` where to
start in each partition, and `commit` only feeds lag dashboards.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(Protocol):
    """One message as it stands in the log. aiokafka's ConsumerRecord has this shape already."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch, as the log states it; never used for order."""
        ...

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(slots=True)
class StoredRecord:
    """A `Record` of our own, for the embedded log, memory and files."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True, frozen=True)
class Outgoing:
    """One message to be sent. `partition` None lets the key choose; records of one key stay in order."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None


@dataclass(slots=True)
class Slice:
    """What one fetch brought from one partition.

    `next_offset` is the consumer's position after these records, not the last offset + 1: transaction
    markers and compaction leave gaps. A slice without records is a position that moved over such a gap:
    store it, or the lag never reaches zero.
    """

    records: list[Record] = field(default_factory=list)
    next_offset: int = 0


class Assignment(Protocol):
    """The consumer's side of a (re)assignment of partitions.

    Called by a task of the source, never twice at once, at any time between `start` and `stop` (the first
    time within `start`); what a call raises comes out of the next `fetch`. A rebalance may revoke a
    partition and assign it again. `stop` revokes nothing: whoever stops knows.
    """

    async def assigned(self, source: "Source", partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Offset from which each partition is to be read; a partition left out stays paused.

        The source is passed so that the last consumed record can be read again with `read_at`.
        """
        ...

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """These partitions are ours no longer; whatever is being posted for them is shut out by the fence."""
        ...


class Source(Protocol):
    """A group member that reads records of the topics given at construction."""

    async def start(self, assignment: Assignment) -> None:
        """Joins. Raises `TransportUnavailable` when the log can't be reached, `TopicMissing` for a topic."""
        ...

    async def stop(self) -> None:
        """Leaves; idempotent; never raises for a log that has gone away."""
        ...

    async def fetch(self, *, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        """Up to `max_records` records, in offset order per partition; {} when none came within the time.

        Raises `PositionLost` or `PartitionUnreadable` for one partition at a time, which stays paused until `seek` and
        `resume`; the others go on. After any other `TransportError` call again: the source has reconnected by then.
        """
        ...

    def seek(self, partition: Partition, offset: int) -> None:
        """The next fetch of this partition starts at `offset` (drops what was prefetched)."""
        ...

    def pause(self, partitions: Sequence[Partition]) -> None:
        """Fetches nothing from these until resumed; membership and heartbeats go on."""
        ...

    def resume(self, partitions: Sequence[Partition]) -> None: ...

    async def read_at(self, partition: Partition, offset: int) -> Record | None:
        """The record at exactly this offset, or None when there is none. Does not move the position.

        Raises `PartitionUnreadable`.
        """
        ...

    async def beginnings(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """First offset still in the log."""
        ...

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Read-committed end offset: where the next record will stand. Lag = end - position."""
        ...

    async def partitions(self) -> list[Partition]:
        """All partitions of the topics, whoever reads them."""
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Tells the log how far we are, for lag dashboards only. Never raises for a lost assignment."""
        ...


class Sink(Protocol):
    """Sends records; acknowledged means durable in the log."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Returns after every message was acknowledged, in order per key.

        Raises `SendFailed`: any prefix, per partition, may have been written; the caller resends from its
        checkpoint through this same sink, which rebuilds its producer first. Raises `MessageTooLarge` and
        `TopicMissing` before anything was sent, `TransportUnavailable` when the producer can't be rebuilt.
        """
        ...


class TransportError(Exception):
    """Anything the transport can report. Subclasses say what the caller must do."""


class TransportUnavailable(TransportError):
    """The log can't be reached now: wait and try again."""


class TopicMissing(TransportError):
    """There is no such topic: create it, or correct the settings. `topic` names it."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic!r} does not exist")
        self.topic = topic


class PositionLost(TransportError):
    """The log no longer holds our position (retention, truncation, recreation): open a finding."""

    def __init__(self, partition: Partition, position: int, beginning: int, end: int) -> None:
        super().__init__(
            f"{partition.topic}[{partition.partition}] holds offsets {beginning} to {end}, not our position {position}"
        )
        self.partition = partition
        self.position = position
        self.beginning = beginning
        self.end = end


class PartitionUnreadable(TransportError):
    """What stands at our position can't be read, now or later: stop the partition. `code` says why: it is compressed
    in a way that this installation lacks (`CODEC_UNSUPPORTED`), or is not what was written (`SOURCE_CORRUPT`)."""

    def __init__(self, partition: Partition, position: int, code: str, detail: str) -> None:
        super().__init__(f"{partition.topic}[{partition.partition}] can't be read at {position}: {detail}")
        self.partition = partition
        self.position = position
        self.code = code
        self.detail = detail


class SendFailed(TransportError):
    """Some messages may not be in the log: resend from the checkpoint."""


class MessageTooLarge(TransportError):
    """The log refuses a message of this size: send a stub. `index` names it within the call."""

    def __init__(self, index: int, size_bytes: int) -> None:
        super().__init__(f"message {index} has {size_bytes} bytes, more than the log takes")
        self.index = index
        self.size_bytes = size_bytes
