"""Events from a file, a structured CloudEvent a line, through the very path of the payments consumer.

The topic is the file's content (`file:<sha256>`), a line's offset its place in it, so a record that has no id of
its own is known again. Every run starts at the first line: the first under the topic's own source row, a later
one under the next free cursor (`file:<sha256>#2` …), so that lines decided before are REPLAYED and counted, and
the lines that a broken run left out are posted.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, LiteralString

import orjson
import psycopg

from consumers.cursors import named, plain
from consumers.decode import Decoder
from consumers.transport.ports import StoredRecord
from ledger_core.domain.incoming import SYSTEM_BOOK, UNDECODABLE_SOURCE, Incoming
from ledger_core.domain.outcomes import Outcome
from ledger_core.domain.sources import INGEST_TOPIC
from ledger_core.store.batch import Decided, SourceAdvance
from ledger_core.store.cutting import cut
from ledger_core.store.encoding import TYPE_OF_OUTCOME
from ledger_core.store.errors import BatchTooLargeError, QueueFullError
from ledger_core.store.items import CHANGE_EVENTS
from ledger_core.store.positions import record_hash
from ledger_core.store.poster import Poster
from schemas.strict_json import MAX_BYTES

HEADERS: Final = (("content-type", b"application/cloudevents+json"),)
BATCH_LINES: Final = 1_000
CHUNK_BYTES: Final = 1 << 20
OUTCOME_OF_TYPE: Final = {
    **{event_type: outcome for outcome, event_type in TYPE_OF_OUTCOME.items()},
    **dict.fromkeys(CHANGE_EVENTS.values(), Outcome.RECORDED),
}

CURSORS: Final[LiteralString] = """
    SELECT topic, next_offset FROM ledger.source_position WHERE partition = 0 AND split_part(topic, '#', 1) = %s
"""

# Where the outcome of a known key stands: under the key itself, or among the conflicts where its content differs.
ORIGINALS: Final[LiteralString] = """
    SELECT asked.n, event.position, event.type, event.voucher_no, event.state
    FROM unnest(%(books)s::text[], %(sources)s::text[], %(event_ids)s::text[], %(fingerprints)s::bytea[])
        WITH ORDINALITY AS asked (book, uri, event_id, fingerprint, n)
    JOIN ledger.book_directory ON book_directory.code = asked.book
    JOIN ledger.source ON source.book_id = book_directory.book_id AND source.uri = asked.uri
    LEFT JOIN ledger.source AS conflict ON conflict.book_id = source.book_id AND conflict.uri = 'conflict'
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT * FROM ledger.inbox
            WHERE inbox.book_id = source.book_id AND inbox.source_id = source.source_id
              AND inbox.event_id = asked.event_id
            UNION ALL
            SELECT * FROM ledger.inbox
            WHERE inbox.book_id = source.book_id AND inbox.source_id = conflict.source_id
              AND inbox.event_id = asked.event_id || '#' || source.source_id || '#' || encode(asked.fingerprint, 'hex')
        ) AS candidate
        WHERE candidate.fingerprint = asked.fingerprint ORDER BY candidate.revision DESC LIMIT 1
    ) AS known
    JOIN ledger.block ON block.book_id = known.book_id AND block.batch_id = known.batch_id
    JOIN ledger.event ON event.book_id = known.book_id AND event.position = block.first_position + known.ordinal
"""


class IngestRaced(Exception):
    """Another process ingests the same file at this moment; what it decided is decided."""


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a file is known by."""

    topic: str
    lines: int


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one line. `line` counts from 1, `offset` from 0.

    Where it is REPLAYED, `original` is what became of it the first time, and the rest says where that stands.
    """

    line: int
    offset: int
    outcome: Outcome
    original: Outcome | None
    code: str
    detail: str
    book: str
    position: int
    voucher_no: int | None
    source: str
    event_id: str


def look_at(path: Path) -> FileContent:
    """Reads the file once: its topic and its number of lines. Raises OSError."""
    digest = hashlib.sha256()
    newlines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            newlines += chunk.count(b"\n")
            last = chunk[-1:]
    return FileContent(f"{INGEST_TOPIC}{digest.hexdigest()}", newlines + (last != b"\n"))


def read_records(path: Path, topic: str, timestamp_ms: int) -> Iterator[StoredRecord]:
    """A record a line. Of a line longer than any event may be, only as much is kept as shows that it is."""
    with path.open("rb") as file:
        offset = 0
        while line := file.readline(MAX_BYTES + 2):
            rest = line
            while not rest.endswith(b"\n") and (rest := file.readline(CHUNK_BYTES)):
                pass
            yield StoredRecord(topic, 0, offset, timestamp_ms, None, line.removesuffix(b"\n"), HEADERS)
            offset += 1


class FileIngest:
    """Ingests one file. The poster is open, and its decoder is this one's."""

    def __init__(self, poster: Poster, decoder: Decoder, connection: psycopg.Connection) -> None:
        self._poster = poster
        self._decoder = decoder
        self._connection = connection
        self.healed = 0
        """Events parked before, by this file or another, that it made right."""

    def run(self, path: Path, content: FileContent, timestamp_ms: int) -> Iterator[LineOutcome]:
        """Yields the outcome of every line, in order, each after the commit that decided it.

        Raises `IngestRaced`, `PostingHaltedError`, psycopg errors; `QueueFullError`, `BatchTooLargeError` for the first
        line without an outcome. What comes behind it may need it, so nothing of that is decided.
        """
        return self.run_records(content.topic, lambda topic: read_records(path, topic, timestamp_ms))

    def run_records(
        self, content_topic: str, records_of: Callable[[str], Iterator[StoredRecord]]
    ) -> Iterator[LineOutcome]:
        """The same for what was made of a file: `records_of` a topic, offsets rising, some lines without a record."""
        topic = self._free_cursor(content_topic)
        stand = self._poster.positions.find({(topic, 0): 0})[topic, 0]
        records, from_offset = records_of(topic), stand.next_offset
        while batch := list(islice(records, BATCH_LINES)):
            incoming = self._decoder.decode_many(batch)
            last = batch[-1]
            advance = SourceAdvance(
                topic, 0, stand.incarnation, from_offset, last.offset + 1, last.offset, last.timestamp,
                record_hash(last), gaps=last.offset + 1 - from_offset - len(batch),
            )  # fmt: skip
            from_offset = last.offset + 1
            yield from self._post(incoming, [advance])

    def _post(self, incoming: Sequence[Incoming], advances: Sequence[SourceAdvance]) -> Iterator[LineOutcome]:
        """Where a line can't be taken, those before it are decided first."""
        try:
            result = self._poster.post(self._poster.prepare(incoming, advances))
        except (QueueFullError, BatchTooLargeError):
            if len(incoming) == 1 or not self._poster.tries_again:
                raise
            for piece in cut(incoming, advances):
                yield from self._post(*piece)
            return
        self.healed += len(result.healed)
        decided = [one for one in result.decided if one is not None]
        if len(decided) < len(incoming):
            raise IngestRaced(f"another process ingests {plain(incoming[0].record.topic)}")
        yield from self._outcomes(incoming, decided)

    def _free_cursor(self, topic: str) -> str:
        """The topic's own source row, or that of the next cursor which nobody has moved yet."""
        used = {row[0] for row in self._connection.execute(CURSORS, (topic,)) if row[1] > 0}
        number = len(used) + 1
        while number > 1 and named(topic, str(number)) in used:
            number += 1
        return topic if number == 1 else named(topic, str(number))

    def _outcomes(self, incoming: Sequence[Incoming], decided: Sequence[Decided]) -> Iterator[LineOutcome]:
        replayed = [event for event, one in zip(incoming, decided, strict=True) if one.outcome is Outcome.REPLAYED]
        originals = iter(self._originals(replayed))
        for event, one in zip(incoming, decided, strict=True):
            found = next(originals) if one.outcome is Outcome.REPLAYED else None
            yield _line_outcome(event, one, found)

    def _originals(self, events: Sequence[Incoming]) -> list["Original | None"]:
        """Where the outcomes of known events stand; events of unknown books are kept by their coordinates."""
        keys = [(event.book, event.source, event.event_id, event.fingerprint) for event in events]
        found = self._find(keys)
        missing = [n for n in range(len(events)) if n not in found]
        by_place = self._find([_place(events[n]) for n in missing])
        found |= {missing[n]: original for n, original in by_place.items()}
        return [found.get(n) for n in range(len(events))]

    def _find(self, keys: Sequence[tuple[str, str, str, bytes]]) -> dict[int, "Original"]:
        if not keys:
            return {}
        books, sources, event_ids, fingerprints = map(list, zip(*keys, strict=True))
        columns = {"books": books, "sources": sources, "event_ids": event_ids, "fingerprints": fingerprints}
        rows = self._connection.execute(ORIGINALS, columns)
        return {
            n - 1: Original(position, OUTCOME_OF_TYPE[kind], voucher_no, state)
            for n, position, kind, voucher_no, state in rows
        }


@dataclass(frozen=True, slots=True)
class Original:
    """An outcome in the log."""

    position: int
    outcome: Outcome
    voucher_no: int
    state: bytes


def _place(event: Incoming) -> tuple[str, str, str, bytes]:
    record = event.record
    place = f"1:{plain(record.topic)}:{record.partition}:{record.offset}"
    return SYSTEM_BOOK, UNDECODABLE_SOURCE, place, event.fingerprint


def _line_outcome(event: Incoming, decided: Decided, found: Original | None) -> LineOutcome:
    position, voucher_no = decided.position, decided.voucher_no
    reason = decided.code or decided.skipped
    code, detail = reason.value if reason is not None else "", decided.detail
    if found is not None:
        state = orjson.loads(found.state)
        position, voucher_no = found.position, found.voucher_no
        code, detail = str(state.get("code", "")), str(state.get("detail", ""))
    return LineOutcome(
        line=event.record.offset + 1,
        offset=event.record.offset,
        outcome=decided.outcome,
        original=found.outcome if found is not None else None,
        code=code,
        detail=detail,
        book=decided.book,
        position=position,
        voucher_no=voucher_no or None,
        source=event.source,
        event_id=event.event_id,
    )
