"""Consuming a topic again under a cursor of its own: the live source rows are not involved.

What was decided before is REPLAYED; what was not is posted, and its cause names the cursor by which it came.
"""

from collections.abc import Mapping, Sequence

from consumers.cursors import named, plain
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
        return {self.name(partition): self._renamed(partition, part) for partition, part in slices.items()}

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

    def _renamed(self, partition: Partition, part: Slice) -> Slice:
        topic = named(partition.topic, self._cursor)
        records: list[Record] = [
            StoredRecord(topic, old.partition, old.offset, old.timestamp, old.key, old.value, old.headers)
            for old in part.records
        ]
        return Slice(records, part.next_offset)


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


def _unnamed(partition: Partition) -> Partition:
    return Partition(plain(partition.topic), partition.partition)
