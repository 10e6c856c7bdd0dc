"""The projector: follows the ledger's topic and applies it to every read model.

What has been applied is said by the projections' checkpoints alone; the place in the topic only saves time.
It may be at or before that, a message may come twice, the topic may lose its past: the store fills gaps.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from typing import Protocol, TypeVar

import psycopg
import structlog

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.threads import in_thread
from consumers.transport.ports import (
    Partition,
    PartitionUnreadable,
    PositionLost,
    Record,
    Slice,
    Source,
    TransportUnavailable,
)
from ledger_core.store.connection import PASSING
from projections.checkpoints import read_lag
from projections.day_rollups.table import roll_up
from projections.projection import Projection
from projections.registry import PROJECTIONS
from projections.runner import MAX_STEP_EVENTS, Applied, Runner
from projections.source_positions import SourcePosition, read_source_positions, stop_source_position

CONSUMER = "projector"
MAX_RECORDS = 10_000
FETCH_TIMEOUT_MS = 200
GATHER_MS = 25
"""A broker answers with a batch of its producer's, some 600 events: others that wait behind it come along, for small
batches cost the read models a quarter more an event."""
RETRY_MIN_SECONDS = 0.1
RETRY_MAX_SECONDS = 5.0
HASH_BYTES = 16
LAG_SECONDS = 5.0
ROLL_UP_SECONDS = 1.0
ROLL_UP_SHARE = 0.1
ROLL_UP_SHARE_BUSY = 0.02
"""Roll-ups save readers time and decide nothing, so they may take no more than this part of the projector's time, and
while messages wait hardly any."""
RETRIED = (TransportUnavailable, *PASSING)

LABELS = ("projector.fetched", "projector.applied")
"""Points at which a fault may strike: records fetched, rows and checkpoints committed."""

Result = TypeVar("Result")

logger = structlog.stdlib.get_logger(__name__)


class ProjectorMetrics(Protocol):
    """What the projector reports."""

    def projected(self, events: int) -> None:
        """This many events were new."""
        ...

    def projection_lag(self, projection: str, positions: int) -> None:
        """This many committed events are not in the read model yet, over all books."""
        ...

    def projector_stopped(self, partitions: int) -> None:
        """This many partitions of the topic are not read any more."""
        ...


class NoProjectorMetrics:
    """Nobody measures."""

    def projected(self, events: int) -> None: ...

    def projection_lag(self, projection: str, positions: int) -> None: ...

    def projector_stopped(self, partitions: int) -> None: ...


def nothing(label: str) -> None:
    """No fault strikes."""


class Projector:
    """One projector. `connect` opens connections as the projector's role; `run` starts its source."""

    def __init__(
        self,
        source: Source,
        connect: Callable[[], psycopg.Connection],
        projections: Sequence[Projection] = PROJECTIONS,
        *,
        topic: str = LEDGER_TOPIC,
        labels: Callable[[str], None] = nothing,
        metrics: ProjectorMetrics | None = None,
        max_records: int = MAX_RECORDS,
        max_step_events: int = MAX_STEP_EVENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._connect = connect
        self._runner = Runner(CONSUMER, projections, max_step_events=max_step_events)
        self._topic = topic
        self._labels = labels
        self._metrics = metrics or NoProjectorMetrics()
        self._max_records = max_records
        self._connection: psycopg.Connection | None = None
        self._lock = asyncio.Lock()
        self._clock = clock
        self._unreadable: dict[Partition, PartitionUnreadable] = {}
        self._to_be_told: list[PartitionUnreadable] = []
        self._report_lag_at = 0.0
        self._roll_up_at = 0.0

    # The source asks where to begin

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        """The stored place, if the record before it is still the one we read; else the beginning. A partition that
        could not be read is tried again."""
        self._go_on(partitions)
        async with self._lock:
            stored = await in_thread(self._read_positions)
        offsets = dict(await source.beginnings(partitions))
        for partition, position in stored.items():
            if partition in offsets and await _still_there(source, partition, position):
                offsets[partition] = max(offsets[partition], position.next_offset)
        return offsets

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Nothing to undo: a batch that is still being applied moves checkpoints under their locks."""

    # The loop

    async def run(self, stop: asyncio.Event) -> None:
        """Project until `stop` is set: the next batch is fetched while one is applied.

        Outages are waited out; `TopicMissing` comes out.
        """
        stopping = asyncio.create_task(stop.wait())
        work = asyncio.create_task(self._work())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            stopping.cancel()
            work.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)
            await self.close()

    async def project_once(self, *, timeout_ms: int = FETCH_TIMEOUT_MS) -> Applied | None:
        """Fetch and apply one batch; None when nothing came.

        The source must be started with this object as its assignment.
        """
        return await self._apply(await self._fetch(timeout_ms))

    async def close(self) -> None:
        """Stop the source and let go of the database, once a batch that is being applied is through."""
        await self._source.stop()
        await self._disconnect()

    async def _work(self) -> None:
        await self._patiently(lambda: self._source.start(self))
        fetching = asyncio.create_task(self._patiently(self._fetch))
        try:
            while True:
                batch = await fetching
                fetching = asyncio.create_task(self._patiently(self._fetch))
                # Not fetched again on a failure, but applied again: the position of the source has moved on.
                await self._patiently(partial(self._apply, batch))
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def _patiently(self, call: Callable[[], Awaitable[Result]]) -> Result:
        """Wait out what passes by itself: a log or a database that can't be reached now."""
        wait_seconds = RETRY_MIN_SECONDS
        while True:
            try:
                return await call()
            except RETRIED as error:
                logger.warning("projector.retry", error=type(error).__name__, wait_seconds=wait_seconds)
                if isinstance(error, PASSING):
                    await self._disconnect()  # the server behind this connection may take no more writes
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, RETRY_MAX_SECONDS)

    async def _fetch(self, timeout_ms: int = FETCH_TIMEOUT_MS) -> dict[Partition, Slice]:
        """Records until the batch is full, its time is over or the log has no more at hand."""
        batch = await self._fetch_some(self._max_records, timeout_ms)
        closes_at = self._clock() + min(GATHER_MS, timeout_ms) / 1000
        count = _records(batch)
        while batch and count < self._max_records and (wait_s := closes_at - self._clock()) > 0:
            try:
                more = await self._fetch_some(self._max_records - count, int(wait_s * 1000))
            except TransportUnavailable:
                break  # the next fetch says so, too; what has come is applied first
            if not more:
                break
            for partition, part in more.items():
                whole = batch.setdefault(partition, Slice())
                whole.records.extend(part.records)
                whole.next_offset = part.next_offset
            count += _records(more)
        self._labels("projector.fetched")
        return batch

    async def _fetch_some(self, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        while True:
            try:
                return await self._source.fetch(max_records=max_records, timeout_ms=timeout_ms)
            except PositionLost as lost:
                # The topic is shorter than our memory of it. Its beginning will do: the store fills the gap.
                logger.warning("projector.position_lost", partition=lost.partition.partition, position=lost.position)
                self._source.seek(lost.partition, lost.beginning)
                self._source.resume([lost.partition])
            except PartitionUnreadable as unreadable:
                self._stop(unreadable)

    def _stop(self, unreadable: PartitionUnreadable) -> None:
        """The others go on. What this one holds is in the store, too: once it can be read again nothing is missing."""
        at = unreadable.partition
        logger.error(
            "partition.stopped", topic=at.topic, partition=at.partition, code=unreadable.code, detail=str(unreadable)
        )
        self._unreadable[at] = unreadable
        self._to_be_told.append(unreadable)
        self._metrics.projector_stopped(len(self._unreadable))

    def _go_on(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._unreadable.pop(partition, None)
        self._to_be_told = [stop for stop in self._to_be_told if stop.partition not in partitions]
        self._metrics.projector_stopped(len(self._unreadable))

    async def _tell_stops(self) -> None:
        """For whoever asks the store how things stand; the next batch of the partition takes it back, so what was
        fetched before the stop is applied before this."""
        while self._to_be_told:
            told = self._to_be_told[0]
            async with self._lock:
                await in_thread(self._write_stop, told)
            self._to_be_told = [stop for stop in self._to_be_told if stop is not told]

    async def _apply(self, batch: Mapping[Partition, Slice]) -> Applied | None:
        await self._report_lag()
        await self._roll_up(ROLL_UP_SHARE_BUSY if batch else ROLL_UP_SHARE)
        if not batch:
            await self._tell_stops()
            return None
        async with self._lock:
            applied = await in_thread(self._apply_now, batch)
        self._labels("projector.applied")
        self._metrics.projected(applied.events)
        for stop in applied.stops:
            logger.error("projection.stopped", book_id=stop.book_id, code=stop.code, detail=stop.detail)
        if applied.foreign:
            logger.warning("projector.foreign_messages", messages=applied.foreign)
        await self._tell_stops()
        await self._source.commit({partition: part.next_offset for partition, part in batch.items()})
        return applied

    async def _report_lag(self) -> None:
        now = self._clock()
        if now < self._report_lag_at:
            return
        self._report_lag_at = now + LAG_SECONDS
        async with self._lock:
            lag = await in_thread(self._read_lag)
        for projection, positions in lag.items():
            self._metrics.projection_lag(projection, positions)

    async def _roll_up(self, share: float) -> None:
        """Roll up stretches of entries that are full, now and then: also when the topic is silent."""
        began = self._clock()
        if began < self._roll_up_at:
            return
        async with self._lock:
            more = await in_thread(self._roll_up_now)
        ended = self._clock()
        self._roll_up_at = ended + max(0.0 if more else ROLL_UP_SECONDS, (ended - began) / share)

    # In a thread, under the lock

    def _apply_now(self, batch: Mapping[Partition, Slice]) -> Applied:
        records = [record for part in batch.values() for record in part.records]
        reached = [_position(partition, part) for partition, part in batch.items()]
        return self._runner.apply(self._connected(), records, reached)

    def _read_positions(self) -> dict[Partition, SourcePosition]:
        connection = self._connected()
        with connection.transaction():
            stored = read_source_positions(connection, CONSUMER, [self._topic])
        return {Partition(*key): position for key, position in stored.items()}

    def _write_stop(self, unreadable: PartitionUnreadable) -> None:
        connection = self._connected()
        position = SourcePosition(*unreadable.partition, unreadable.position)
        with connection.transaction():
            stop_source_position(connection, CONSUMER, position, unreadable.code, str(unreadable))

    def _roll_up_now(self) -> bool:
        return roll_up(self._connected())

    def _read_lag(self) -> dict[str, int]:
        connection = self._connected()
        with connection.transaction():
            return read_lag(connection)

    def _connected(self) -> psycopg.Connection:
        """The connection; one that broke is replaced."""
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    async def _disconnect(self) -> None:
        async with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(psycopg.Error):
                    await in_thread(connection.close)


async def _still_there(source: Source, partition: Partition, position: SourcePosition) -> bool:
    """Whether the topic is the one we read: not recreated, not cut short."""
    if position.last_offset < 0:
        return False
    try:
        record = await source.read_at(partition, position.last_offset)
    except PartitionUnreadable:
        return False
    return record is not None and _hash(record) == position.last_hash


def _position(partition: Partition, part: Slice) -> SourcePosition:
    if not part.records:
        return SourcePosition(*partition, part.next_offset)
    last = part.records[-1]
    return SourcePosition(*partition, part.next_offset, last.offset, _hash(last))


def _records(batch: Mapping[Partition, Slice]) -> int:
    return sum(len(part.records) for part in batch.values())


def _hash(record: Record) -> bytes:
    return blake2b(record.value or b"", digest_size=HASH_BYTES).digest()
