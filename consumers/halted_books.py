"""Books that take no postings for now: what comes for them waits in its partition, and everything else goes on."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import structlog

from consumers.assignment import PartitionKeeper
from consumers.transport.ports import Partition, Record, Slice, Source
from ledger_core.domain.incoming import SYSTEM_BOOK, Incoming
from ledger_core.store.positions import SourcePositions

log = structlog.get_logger(__name__)


class Decodes(Protocol):
    """What turns records into incoming events; pure."""

    def decode_many(self, records: Sequence[Record]) -> Sequence[Incoming]: ...


class HaltedBooks:
    """Which books these are, and which partitions wait for one of them.

    A book is halted itself, which the store says when it takes a batch back for it, or paused by a maintenance row of
    its own. A partition is paused at the first event of such a book, so that its order holds; what stands before it
    is posted. Of the system book it is every event: whatever belongs to no book is written there.
    """

    def __init__(self, source: Source, keeper: PartitionKeeper, positions: SourcePositions, decoder: Decodes) -> None:
        self._source = source
        self._keeper = keeper
        self._positions = positions
        self._decoder = decoder
        self._refused: frozenset[str] = frozenset()
        self._waiting: dict[Partition, str] = {}
        self._decoded: dict[int, tuple[Record, Incoming]] = {}
        """What `before` looked at last, by the identity of its record, which is kept as long."""
        self.books: frozenset[str] = frozenset()

    def refuse(self, books: Collection[str]) -> None:
        """The store took a batch back for these."""
        self._refused = self._refused.union(books)
        self._now(self.books.union(books))

    async def look(self, paused: Collection[str]) -> None:
        """Which they are by now, besides these that maintenance pauses; what waited for another goes on."""
        if self._refused:
            self._refused = frozenset(await asyncio.to_thread(self._positions.halted, sorted(self._refused)))
        self._now(self._refused.union(paused))

    def _now(self, books: frozenset[str]) -> None:
        if books == self.books:
            return
        for book in sorted(books - self.books):
            log.warning("book.halted", book=book)
        for book in sorted(self.books - books):
            log.info("book.goes_on", book=book)
        self.books = books
        ready = [partition for partition, book in self._waiting.items() if book not in books]
        for partition in ready:
            del self._waiting[partition]
        self._source.resume([partition for partition in ready if self._keeper.holds(partition)])

    async def before(self, slices: Mapping[Partition, Slice]) -> dict[Partition, Slice]:
        """Of each partition what stands before the first event of these books, which is fetched again later."""
        firsts = await asyncio.to_thread(self._firsts, slices)
        kept = dict(slices)
        for partition, (place, book) in firsts.items():
            records = slices[partition].records
            offset = records[place].offset
            self._wait(partition, offset, book)
            kept[partition] = Slice(records[:place], offset)
            stand = self._keeper.stands.get(partition)
            if stand is None or stand.next_offset == offset:
                del kept[partition]
        return kept

    def decode_many(self, records: Sequence[Record]) -> Sequence[Incoming]:
        """Decodes what `before` has not decoded already."""
        if not self._decoded:
            return self._decoder.decode_many(records)
        found, self._decoded = self._decoded, {}
        others = iter(self._decoder.decode_many([record for record in records if id(record) not in found]))
        return [found[id(record)][1] if id(record) in found else next(others) for record in records]

    def _firsts(self, slices: Mapping[Partition, Slice]) -> dict[Partition, tuple[int, str]]:
        """Its place among the records, and the book."""
        found: dict[Partition, tuple[int, str]] = {}
        self._decoded.clear()
        for partition, part in slices.items():
            decoded = self._decoder.decode_many(part.records)
            self._decoded.update(
                (id(record), (record, incoming)) for record, incoming in zip(part.records, decoded, strict=True)
            )
            for place, incoming in enumerate(decoded):
                book = SYSTEM_BOOK if SYSTEM_BOOK in self.books else incoming.book
                if book in self.books:
                    found[partition] = place, book
                    break
        return found

    def _wait(self, partition: Partition, offset: int, book: str) -> None:
        log.warning("partition.waits", topic=partition.topic, partition=partition.partition, offset=offset, book=book)
        self._waiting[partition] = book
        self._source.seek(partition, offset)
        self._source.pause([partition])
