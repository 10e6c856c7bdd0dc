"""Consuming a topic again under a cursor of its own: the live source rows are not involved.

A cursor's name follows the topic after `#`, which no topic may contain: `payments.events.v1#replay-1` has source
rows, counters and a fence of its own. What was decided before is REPLAYED; what was not is posted, and its cause
names the cursor by which it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

from consumers.transport.ports import (
    Assignment,
    Partition,
    PartitionUnreadable,
    PositionLost,
    Record,
    Slice,
    Source,
    StoredRecord,
)
from ledger_core.domain.incoming import Incoming
from ledger_core.domain.incoming import Record as CoreRecord

MARK: Final = "#"


def named(topic: str, cursor: str) -> str:
    """The topic as the cursor's source rows name it."""
    return f"{topic}{MARK}{cursor}"


def plain(topic: str) -> str:
    """The topic as the log names it."""
    return topic.partition(MARK)[0]


class ReplaySource:
    """A `Source` whose partitions and records carry the cursor's name; the log never hears of it."""

    def __init__(self, source: Source, cursor: str) -> None:
        self._source = source
        self._cursor = cursor

    async def start(self, assignment: Assignment) -> None:
        await self._source.start(_ReplayAssignment(self, assignment))

    async def stop(self) -> None:
        await self._source.stop()

    async def fetch(self, *, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        try:
            slices = await self._source.fetch(max_records=max_records, timeout_ms=timeout_ms)
        except PositionLost as lost:
            raise PositionLost(self.name(lost.partition), lost.position, lost.beginning, lost.end) from lost
        except PartitionUnreadable as bad:
            raise PartitionUnreadable(self.name(bad.partition), bad.position, bad.code, bad.detail) from bad
        return {
            self.name(partition): Slice([self._record(record) for record in part.records], part.next_offset)
            for partition, part in slices.items()
        }

    def seek(self, partition: Partition, offset: int) -> None:
        self._source.seek(_unnamed(partition), offset)

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._source.pause([_unnamed(partition) for partition in partitions])

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._source.resume([_unnamed(partition) for partition in partitions])

    async def read_at(self, partition: Partition, offset: int) -> Record | None:
        return await self._source.read_at(_unnamed(partition), offset)

    async def beginnings(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        found = await self._source.beginnings([_unnamed(partition) for partition in partitions])
        return {self.name(partition): offset for partition, offset in found.items()}

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        found = await self._source.ends([_unnamed(partition) for partition in partitions])
        return {self.name(partition): offset for partition, offset in found.items()}

    async def partitions(self) -> list[Partition]:
        return [self.name(partition) for partition in await self._source.partitions()]

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        await self._source.commit({_unnamed(partition): offset for partition, offset in offsets.items()})

    def name(self, partition: Partition) -> Partition:
        """The partition under the cursor's name."""
        return Partition(named(partition.topic, self._cursor), partition.partition)

    def _record(self, record: Record) -> Record:
        return StoredRecord(
            named(record.topic, self._cursor),
            record.partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            record.headers,
        )


class _ReplayAssignment:
    """Passes on to the consumer what the log says, under the cursor's names."""

    def __init__(self, source: ReplaySource, assignment: Assignment) -> None:
        self._source = source
        self._assignment = assignment

    async def assigned(
        self,
        source: Source,  # noqa: ARG002 - the wrapped one, which knows no cursor: ours is passed on
        partitions: Sequence[Partition],
    ) -> Mapping[Partition, int]:
        ours = [self._source.name(partition) for partition in partitions]
        offsets = await self._assignment.assigned(self._source, ours)
        return {_unnamed(partition): offset for partition, offset in offsets.items()}

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        await self._assignment.revoked([self._source.name(partition) for partition in partitions])


class Decodes(Protocol):
    """What turns a record into an incoming event; pure."""

    def decode(self, record: CoreRecord) -> Incoming: ...


class ReplayDecoder:
    """Decodes as if the record had come from the live topic: records without an id of their own are known by
    their coordinates there, and have to be recognised."""

    def __init__(self, decoder: Decodes) -> None:
        self._decoder = decoder

    def decode_many(self, records: Iterable[CoreRecord]) -> list[Incoming]:
        return [self.decode(record) for record in records]

    def decode(self, record: CoreRecord) -> Incoming:
        live = StoredRecord(
            plain(record.topic),
            record.partition,
            record.offset,
            record.timestamp,
            record.key,
            record.value,
            record.headers,
        )
        incoming = self._decoder.decode(live)
        incoming.record = record
        return incoming


def _unnamed(partition: Partition) -> Partition:
    return Partition(plain(partition.topic), partition.partition)
