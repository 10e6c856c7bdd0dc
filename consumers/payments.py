"""The payments consumer: records in, batches posted, positions kept by the store.

While one batch is being posted in a thread, the next is fetched, decoded and prepared in another. The stored
source row says where a partition stands; what is committed to Kafka feeds lag dashboards only.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg
import structlog

from consumers.assignment import PartitionKeeper
from consumers.halted_books import Decodes, HaltedBooks
from consumers.skipped import tell_skipped
from consumers.transport.ports import (
    Partition,
    PartitionUnreadable,
    PositionLost,
    Slice,
    Source,
    TransportError,
    TransportUnavailable,
)
from ledger_core.domain.incoming import Incoming
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.batch import BatchResult, Decided, SourceAdvance, Vouchers
from ledger_core.store.connection import PASSING
from ledger_core.store.errors import BatchTooLargeError, PostingHaltedError, QueueFullError
from ledger_core.store.items import Prepared
from ledger_core.store.positions import record_hash
from ledger_core.store.poster import Label, Poster, no_label

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsSettings:
    """How batches are bounded and when a partition stops.

    A batch closes at `batch_max_events` or `batch_max_ms` after its first record. `reject_flood` rejected
    records of one partition in a row stop it with an alert, instead of emptying the topic into dead letters. Every
    `heal_overdue_ms`, and at the start, what was parked for something that is there by now is decided; None is never.
    """

    batch_max_events: int = 8_000
    batch_max_ms: int = 50
    idle_wait_ms: int = 200
    maintenance_check_ms: int = 1_000
    retry_wait_ms: int = 250
    heal_overdue_ms: int | None = 30_000
    reject_flood: int = 5_000


class Observes(Protocol):
    """What metrics want to know of the consumer."""

    def batch_posted(self, decided: Sequence[Decided], vouchers: Vouchers, seconds: float | None) -> None: ...

    def events_skipped(self, reasons: Mapping[str, int]) -> None: ...

    def limits_crossed(self, told: Sequence[str]) -> None: ...

    def lag(self, partition: Partition, messages: int) -> None: ...

    def maintenance(self, active: bool) -> None: ...

    def halted_books(self, books: int) -> None: ...


class PaymentsConsumer:
    """One worker. `counts` are outcomes of consumed records since the start; `healed` counts drained ones."""

    def __init__(
        self,
        source: Source,
        poster: Poster,
        decoder: Decodes,
        settings: PaymentsSettings,
        metrics: Observes | None = None,
        label: Label = no_label,
    ) -> None:
        self._source = source
        self._poster = poster
        self._settings = settings
        self._metrics = metrics
        self._label = label
        self._keeper = PartitionKeeper(source, poster.positions)
        self._halted_books = HaltedBooks(source, self._keeper, poster.positions, decoder)
        self._rejected_in_a_row: Counter[Partition] = Counter()
        self._maintenance_checked = float("-inf")
        self._overdue_healed = float("-inf")
        self._halted = False
        self._unsettled = False
        self.counts: Counter[Outcome] = Counter()
        self.healed = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop` is set; then posts what it has in hand and leaves the group."""
        await self._start(stop)
        posting: asyncio.Task[BatchResult] | None = None
        try:
            while not stop.is_set():
                posting = await self._turn(posting)
            if posting is not None:
                await posting
        except (
            PostingHaltedError,
            QueueFullError,
            BatchTooLargeError,
            *PASSING,
        ) as error:  # rolled back, or the reply lost: the row knows
            log.warning("consumer.stops_unsure", error=type(error).__name__)
        finally:
            await self._source.stop()

    async def _start(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._source.start(self._keeper)
                return
            except TransportUnavailable as unavailable:
                log.warning("transport.unavailable", detail=str(unavailable))
                await self._wait()

    async def _turn(self, posting: asyncio.Task[BatchResult] | None) -> asyncio.Task[BatchResult] | None:
        """One batch further: fetch and prepare while the batch before is being posted."""
        try:
            if self._unsettled:
                await self._settle()
            await self._check_maintenance()
            posting = await self._heal_overdue(posting)
            await self._keeper.place()
            slices = await self._fetch() if not self._halted else await self._stand_still()
            if not slices:
                if posting is not None:
                    await posting
                return None
            advances = [self._advance(partition, part) for partition, part in slices.items()]
            prepared = await asyncio.to_thread(self._prepare, slices, advances)
            if posting is not None:
                await posting
            posting = asyncio.create_task(self._post(prepared))
            # It begins now: a fetch that finds its records at hand does not let go of the loop.
            await asyncio.sleep(0)
            return posting
        except PositionLost as lost:
            await self._keeper.stop(lost.partition, "POSITION_LOST", str(lost))
            await self._recover(posting)
        except PartitionUnreadable as unreadable:
            await self._keeper.stop(unreadable.partition, unreadable.code, str(unreadable))
            await self._recover(posting)
        except (QueueFullError, BatchTooLargeError) as full:
            for topic, number in full.partitions:
                await self._keeper.stop(Partition(topic, number), full.code, str(full))
            await self._recover(posting)
        except (
            PostingHaltedError,
            TransportError,
            *PASSING,
            psycopg.InterfaceError,
        ) as error:
            log.warning(
                "consumer.retries",
                error=type(error).__name__,
                detail=str(error).splitlines()[0] if str(error) else "",
            )
            if isinstance(error, PostingHaltedError):  # the others go on, once these are left out
                self._halted_books.refuse(error.books)
            await self._recover(posting)
        return None

    async def _fetch(self) -> dict[Partition, Slice]:
        """Records until the batch is full, its time is over or the log has no more at hand."""
        slices: dict[Partition, Slice] = {}
        placings: dict[Partition, int] = {}
        count = 0
        closes_at = 0.0
        while True:
            now = time.monotonic()
            wait_ms = self._settings.idle_wait_ms if not count else max(0, int((closes_at - now) * 1000))
            before = self._keeper.placings.copy()
            try:
                fetched = await self._source.fetch(
                    max_records=self._settings.batch_max_events - count, timeout_ms=wait_ms
                )
            except (PositionLost, PartitionUnreadable) as stop:
                if not count:
                    raise
                # What was read before it is posted first; then it is met again, alone.
                self._source.seek(stop.partition, stop.position)
                self._source.resume([stop.partition])
                fetched = {}
            if not count:
                closes_at = time.monotonic() + self._settings.batch_max_ms / 1000
            for partition, part in fetched.items():
                placings.setdefault(partition, before[partition])
                whole = slices.setdefault(partition, Slice())
                whole.records.extend(part.records)
                whole.next_offset = part.next_offset
                count += len(part.records)
            if not fetched or count >= self._settings.batch_max_events or time.monotonic() >= closes_at:
                if self._halted_books.books:
                    slices = await self._halted_books.before(slices)
                return await self._of_one_placing(slices, placings)

    async def _of_one_placing(
        self, slices: Mapping[Partition, Slice], placings: Mapping[Partition, int]
    ) -> dict[Partition, Slice]:
        """Slices of partitions that are ours and were not placed anew since their fetch began: such a slice does
        not follow the position that is stored, and what is missing between would count as a gap of the log."""
        kept = {}
        for partition, part in slices.items():
            if not self._keeper.holds(partition):
                continue
            if self._keeper.placings[partition] == placings[partition]:
                kept[partition] = part
            else:
                await self._keeper.drop(partition)
        return kept

    async def _stand_still(self) -> dict[Partition, Slice]:
        """Nothing, while maintenance lasts: what was assigned meanwhile is paused too, membership goes on."""
        self._keeper.pause()
        if await self._source.fetch(max_records=1, timeout_ms=self._settings.idle_wait_ms):
            await self._keeper.seek_to_stored()  # assigned since: it is read again afterwards
        self._keeper.pause()
        return {}

    def _prepare(self, slices: Mapping[Partition, Slice], advances: Sequence[SourceAdvance]) -> Prepared:
        records = [record for part in slices.values() for record in part.records]
        return self._poster.prepare(self._halted_books.decode_many(records), advances)

    def _advance(self, partition: Partition, part: Slice) -> SourceAdvance:
        """From where the batch before ends. A fetch that failed half way is followed by `_recover`, which seeks:
        so an offset without a record is a gap of the log, never one of ours."""
        stand = self._keeper.stands[partition]
        last = part.records[-1] if part.records else None
        return SourceAdvance(
            topic=partition.topic,
            partition=partition.partition,
            incarnation=stand.incarnation,
            from_offset=self._keeper.take(partition, part.next_offset),
            next_offset=part.next_offset,
            last_offset=last.offset if last else -1,
            last_timestamp_ms=last.timestamp if last else -1,
            last_hash=record_hash(last) if last else b"",
            gaps=part.next_offset - stand.next_offset - len(part.records),
        )

    async def _post(self, prepared: Prepared) -> BatchResult:
        began = time.monotonic()
        result = await asyncio.to_thread(self._poster.post, prepared)
        self._label("before_kafka_commit")
        dropped = {Partition(*partition) for partition in result.dropped}
        for partition in dropped:
            await self._keeper.drop(partition)
        moved = {Partition(a.topic, a.partition): a.next_offset for a in prepared.advances}
        await self._source.commit({p: offset for p, offset in moved.items() if p not in dropped})
        self._count(prepared.incoming, result, time.monotonic() - began)
        await self._stop_floods(prepared.incoming, result)
        return result

    async def _heal_overdue(self, posting: asyncio.Task[BatchResult] | None) -> asyncio.Task[BatchResult] | None:
        """Now and then, between two batches. What it cannot do now it can do the next time: consuming goes on."""
        every_ms, now = self._settings.heal_overdue_ms, time.monotonic()
        if every_ms is None or self._halted or now - self._overdue_healed < every_ms / 1000:
            return posting
        self._overdue_healed = now
        if posting is not None:
            await posting
        result = await asyncio.to_thread(self._poster.heal_overdue, self._halted_books.books)
        if result.healed:
            log.info("parked.healed_overdue", events=len(result.healed))
        self._count((), result, time.monotonic() - now)
        return None

    def _count(self, events: Sequence[Incoming], result: BatchResult, seconds: float | None) -> None:
        decided = [outcome for outcome in result.decided if outcome is not None]
        self.counts.update(outcome.outcome for outcome in decided)
        self.healed += len(result.healed)
        skipped = tell_skipped(events, result)
        if self._metrics is not None:
            self._metrics.batch_posted(decided, result.vouchers, seconds)
            self._metrics.events_skipped(skipped)
            self._metrics.limits_crossed(result.crossed)

    async def _stop_floods(self, events: Sequence[Incoming], result: BatchResult) -> None:
        if not self._rejected_in_a_row and not any(_is_rejected(decided) for decided in result.decided):
            return
        for incoming, decided in zip(events, result.decided, strict=True):
            partition = Partition(incoming.record.topic, incoming.record.partition)
            if _is_rejected(decided):
                self._rejected_in_a_row[partition] += 1
            else:
                self._rejected_in_a_row.pop(partition, None)
        for partition, count in list(self._rejected_in_a_row.items()):
            if count >= self._settings.reject_flood:
                del self._rejected_in_a_row[partition]
                await self._keeper.stop(partition, "REJECT_FLOOD", f"{count} records in a row were rejected")

    async def _check_maintenance(self) -> None:
        """Pauses every partition while a maintenance row of all books says so; membership and heartbeats go on. A row
        of one book, or a book that is halted, pauses partitions where they come to an event of that book."""
        now = time.monotonic()
        if now - self._maintenance_checked < self._settings.maintenance_check_ms / 1000:
            return
        self._maintenance_checked = now
        found = await asyncio.to_thread(self._poster.positions.maintenance)
        await self._halted_books.look({row.book for row in found if row.book_id})
        if self._metrics is not None:
            self._metrics.halted_books(len(self._halted_books.books))
        rows = [row for row in found if not row.book_id]
        if bool(rows) == self._halted:
            return
        self._halted = bool(rows)
        if self._metrics is not None:
            self._metrics.maintenance(self._halted)
        if self._halted:
            log.warning("maintenance.pauses", scope=rows[0].scope, mode=rows[0].mode, reason=rows[0].reason)
            self._keeper.pause()
        else:
            log.info("maintenance.resumes")
            self._keeper.resume()

    async def _recover(self, posting: asyncio.Task[BatchResult] | None) -> None:
        """After an unknown outcome: new connections, and every partition from where its source row stands. What was
        committed all the same is counted."""
        if posting is not None and not posting.done():
            await asyncio.gather(posting, return_exceptions=True)
        self._unsettled = True
        await self._wait()
        try:
            await asyncio.to_thread(self._poster.reopen)
            await self._settle()
            await self._keeper.seek_to_stored()
        except (TransportError, *PASSING, psycopg.InterfaceError) as error:
            log.warning("consumer.waits", error=type(error).__name__)

    async def _settle(self) -> None:
        """Counts what was committed though its reply never came: the counters are the store's."""
        for events, result in await asyncio.to_thread(self._poster.settle):
            self._count(events, result, None)
            await self._stop_floods(events, result)
        self._unsettled = False

    async def _wait(self) -> None:
        await asyncio.sleep(self._settings.retry_wait_ms / 1000)


def _is_rejected(decided: Decided | None) -> bool:
    return decided is not None and decided.outcome is Outcome.REJECTED
