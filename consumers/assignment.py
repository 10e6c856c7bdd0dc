"""Which partitions this worker holds, where each stands, and whether its log is still the one we consumed."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog

from consumers.transport.ports import Partition, PartitionUnreadable, Source
from ledger_core.store.positions import SourcePosition, SourcePositions, record_hash

log = structlog.get_logger(__name__)


class PartitionKeeper:
    """The `Assignment` of a payments consumer (docs/explanation/posting.md, "Source rows").

    `stands` holds, per partition, where the next batch begins: the stored position, or what the batch in
    flight will make of it.
    """

    def __init__(self, source: Source, positions: SourcePositions) -> None:
        self._source = source
        self._positions = positions
        self._assigned: set[Partition] = set()
        self._held: dict[Partition, dict[Partition, int]] = {}
        self._unplaced: set[Partition] = set()
        self.stands: dict[Partition, SourcePosition] = {}
        self.placings: Counter[Partition] = Counter()
        """How often each partition was placed anew: what was fetched before does not follow what `stands` says now."""

    def holds(self, partition: Partition) -> bool:
        """True while this worker may post for the partition."""
        return partition in self.stands

    def take(self, partition: Partition, next_offset: int) -> int:
        """Moves where the next batch begins; returns where this one does."""
        stand = self.stands[partition]
        self.stands[partition] = replace(stand, next_offset=next_offset)
        return stand.next_offset

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """Stored positions of partitions whose log is unchanged; the others stay paused, with the reason stored."""
        self._assigned.update(partitions)
        beginnings = await source.beginnings(partitions)
        startable = await self._without_newcomers(source, partitions)
        stands = await asyncio.to_thread(
            self._positions.find, {(p.topic, p.partition): beginnings[p] for p in startable}
        )
        offsets = {}
        for partition in startable:
            stand = stands[partition.topic, partition.partition]
            if await self._is_sound(source, partition, stand, beginnings[partition]) and partition in self._assigned:
                self.stands[partition] = stand
                self.placings[partition] += 1
                offsets[partition] = stand.next_offset
        self._unplaced.difference_update(startable)
        return offsets

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._assigned.discard(partition)
            self._held.pop(partition, None)
            self._unplaced.discard(partition)
            self.stands.pop(partition, None)

    async def _without_newcomers(self, source: Source, partitions: Sequence[Partition]) -> list[Partition]:
        """Partitions added to a topic wait until the old ones have reached the ends noted now: a key that moved
        to a new partition must not overtake its past."""
        stored = await self._stored(source, sorted({p.topic for p in partitions}))
        old = {Partition(*key) for key in stored}
        newcomers = [p for p in partitions if p not in old and any(p.topic == other.topic for other in old)]
        for newcomer in newcomers:
            ends = await source.ends([p for p in old if p.topic == newcomer.topic])
            if any(stored[p.topic, p.partition] < end for p, end in ends.items()):
                log.info("partition.held", topic=newcomer.topic, partition=newcomer.partition)
                self._held[newcomer] = ends
        return [p for p in partitions if p not in self._held]

    async def _stored(self, source: Source, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """Stored positions of these topics. A topic seen for the first time gets the rows of all its partitions at
        once: what another worker takes a moment earlier does not make ours newcomers."""
        stored = await asyncio.to_thread(self._positions.stored, topics)
        unseen = set(topics) - {topic for topic, _ in stored}
        if unseen:
            every = [p for p in await source.partitions() if p.topic in unseen]
            beginnings = await source.beginnings(every)
            await asyncio.to_thread(self._positions.find, {(p.topic, p.partition): beginnings[p] for p in every})
        return stored

    async def place(self) -> None:
        """Starts what waits to be read from its stored position: partitions whose last start failed, those that
        the fence took from us while they are ours, and added ones whose elders have caught up."""
        waiting = sorted(self._unplaced & self._assigned)
        if self._held:
            waiting += await self._release_held()
        if waiting:
            await self._start(waiting)

    async def _release_held(self) -> list[Partition]:
        stored = await asyncio.to_thread(self._positions.stored, sorted({p.topic for p in self._held}))
        ready = [
            newcomer
            for newcomer, ends in self._held.items()
            if all(stored.get((p.topic, p.partition), 0) >= end for p, end in ends.items())
        ]
        for newcomer in ready:
            del self._held[newcomer]
        self._unplaced.update(ready)
        return ready

    async def _start(self, partitions: Sequence[Partition]) -> None:
        for partition, offset in (await self.assigned(self._source, partitions)).items():
            self._source.seek(partition, offset)
            self._source.resume([partition])

    async def _is_sound(self, source: Source, partition: Partition, stand: SourcePosition, beginning: int) -> bool:
        """A topic deleted and recreated can stand beyond our position: only the last record tells."""
        if stand.stopped_code:
            log.error(
                "partition.stopped",
                topic=partition.topic,
                partition=partition.partition,
                code=stand.stopped_code,
            )
            return False
        if stand.next_offset < beginning:
            await self.stop(
                partition,
                "POSITION_LOST",
                f"the log begins at {beginning}, after our position {stand.next_offset}",
            )
            return False
        if stand.last_offset < beginning:
            return True
        try:
            record = await source.read_at(partition, stand.last_offset)
        except PartitionUnreadable as unreadable:
            await self.stop(partition, unreadable.code, str(unreadable))
            return False
        if record is None:
            await self.stop(
                partition, "SOURCE_TRUNCATED", f"the record at {stand.last_offset} that we consumed is gone"
            )
            return False
        if record.timestamp != stand.last_timestamp_ms or record_hash(record) != stand.last_hash:
            await self.stop(
                partition,
                "SOURCE_RECREATED",
                f"another record stands at {stand.last_offset} that we consumed",
            )
            return False
        return True

    async def stop(self, partition: Partition, code: str, detail: str) -> None:
        """Stops a partition until an operator starts it again; reconciliation opens a finding."""
        log.error(
            "partition.stopped",
            topic=partition.topic,
            partition=partition.partition,
            code=code,
            detail=detail,
        )
        self.stands.pop(partition, None)
        if partition in self._assigned:
            self._source.pause([partition])
        await asyncio.to_thread(self._positions.stop, partition.topic, partition.partition, code, detail)

    async def drop(self, partition: Partition) -> None:
        """The fence shut us out: another worker moved this partition. Where it is assigned to us all the same (the
        other's last batch was in flight when we read the position), it is read again from where it stands."""
        log.warning("partition.dropped", topic=partition.topic, partition=partition.partition)
        self.stands.pop(partition, None)
        if partition in self._assigned:
            self._source.pause([partition])
            self._unplaced.add(partition)

    async def seek_to_stored(self) -> None:
        """Back to the stored positions: what was fetched and not posted is fetched again."""
        self._unplaced.update(self.stands)
        self.stands.clear()
        await self.place()

    def pause(self) -> None:
        self._source.pause(sorted(self.stands))

    def resume(self) -> None:
        self._source.resume(sorted(self.stands))
