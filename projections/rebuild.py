"""Rebuilds a projection from the store: version n+1 beside n, from position 1, then the view is switched.

Readers see version n until the switch, and the projector goes on with it; only for the last step, the
checksums and the switch, does it wait for the checkpoint's lock. A rebuild that dies leaves rows that nobody
sees and the next rebuild deletes. Of two rebuilds at once the later one wins: versions are never reused, and
the earlier one finds at its next step that it builds no longer.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, LiteralString, NamedTuple

import psycopg

from projections.checkpoints import Checkpoint, Move, lock_checkpoints, move_checkpoints
from projections.projection import Collected, Projection
from projections.store_log import BlockMark, Span, blocks_at, stream_events

STEP_EVENTS = 400_000
"""Events folded in one transaction."""
WRITE_EVENTS = 50_000
"""Events folded into rows before these are written; bounds the memory."""
WRITE_ROWS = 10_000
"""Rows that are written before that: every column walks over all of them, and more than these do not stay in the
processor's cache, which doubles what writing them takes in Python."""


class Checksum(NamedTuple):
    """What two builds of the same log must have in common."""

    rows: int
    hash_sum: int


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A finished rebuild. Where `same` is False the old rows were wrong, or folded by other code.

    They are then kept, as the RETIRED version, until the next rebuild.
    """

    book_id: int
    projection: str
    version: int
    position: int
    before: Checksum
    after: Checksum

    @property
    def same(self) -> bool:
        return self.before == self.after


class RebuildSuperseded(Exception):
    """Another rebuild of this projection and book began later and goes on: nothing is to be done."""


BEGIN_BUILDING: Final[LiteralString] = """
INSERT INTO projections.checkpoint (book_id, projection, version, state, fold_version)
SELECT %(book_id)s, %(projection)s, max(version) + 1, 'BUILDING', %(fold_version)s
FROM projections.checkpoint WHERE book_id = %(book_id)s AND projection = %(projection)s
RETURNING version
"""

SUPERSEDE: Final[LiteralString] = """
UPDATE projections.checkpoint SET state = 'RETIRED'
WHERE book_id = %s AND projection = %s AND state = 'BUILDING'
"""

STILL_BUILDING: Final[LiteralString] = """
SELECT FROM projections.checkpoint
WHERE book_id = %s AND projection = %s AND version = %s AND state = 'BUILDING' FOR NO KEY UPDATE
"""

SET_STATE: Final[LiteralString] = """
UPDATE projections.checkpoint SET state = %s WHERE book_id = %s AND projection = %s AND version = %s
"""

BOOK: Final[LiteralString] = "SELECT position, log_epoch FROM ledger.book WHERE book_id = %s"


def ignore(position: int, target: int) -> None:
    """Nobody watches."""


def rebuild(
    connect: Callable[[], psycopg.Connection],
    book_id: int,
    projection: Projection,
    *,
    progress: Callable[[int, int], None] = ignore,
    step_events: int = STEP_EVENTS,
) -> Rebuilt:
    """Rebuild one projection of one book up to where it stands, over two connections of the projector's role.

    `progress` is told the position reached and the one aimed at. Raises `RebuildSuperseded`, `LogIncomplete`.
    """
    with connect() as writer, connect() as reader, ThreadPoolExecutor(1) as in_background:
        writer.autocommit = reader.autocommit = True
        building, target = _begin(writer, book_id, projection)
        if projection.sql.build is not None and target:
            building = _build_from_entries(writer, projection, building, target)
            progress(target, target)
        step = partial(_fold_step, writer, reader, in_background, projection)
        while target - building.position > step_events:
            building = step(building, building.position + step_events)
            progress(building.position, target)
            # The projector has gone on meanwhile.
            with writer.transaction():
                _, target = _lock_active(writer, book_id, projection)
        with writer.transaction():
            active, target = _lock_active(writer, book_id, projection)
            building = step(building, target)
            rebuilt = _switch(writer, reader, in_background, projection, active, building)
        progress(building.position, target)
        _clean_up(writer, projection, active, rebuilt)
        return rebuilt


def checksum(connection: psycopg.Connection, projection: Projection, book_id: int, version: int) -> Checksum:
    """The checksum of one version's rows."""
    parameters = {"book_id": book_id, "version": version}
    rows, hash_sum = connection.execute(projection.sql.checksum, parameters).fetchall()[0]
    return Checksum(int(rows), int(hash_sum))


def _begin(connection: psycopg.Connection, book_id: int, projection: Projection) -> tuple[Checkpoint, int]:
    """A new version to fill, and how far; versions that earlier rebuilds left unfinished are emptied."""
    with connection.transaction():
        active, target = _lock_active(connection, book_id, projection)
        connection.execute(SUPERSEDE, (book_id, projection.name))
        parameters = {
            "book_id": book_id,
            "projection": projection.name,
            "fold_version": projection.fold_version,
        }
        version: int = connection.execute(BEGIN_BUILDING, parameters).fetchall()[0][0]
    _delete_versions(connection, projection, book_id, active.version + 1, version - 1)
    nothing = BlockMark(0, b"")
    return Checkpoint(book_id, projection.name, version, projection.fold_version, 0, 1, nothing, ""), target


def _lock_active(connection: psycopg.Connection, book_id: int, projection: Projection) -> tuple[Checkpoint, int]:
    """The version that readers see, and the position to build up to: its own, while the log is that long."""
    active = lock_checkpoints(connection, [book_id], [projection])[book_id][0]
    book_position: int = connection.execute(BOOK, [book_id]).fetchall()[0][0]
    return active, min(active.position, book_position)


def _require_building(connection: psycopg.Connection, building: Checkpoint) -> None:
    key = (building.book_id, building.projection, building.version)
    if connection.execute(STILL_BUILDING, key).fetchone() is None:
        raise RebuildSuperseded(
            f"version {building.version} of {building.projection} in book {building.book_id} was superseded"
        )


def _build_from_entries(
    connection: psycopg.Connection, projection: Projection, building: Checkpoint, target: int
) -> Checkpoint:
    assert projection.sql.build is not None
    parameters = {"book_id": building.book_id, "version": building.version, "last_position": target}
    with connection.transaction():
        _require_building(connection, building)
        connection.execute(projection.sql.build, parameters)
        return _move(connection, building, target)


def _fold_step(
    writer: psycopg.Connection,
    reader: psycopg.Connection,
    in_background: Executor,
    projection: Projection,
    building: Checkpoint,
    last: int,
) -> Checkpoint:
    """One transaction's work, or a part of the caller's: rows are written while the next ones are folded."""
    span = Span(building.book_id, building.position + 1, last)
    versions = {building.book_id: building.version}
    with writer.transaction():
        _require_building(writer, building)
        if span.first > span.last:
            return building
        writing: Future[None] | None = None
        try:
            for collected in _collect(reader, span, projection):
                if writing is not None:
                    writing.result()
                writing = in_background.submit(collected.write, writer, versions)
        finally:
            # The connection is free again only when the thread is through with it.
            if writing is not None:
                wait([writing])
        if writing is not None:
            writing.result()
        return _move(writer, building, last)


def _collect(reader: psycopg.Connection, span: Span, projection: Projection) -> Iterator[Collected]:
    collected, events_collected = projection.collect(), 0
    for events in stream_events(reader, span):
        collected.add(events)
        events_collected += len(events)
        if events_collected >= WRITE_EVENTS or len(collected) >= WRITE_ROWS:
            yield collected
            collected, events_collected = projection.collect(), 0
    yield collected


def _move(connection: psycopg.Connection, building: Checkpoint, position: int) -> Checkpoint:
    block = blocks_at(connection, [(building.book_id, position)])[building.book_id, position]
    log_epoch: int = connection.execute(BOOK, [building.book_id]).fetchall()[0][1]
    move_checkpoints(connection, [Move(building, position, log_epoch, block)])
    return replace(building, position=position, log_epoch=log_epoch, block=block)


def _switch(
    writer: psycopg.Connection,
    reader: psycopg.Connection,
    in_background: Executor,
    projection: Projection,
    active: Checkpoint,
    building: Checkpoint,
) -> Rebuilt:
    """From the commit on, readers see the new version and the projector goes on with it.

    The old rows stand still under the checkpoint's lock, so their checksum is taken on the other connection meanwhile.
    """
    book_id, name = building.book_id, building.projection
    before = in_background.submit(checksum, reader, projection, book_id, active.version)
    try:
        after = checksum(writer, projection, book_id, building.version)
    finally:
        wait([before])
    writer.execute(SET_STATE, ("RETIRED", book_id, name, active.version))
    writer.execute(SET_STATE, ("ACTIVE", book_id, name, building.version))
    return Rebuilt(book_id, name, building.version, building.position, before.result(), after)


def _clean_up(connection: psycopg.Connection, projection: Projection, active: Checkpoint, rebuilt: Rebuilt) -> None:
    last_version = active.version if rebuilt.same else active.version - 1
    _delete_versions(connection, projection, rebuilt.book_id, 1, last_version)


def _delete_versions(
    connection: psycopg.Connection, projection: Projection, book_id: int, first: int, last: int
) -> None:
    if first > last:
        return
    parameters = {"book_id": book_id, "first_version": first, "last_version": last}
    with connection.transaction():
        connection.execute(projection.sql.delete, parameters)
