"""Reading the embedded log: a member of a group, or a reader of given partitions."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from consumers.transport.ports import (
    Assignment,
    Partition,
    PositionLost,
    Record,
    Slice,
    TopicMissing,
    TransportError,
)
from consumers.transport.postgres_log import reader
from consumers.transport.postgres_log.connection import Connection, LogConnection
from consumers.transport.postgres_log.group import Membership, Plan
from consumers.transport.postgres_log.topics import Topic, load_topics, partitions_of, require

POLL_FIRST_S = 0.001
POLL_LAST_S = 0.05
PREFETCH_BYTES = 4 * 1024 * 1024


class PostgresLogSource:
    """A `Source` over the embedded log.

    With `group_id` the partitions are shared between the live members; with `partitions`, or with neither, it
    reads those given, or all, by itself.
    """

    def __init__(
        self,
        conninfo: str,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        client_id: str = "ledger-source",
        partitions: Sequence[Partition] | None = None,
        heartbeat_interval_ms: int = 1_000,
        session_timeout_ms: int = 10_000,
    ) -> None:
        self._names = tuple(topics)
        self._log = LogConnection(conninfo, client_id=client_id)
        self._group_id = group_id
        self._static = partitions
        self._membership: Membership | None = None
        if group_id is not None and partitions is None:
            self._membership = Membership(group_id, client_id, self._names, session_timeout_ms / 1000)
        self._heartbeat_s = heartbeat_interval_ms / 1000
        self._session_s = session_timeout_ms / 1000
        self._heart: asyncio.Task[None] | None = None
        self._assignment: Assignment | None = None
        self._topics: dict[str, Topic] = {}
        self._held: set[Partition] = set()
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._read_ahead: dict[Partition, list[Record]] = {}
        self._turn = 0
        self._failure: Exception | None = None

    # Life

    async def start(self, assignment: Assignment) -> None:
        self._topics = await self._log.run(lambda connection: load_topics(connection, self._names))
        require(self._topics, self._names)
        self._assignment = assignment
        if self._membership is None:
            await self._take(partitions_of(self._topics) if self._static is None else self._static)
        else:
            await self._beat(self._membership)
            self._heart = asyncio.create_task(self._keep_beating(self._membership))

    async def stop(self) -> None:
        heart, self._heart = self._heart, None
        if heart is not None:
            heart.cancel()
            with suppress(asyncio.CancelledError):
                await heart
        if self._membership is not None and self._membership.member_no is not None:
            with suppress(TransportError):
                await self._log.run(self._membership.leave)
        self._assignment = None
        self._forget(list(self._held))
        await self._log.close()

    # Reading

    async def fetch(self, *, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_ms / 1000
        pause_s = POLL_FIRST_S
        while True:
            self._raise_failure()
            ready = [partition for partition in self._positions if partition not in self._paused]
            if not any(self._read_ahead.get(partition) for partition in ready):
                await self._fill(ready, max_records)
            slices = self._take_records(max_records)
            remaining = deadline - loop.time()
            if slices or remaining <= 0:
                return slices
            await asyncio.sleep(min(pause_s, remaining))
            pause_s = min(2 * pause_s, POLL_LAST_S)

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self._held:
            self._positions[partition] = offset
            self._read_ahead.pop(partition, None)

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._paused.update(partitions)

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._paused.difference_update(partitions)

    async def read_at(self, partition: Partition, offset: int) -> Record | None:
        topics = await self._current_topics([partition])
        found = await self._log.run(
            lambda connection: reader.read(connection, topics, {partition: offset}, max_records=1, max_bytes=1)
        )
        if partition not in found:
            raise TopicMissing(partition.topic)
        records = found[partition].records
        return records[0] if records and records[0].offset == offset else None

    async def beginnings(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {partition: found.beginning for partition, found in (await self._bounds(partitions)).items()}

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return {partition: found.end for partition, found in (await self._bounds(partitions)).items()}

    async def partitions(self) -> list[Partition]:
        topics = await self._log.run(lambda connection: load_topics(connection, self._names))
        require(topics, self._names)
        return partitions_of(topics)

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        group_id = self._group_id
        if group_id is not None and offsets:
            with suppress(TransportError):
                await self._log.run(lambda connection: reader.commit(connection, self._topics, group_id, offsets))

    # Assignment

    async def _keep_beating(self, membership: Membership) -> None:
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while True:
            await asyncio.sleep(self._heartbeat_s)
            try:
                await self._beat(membership)
                seen = loop.time()
            except TransportError:
                # The next fetch says it too. After a session's length others may hold our partitions.
                if loop.time() - seen > self._session_s:
                    await self._give_up(sorted(self._held))
            except Exception as failure:  # noqa: BLE001 - the consumer's callback failed: fetch raises it
                self._failure = failure

    async def _beat(self, membership: Membership) -> None:
        held = frozenset(self._held)

        def work(connection: Connection) -> tuple[Plan, dict[str, Topic]]:
            return membership.beat(connection, held), load_topics(connection, self._names)

        plan, topics = await self._log.run(work)
        if plan.lost:
            await self._give_up(plan.lost)
        if plan.released:
            await self._log.run(lambda connection: membership.release(connection, plan.released))
        # A topic created anew keeps its old id for the partitions we hold, so that reading them fails.
        held_topics = {partition.topic for partition in self._held}
        self._topics |= {name: topic for name, topic in topics.items() if name not in held_topics}
        if plan.gained:
            await self._take(plan.gained)

    async def _give_up(self, partitions: Sequence[Partition]) -> None:
        held = [partition for partition in partitions if partition in self._held]
        self._forget(held)
        if held and self._assignment is not None:
            await self._assignment.revoked(held)

    async def _take(self, partitions: Sequence[Partition]) -> None:
        self._held.update(partitions)
        self._paused.difference_update(partitions)
        if partitions and self._assignment is not None:
            try:
                offsets = await self._assignment.assigned(self, partitions)
            except BaseException:
                # Not ours until the consumer knows where to start: the next beat offers them again.
                self._forget(partitions)
                raise
            for partition, offset in offsets.items():
                self.seek(partition, offset)

    def _forget(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._held.discard(partition)
            self._positions.pop(partition, None)
            self._read_ahead.pop(partition, None)

    # Records

    async def _fill(self, ready: Sequence[Partition], max_records: int) -> None:
        positions = {partition: self._positions[partition] for partition in ready}
        if not positions:
            return
        found = await self._log.run(
            lambda connection: reader.read(
                connection, self._topics, positions, max_records=max_records, max_bytes=PREFETCH_BYTES
            )
        )
        for partition, position in positions.items():
            if self._positions.get(partition) != position:
                continue  # sought elsewhere or lost meanwhile
            of_partition = found.get(partition)
            if of_partition is None or not of_partition.beginning <= position <= of_partition.end:
                self._paused.add(partition)
                raise await self._lost(partition, position, of_partition)
            self._read_ahead[partition] = of_partition.records

    def _take_records(self, max_records: int) -> dict[Partition, Slice]:
        ready = [
            partition for partition, records in self._read_ahead.items() if records and partition not in self._paused
        ]
        self._turn += 1
        slices: dict[Partition, Slice] = {}
        for at in range(len(ready)):
            partition = ready[(self._turn + at) % len(ready)]
            records = self._read_ahead[partition]
            taken, self._read_ahead[partition] = records[:max_records], records[max_records:]
            self._positions[partition] = taken[-1].offset + 1
            slices[partition] = Slice(taken, taken[-1].offset + 1)
            max_records -= len(taken)
            if max_records <= 0:
                break
        return slices

    async def _lost(
        self, partition: Partition, position: int, found: reader.Found | None
    ) -> PositionLost | TopicMissing:
        """What to say of a partition that is gone, created anew, or that does not hold our position."""
        if found is None:
            try:
                found = (await self._bounds([partition]))[partition]
            except TopicMissing as missing:
                return missing
        return PositionLost(partition, position, found.beginning, found.end)

    async def _bounds(self, partitions: Sequence[Partition]) -> dict[Partition, reader.Found]:
        topics = await self._current_topics(partitions)
        found = await self._log.run(lambda connection: reader.bounds(connection, topics, partitions))
        for partition in partitions:
            if partition not in found:
                raise TopicMissing(partition.topic)
        return found

    async def _current_topics(self, partitions: Sequence[Partition]) -> dict[str, Topic]:
        names = sorted({partition.topic for partition in partitions})
        topics = await self._log.run(lambda connection: load_topics(connection, names))
        require(topics, names)
        return topics

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
