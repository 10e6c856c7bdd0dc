"""Reading Kafka: a member of a group, or a reader of given partitions."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import structlog

from consumers.transport.kafka.admin import KafkaAdmin
from consumers.transport.kafka.careful import read_carefully
from consumers.transport.kafka.client import (
    ConsumerLimits,
    KafkaSecurity,
    RebalanceListener,
    close_consumer,
    native,
    new_consumer,
    settings,
)
from consumers.transport.kafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
    lost_offsets,
    translated,
)
from consumers.transport.kafka.protocols import ConsumerClient
from consumers.transport.kafka.reader import KafkaReader
from consumers.transport.ports import (
    Assignment,
    Partition,
    PartitionUnreadable,
    PositionLost,
    Record,
    Slice,
    TopicMissing,
    TransportUnavailable,
)

log = structlog.get_logger()

NO_PARTITION = 2**31 - 1
"""No topic has so many: a fetch of it waits and keeps the membership, and reads nothing."""

# How long a fetch may overrun its time while a rebalance is under way.
REBALANCE_GRACE_S = 0.2


class KafkaSource:
    """A `Source` over Kafka.

    With `group_id` the brokers share the partitions between the live members; with `partitions`, or with
    neither, it reads those given, or all, by itself. `stall_timeout_ms` of fetching without a record while
    there is lag makes a new consumer: a library that has lost its way does not say so.
    With `fetch_min_bytes` of 1 a steady trickle costs a request for every few records, broker and client a third
    more of their processors' time; a record waits `fetch_max_wait_ms` at most for others to come with it.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Sequence[str],
        group_id: str | None = None,
        *,
        client_id: str = "ledger-source",
        partitions: Sequence[Partition] | None = None,
        security: KafkaSecurity | None = None,
        max_partition_fetch_bytes: int = 1024 * 1024,
        fetch_max_bytes: int = 16 * 1024 * 1024,
        fetch_min_bytes: int = 64 * 1024,
        fetch_max_wait_ms: int = 50,
        session_timeout_ms: int = 10_000,
        heartbeat_interval_ms: int = 3_000,
        max_poll_interval_ms: int = 300_000,
        metadata_max_age_ms: int = 60_000,
        request_timeout_ms: int = 15_000,
        start_timeout_ms: int = 30_000,
        stall_timeout_ms: int = 30_000,
    ) -> None:
        security = security or KafkaSecurity()
        self._topics = tuple(topics)
        self._group_id = group_id
        self._static = partitions
        self._settings = settings(bootstrap, client_id, security, request_timeout_ms)
        self._limits = ConsumerLimits(
            max_partition_fetch_bytes=max_partition_fetch_bytes,
            fetch_max_bytes=fetch_max_bytes,
            fetch_min_bytes=fetch_min_bytes,
            fetch_max_wait_ms=fetch_max_wait_ms,
            session_timeout_ms=session_timeout_ms,
            heartbeat_interval_ms=heartbeat_interval_ms,
            max_poll_interval_ms=max_poll_interval_ms,
            metadata_max_age_ms=metadata_max_age_ms,
        )
        self._admin = KafkaAdmin(bootstrap, client_id=client_id, security=security)
        self._reader = KafkaReader(self._settings, self._limits)
        self._request_timeout_s = request_timeout_ms / 1000
        self._start_timeout_s = start_timeout_ms / 1000
        self._stall_timeout_s = stall_timeout_ms / 1000
        self._assignment: Assignment | None = None
        self._consumer: ConsumerClient | None = None
        self._joined = asyncio.Event()
        self._held: set[Partition] = set()
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._empty_s = 0.0
        self._broken = False
        self._failure: Exception | None = None

    # Life

    async def start(self, assignment: Assignment) -> None:
        self._assignment = assignment
        await self._connect(assignment)

    async def stop(self) -> None:
        self._assignment = None
        await self._disconnect()
        await self._reader.stop()

    async def _connect(self, assignment: Assignment) -> None:
        self._joined.clear()
        self._broken, self._empty_s, self._failure = False, 0.0, None
        consumer = self._consumer = new_consumer(
            self._settings, None if self._static is not None else self._group_id, self._limits
        )
        try:
            with translated("joining"):
                async with asyncio.timeout(self._start_timeout_s):
                    await consumer.start()
                    await self._require_topics(consumer)
                    if self._group_id is None or self._static is not None:
                        everything = await self.partitions() if self._static is None else self._static
                        consumer.assign([native(partition) for partition in everything])
                        await self._assigned(consumer, assignment, everything)
                    else:
                        self._subscribe(consumer, assignment)
                        await self._joined.wait()
            self._raise_failure()
        except BaseException:
            await self._disconnect()
            raise

    def _subscribe(self, consumer: ConsumerClient, assignment: Assignment) -> None:
        async def assigned(partitions: list[Partition]) -> None:
            if consumer is self._consumer:
                try:
                    await self._assigned(consumer, assignment, partitions)
                except Exception as failure:  # noqa: BLE001 - the library would swallow it; fetch raises it
                    self._failure = failure
                self._joined.set()

        async def revoked(partitions: list[Partition]) -> None:
            if consumer is self._consumer:
                try:
                    await self._revoked(assignment, partitions)
                except Exception as failure:  # noqa: BLE001 - as above
                    self._failure = failure

        consumer.subscribe(self._topics, listener=RebalanceListener(assigned, revoked))

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        self._broken = True
        self._held.clear()
        self._positions.clear()
        if consumer is not None:
            await close_consumer(consumer)

    async def _reconnect(self) -> ConsumerClient:
        assignment = self._assignment
        if assignment is None:
            raise TransportUnavailable("the source is not started")
        held = sorted(self._held)
        await self._disconnect()
        if held:
            await assignment.revoked(held)
        await self._connect(assignment)
        if self._consumer is None:
            raise TransportUnavailable("the source was stopped")
        return self._consumer

    async def _require_topics(self, consumer: ConsumerClient) -> None:
        known = await consumer.topics()
        for topic in self._topics:
            if topic not in known:
                raise TopicMissing(topic)

    # Assignment

    async def _assigned(
        self, consumer: ConsumerClient, assignment: Assignment, partitions: Sequence[Partition]
    ) -> None:
        # Nothing is fetched before the consumer has said from where; the offset 0 keeps the library from
        # asking for the group's committed one.
        for partition in partitions:
            consumer.seek(native(partition), 0)
            consumer.pause(native(partition))
        self._held = set(partitions)
        self._positions.clear()
        self._paused.clear()
        if not partitions:
            return
        offsets = await assignment.assigned(self, partitions)
        for partition, offset in offsets.items():
            if partition in self._held:
                consumer.seek(native(partition), offset)
                consumer.resume(native(partition))
                self._positions[partition] = offset

    async def _revoked(self, assignment: Assignment, partitions: Sequence[Partition]) -> None:
        self._held.difference_update(partitions)
        for partition in partitions:
            self._positions.pop(partition, None)
        if partitions:
            await assignment.revoked(partitions)

    # Reading

    async def fetch(self, *, max_records: int, timeout_ms: int) -> dict[Partition, Slice]:
        consumer = await self._reconnect() if self._broken or self._consumer is None else self._consumer
        self._raise_failure()
        began = asyncio.get_running_loop().time()
        ready = [native(partition) for partition in self._positions if partition not in self._paused]
        # Asked for no partition, the library hands out those of all, paused ones too, and moves over them.
        asked = ready or [native(Partition(self._topics[0], NO_PARTITION))]
        try:
            async with asyncio.timeout(timeout_ms / 1000 + REBALANCE_GRACE_S):
                fetched = await consumer.getmany(*asked, timeout_ms=timeout_ms, max_records=max_records)
        except TimeoutError:
            fetched = {}
        except OffsetOutOfRangeError as error:
            raise await self._lost(lost_offsets(error)) from error
        except NoOffsetForPartitionError:
            fetched = {}  # of a partition that was assigned a moment ago; its offset is known by now
        except (UnsupportedCodecError, CorruptRecordException):
            return await self._fetch_carefully(consumer, ready, max_records)
        except (ConsumerStoppedError, KafkaError) as error:
            self._broken = True
            raise TransportUnavailable(f"Kafka failed while fetching: {error}") from error
        except Exception:  # noqa: BLE001 - of bytes it can't decode, as a header's name not in UTF-8; never says where
            return await self._fetch_carefully(consumer, ready, max_records)
        slices = await self._slices(consumer, ready, fetched)
        if slices or not ready:
            self._empty_s = 0.0
        else:
            self._empty_s += asyncio.get_running_loop().time() - began
            if self._empty_s > self._stall_timeout_s:
                await self._examine_stall()
        return slices

    async def _slices(
        self,
        consumer: ConsumerClient,
        ready: Sequence[Partition],
        fetched: Mapping[Partition, list[Record]],
    ) -> dict[Partition, Slice]:
        """The records of partitions that are still ours, with the positions that the library has moved to."""
        slices: dict[Partition, Slice] = {}
        for partition in ready:
            before = self._positions.get(partition)
            if before is None:
                continue
            try:
                position = await consumer.position(partition)
            except IllegalStateError:
                continue  # revoked at this moment
            if position != before:
                self._positions[partition] = position
                slices[Partition(*partition)] = Slice(fetched.get(partition, []), position)
        return slices

    async def _fetch_carefully(
        self, consumer: ConsumerClient, ready: Sequence[Partition], max_records: int
    ) -> dict[Partition, Slice]:
        """What the library could not hand out, read by requests of our own; it goes on behind that."""
        befores = {partition: self._positions[partition] for partition in ready if partition in self._positions}
        for partition, before in befores.items():
            with suppress(IllegalStateError):  # revoked at this moment
                consumer.seek(partition, before)  # it has moved over what it read of the others, too
        found = await self._read_carefully(consumer, befores, max(1, max_records // max(1, len(befores))))
        slices: dict[Partition, Slice] = {}
        for partition, part in found.items():
            if part.next_offset == befores[partition] or self._positions.get(partition) != befores[partition]:
                continue
            with suppress(IllegalStateError):
                consumer.seek(partition, part.next_offset)
                self._positions[partition] = part.next_offset
                slices[Partition(*partition)] = part
        return slices

    async def _read_carefully(
        self, consumer: ConsumerClient, positions: Mapping[Partition, int], max_records: int
    ) -> dict[Partition, Slice]:
        max_bytes = self._limits.max_partition_fetch_bytes
        try:
            with translated("reading carefully"):
                async with asyncio.timeout(self._request_timeout_s):
                    return {
                        partition: await read_carefully(
                            consumer, partition, offset, max_records=max_records, max_bytes=max_bytes
                        )
                        for partition, offset in positions.items()
                    }
        except PartitionUnreadable as unreadable:
            self.pause([unreadable.partition])
            raise

    def seek(self, partition: Partition, offset: int) -> None:
        if partition in self._held and self._consumer is not None:
            self._consumer.seek(native(partition), offset)
            self._positions[partition] = offset
            if partition not in self._paused:
                self._consumer.resume(native(partition))

    def pause(self, partitions: Sequence[Partition]) -> None:
        self._paused.update(partitions)
        for partition in self._held.intersection(partitions):
            if self._consumer is not None:
                self._consumer.pause(native(partition))

    def resume(self, partitions: Sequence[Partition]) -> None:
        self._paused.difference_update(partitions)
        for partition in self._held.intersection(partitions):
            # One without a position waits for a seek.
            if self._consumer is not None and partition in self._positions:
                self._consumer.resume(native(partition))

    async def read_at(self, partition: Partition, offset: int) -> Record | None:
        return await self._reader.read_at(partition, offset)

    async def beginnings(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return await self._reader.beginnings(partitions)

    async def ends(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        return await self._reader.ends(partitions)

    async def partitions(self) -> list[Partition]:
        counts = await self._admin.list_topics()
        for topic in self._topics:
            if topic not in counts:
                raise TopicMissing(topic)
        return [Partition(topic, number) for topic in sorted(self._topics) for number in range(counts[topic])]

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        held = {native(partition): offset for partition, offset in offsets.items() if partition in self._held}
        if self._group_id is None or not held or self._consumer is None:
            return
        with suppress(KafkaError, IllegalStateError, TimeoutError):
            async with asyncio.timeout(self._request_timeout_s):
                await self._consumer.commit(held)

    # What goes wrong

    async def _lost(self, offsets: Mapping[Partition, int]) -> PositionLost:
        """Pauses the partition whose position the log does not hold, and says what it does hold."""
        partition, position = next(iter(offsets.items()))
        self.pause([partition])
        beginning = (await self.beginnings([partition]))[partition]
        end = (await self.ends([partition]))[partition]
        return PositionLost(partition, position, beginning, end)

    async def _examine_stall(self) -> None:
        """Nothing came for long: fine when we are at the end; else the consumer is made anew."""
        self._empty_s = 0.0
        positions = {p: offset for p, offset in self._positions.items() if p not in self._paused}
        ends = await self.ends(list(positions))
        lag = sum(max(0, ends[partition] - position) for partition, position in positions.items())
        if lag > 0:
            log.warning("transport.stalled", topics=self._topics, lag=lag)
            self._broken = True

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            self._broken = True
            raise failure
