"""Reading from a log in memory."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence

from consumers.transport.memory.log import MemoryLog
from consumers.transport.ports import (
    Assignment,
    Partition,
    PartitionUnreadable,
    PositionLost,
    Record,
    Slice,
    Source,
)


class MemorySource:
    """A `Source` over a `MemoryLog`: a member of `group_id`, or a reader of `partitions`, or of all."""

    def __init__(
        self,
        log: MemoryLog,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        partitions: Sequence[Partition] | None = None,
    ) -> None:
        self.topics = tuple(topics)
        self._log = log
        self._group_id = group_id
        self._static = partitions
        self._assignment: Assignment | None = None
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._owned: set[Partition] = set()
        self._first = 0
        self._unplaced: list[Partition] = []
        self._failure: Exception | None = None

    async def start(self, assignment: Assignment) -> None:
        self._log.require_available()
        everything = self._log.partitions_of(self.topics)
        self._assignment = assignment
        if self._static is not None or self._group_id is None:
            await self.take(everything if self._static is None else self._static)
        else:
            await self._log.group(self._group_id).join(self)
        self._raise_failure()

    async def stop(self) -> None:
        if self._group_id is not None and self._static is None:
            await self._log.group(self._group_id).leave(self)
        self._assignment = None
        self._owned.clear()
        self._positions.clear()

    async def fetch(self, *, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        deadline = asyncio.get_running_loop().time() + timeout_ms / 1000
        while True:
            self._log.require_available()
            self._raise_failure()
            if self._unplaced:
                await self.take(self._unplaced)
                continue
            slices = self._take_records(max_records)
            remaining = deadline - asyncio.get_running_loop().time()
            if slices or remaining <= 0:
                return slices
            await self._log.wait_for_news(remaining)

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self._owned:
            self._positions[partition] = offset

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._paused.difference_update(partitions)

    async def read_at(self, partition: Partition, offset: int) -> Record | None:
        self._log.require_available()
        self._log.require_readable(partition, offset)
        log = self._log.log_of(partition)
        index = log.index_of(offset)
        found = index < len(log.records) and log.records[index].offset == offset
        return log.records[index] if found else None

    async def beginnings(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        self._log.require_available()
        return {partition: self._log.log_of(partition).beginning for partition in partitions}

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        self._log.require_available()
        return {partition: self._log.log_of(partition).end for partition in partitions}

    async def partitions(self) -> list[Partition]:
        self._log.require_available()
        return self._log.partitions_of(self.topics)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        if self._group_id is not None:
            self._log.commit(self._group_id, offsets)

    # Called by the group

    def partitions_of(self, topic: str) -> list[Partition]:
        return self._log.partitions_of([topic])

    async def give_up_all_but(self, target: Sequence[Partition]) -> None:
        lost = sorted(self._owned - set(target))
        self._forget(lost)
        self._unplaced = [partition for partition in self._unplaced if partition in target]
        if lost and self._assignment is not None:
            await self._guard(self._assignment.revoked(lost))

    async def take(self, target: Sequence[Partition]) -> None:
        gained = sorted(set(target) - self._owned)
        self._owned.update(gained)
        self._paused.difference_update(gained)
        self._unplaced = []
        if gained and self._assignment is not None:
            await self._guard(self._assign(self._assignment, gained))
            if self._failure is not None:
                # The next fetch raises it; the one after it asks again from where to read.
                self._forget(gained)
                self._unplaced = gained

    async def _assign(self, assignment: Assignment, gained: Sequence[Partition]) -> None:
        source: Source = self
        for partition, offset in (await assignment.assigned(source, gained)).items():
            if partition in self._owned:
                self._positions[partition] = offset

    def _forget(self, partitions: Sequence[Partition]) -> None:
        self._owned.difference_update(partitions)
        for partition in partitions:
            self._positions.pop(partition, None)

    async def _guard(self, call: Awaitable[None]) -> None:
        """One member's failing callback comes out of its own fetch, not out of another member's join."""
        try:
            await call
        except Exception as failure:  # noqa: BLE001 - raised again by the next fetch
            self._failure = failure

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def _take_records(self, max_records: int) -> dict[Partition, Slice]:
        ready = [partition for partition in self._positions if partition not in self._paused]
        self._first += 1
        slices: dict[Partition, Slice] = {}
        for at in range(len(ready)):
            partition = ready[(self._first + at) % len(ready)]
            position = self._positions[partition]
            try:
                found = self._log.read(partition, position, max_records)
            except (PositionLost, PartitionUnreadable):
                if slices:
                    break
                self._paused.add(partition)
                raise
            if found.next_offset != position:
                slices[partition] = found
                self._positions[partition] = found.next_offset
                max_records -= len(found.records)
            if max_records <= 0:
                break
        return slices
