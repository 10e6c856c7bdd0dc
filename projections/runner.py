"""Applies the ledger's messages to every projection: rows and checkpoints move in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, LiteralString

import psycopg

from projections.checkpoints import Checkpoint, Move, lock_checkpoints, move_checkpoints, stop_projections
from projections.continuation import Advance, Stop, StopCode, plan_advance, refusal, runnable
from projections.events import LedgerEvent
from projections.messages import BookNews, KeyedValue, collect_news
from projections.projection import Folded, Projection
from projections.registry import PROJECTIONS
from projections.source_positions import SourcePosition, write_source_positions
from projections.store_log import BlockMark, LogIncomplete, Span, blocks_at, fitting_spans, read_events

MAX_STEP_EVENTS = 20_000
MAX_STEP_BYTES = 32 * 1024 * 1024
"""What is read from the store in one transaction when the topic has left gaps, over all books."""

NARROWING = 16
"""Factor by which steps shrink around an event that can't be folded."""

MAX_DETAIL_LENGTH = 500
# What a fold raises over a state that is not what it should be, and what the database raises over its rows.
FOLD_ERRORS = (
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    psycopg.DataError,
    psycopg.IntegrityError,
    LogIncomplete,
)

BOOKS: Final[LiteralString] = "SELECT code, book_id FROM ledger.book_directory"
BOOK_POSITIONS: Final[LiteralString] = "SELECT book_id, position FROM ledger.book WHERE book_id = ANY(%s::integer[])"


@dataclass(slots=True)
class Applied:
    """What became of one batch."""

    events: int = 0
    """Events that were new to at least one projection."""
    from_store: int = 0
    """Of these, those that the topic did not bring."""
    foreign: int = 0
    """Messages that belong to no book of this database."""
    stops: list[Stop] = field(default_factory=list)


class Runner:
    """Feeds projections. One runner per process; books are kept apart by their locked checkpoints."""

    def __init__(
        self,
        consumer: str,
        projections: Sequence[Projection] = PROJECTIONS,
        *,
        max_step_events: int = MAX_STEP_EVENTS,
    ) -> None:
        self.projections = tuple(projections)
        self._consumer = consumer
        self._max_step_events = max_step_events
        self._fold_versions = {projection.name: projection.fold_version for projection in projections}
        self._book_ids: dict[str, int] = {}

    def apply(
        self,
        connection: psycopg.Connection,
        records: Sequence[KeyedValue],
        reached: Sequence[SourcePosition] = (),
    ) -> Applied:
        """Apply records of the topic and store how far the source was read. Safe to repeat.

        The connection must be outside a transaction; a gap in the topic takes several transactions.
        """
        applied = Applied()
        news, applied.foreign = collect_news(records, self._book_ids.get)
        if applied.foreign:
            # Perhaps books that were created since we looked.
            with connection.transaction():
                self._book_ids = dict(connection.execute(BOOKS))
            news, applied.foreign = collect_news(records, self._book_ids.get)
        try:
            self._apply_books(connection, news, reached, applied, self._max_step_events)
        except FOLD_ERRORS:
            # One event can't be folded. Its book stops; the others go on without it.
            for of_book in news.values():
                self._apply_alone(connection, of_book, applied)
            self._apply_books(connection, {}, reached, applied, self._max_step_events)
        return applied

    def _apply_alone(self, connection: psycopg.Connection, news: BookNews, applied: Applied) -> None:
        """Apply one book from the store up to the event that can't be folded, and stop it there if there is one."""
        news.events.clear()
        step_events = self._max_step_events
        while True:
            try:
                return self._apply_books(connection, {news.book_id: news}, (), applied, step_events)
            except FOLD_ERRORS as error:
                if step_events == 1:
                    return self._stop(connection, news.book_id, error, applied)
                step_events = max(1, step_events // NARROWING)

    def _stop(self, connection: psycopg.Connection, book_id: int, error: Exception, applied: Applied) -> None:
        lost = isinstance(error, LogIncomplete)
        code = StopCode.LOG_INCOMPLETE if lost else StopCode.EVENT_NOT_FOLDED
        with connection.transaction():
            checkpoints = lock_checkpoints(connection, [book_id], self.projections)[book_id]
            position = 1 + min(checkpoint.position for checkpoint in checkpoints)
            detail = f"event at position {position}: {type(error).__name__}: {error}"[:MAX_DETAIL_LENGTH]
            stop = Stop(book_id, tuple(self._fold_versions), code, detail)
            stop_projections(connection, book_id, stop.projections, code, detail)
        applied.stops.append(stop)

    def _apply_books(
        self,
        connection: psycopg.Connection,
        news: Mapping[int, BookNews],
        reached: Sequence[SourcePosition],
        applied: Applied,
        step_events: int,
    ) -> None:
        complete = False
        while not complete:
            done = Applied()
            with connection.transaction():
                complete = self._step(connection, news, done, step_events)
                if complete:
                    write_source_positions(connection, self._consumer, reached)
            applied.events += done.events
            applied.from_store += done.from_store
            applied.stops += done.stops

    def _step(
        self, connection: psycopg.Connection, news: Mapping[int, BookNews], done: Applied, step_events: int
    ) -> bool:
        """One transaction's work; False when a gap was longer than one step."""
        if not news:
            return True
        planned = self._plan(connection, news, done, step_events)
        blocks = blocks_at(
            connection, [(advance.book_id, position) for advance in planned for position in advance.positions]
        )
        advances: list[Advance] = []
        for advance in planned:
            of_book = {
                position: blocks[key]
                for position in advance.positions
                if (key := (advance.book_id, position)) in blocks
            }
            stop = refusal(advance, of_book)
            if stop is None:
                advances.append(advance)
            else:
                done.stops.append(stop)
        for stop in done.stops:
            stop_projections(connection, stop.book_id, stop.projections, stop.code, stop.detail)
        self._fold(connection, advances, blocks, done)
        return all(advance.last == advance.target for advance in advances)

    def _plan(
        self, connection: psycopg.Connection, news: Mapping[int, BookNews], done: Applied, step_events: int
    ) -> list[Advance]:
        locked = lock_checkpoints(connection, news, self.projections)
        unreadable = [book_id for book_id, of_book in news.items() if of_book.unreadable]
        # The unreadable message was published after its commit, so the store is at or beyond its position.
        ends: dict[int, int] = dict(connection.execute(BOOK_POSITIONS, [unreadable])) if unreadable else {}
        advances: list[Advance] = []
        for book_id in sorted(news):
            running, stop = runnable(locked.get(book_id, ()), self._fold_versions)
            if stop is not None:
                done.stops.append(stop)
            advance = plan_advance(news[book_id], running, ends.get(book_id), step_events)
            if advance is not None:
                advances.append(advance)
        _shorten(connection, [advance for advance in advances if not advance.from_messages], step_events)
        return advances

    def _fold(
        self,
        connection: psycopg.Connection,
        advances: Sequence[Advance],
        blocks: Mapping[tuple[int, int], BlockMark],
        done: Applied,
    ) -> None:
        spans = [
            Span(advance.book_id, advance.low + 1, advance.last) for advance in advances if not advance.from_messages
        ]
        stored = read_events(connection, spans)
        events = {
            advance.book_id: stored[advance.book_id] if advance.book_id in stored else advance.news.after(advance.low)
            for advance in advances
        }
        done.events += sum(map(len, events.values()))
        done.from_store += sum(map(len, stored.values()))
        batches: dict[tuple[tuple[int, int], ...], Folded] = {}
        for projection in self.projections:
            behind = _behind(projection.name, advances)
            starts = tuple((checkpoint.book_id, checkpoint.position) for checkpoint in behind)
            if starts not in batches:
                batches[starts] = Folded(_after(starts, events))
            versions = {checkpoint.book_id: checkpoint.version for checkpoint in behind}
            projection.apply(connection, batches[starts], versions)
        move_checkpoints(connection, _moves(advances, blocks))


def _shorten(connection: psycopg.Connection, from_store: Sequence[Advance], step_events: int) -> None:
    """Share out one step between the books that are read from the store."""
    share = max(1, step_events // max(1, len(from_store)))
    spans = [Span(a.book_id, a.low + 1, min(a.last, a.low + share)) for a in from_store]
    for advance, span in zip(from_store, fitting_spans(connection, spans, MAX_STEP_BYTES), strict=True):
        advance.last = span.last


def _behind(name: str, advances: Sequence[Advance]) -> list[Checkpoint]:
    """This projection's checkpoints that the advance moves."""
    return [
        checkpoint
        for advance in advances
        for checkpoint in advance.running
        if checkpoint.projection == name and checkpoint.position < advance.last
    ]


def _after(starts: Sequence[tuple[int, int]], events: Mapping[int, list[LedgerEvent]]) -> list[LedgerEvent]:
    """The events of each book after a position; each book's list is ascending and without holes."""
    chosen: list[LedgerEvent] = []
    for book_id, position in starts:
        of_book = events[book_id]
        chosen += of_book[position + 1 - of_book[0].position :]
    return chosen


def _moves(advances: Sequence[Advance], blocks: Mapping[tuple[int, int], BlockMark]) -> list[Move]:
    return [
        Move(checkpoint, advance.last, advance.log_epoch, blocks[advance.book_id, advance.last])
        for advance in advances
        for checkpoint in advance.running
        if checkpoint.position < advance.last
    ]
