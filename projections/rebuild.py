"""Rebuilds a projection from the store: version n+1 beside n, from position 1, then the view is switched.

Readers see version n until the switch, and the projector goes on with it; only for the last step, the
checksums and the switch, does it wait for the checkpoint's lock. A rebuild that dies leaves rows that nobody
sees and the next rebuild deletes. Of two rebuilds at once the later one wins: versions are never reused, and
the earlier one finds at its next step that it builds no longer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, LiteralString, NamedTuple

import psycopg

from projections.checkpoints import Checkpoint, Move, lock_checkpoints, move_checkpoints
from projections.projection import Folded, Projection
from projections.store_log import BlockMark, Span, blocks_at, iterate_events

STEP_EVENTS = 200_000
"""Events folded in one transaction."""
CHUNK_EVENTS = 10_000
"""Events decoded, folded and written at once; bounds the memory."""


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
    connection: psycopg.Connection,
    book_id: int,
    projection: Projection,
    *,
    progress: Callable[[int, int], None] = ignore,
    step_events: int = STEP_EVENTS,
) -> Rebuilt:
    """Rebuild one projection of one book up to where it stands. The connection must be outside a transaction.

    `progress` is told the position reached and the one aimed at. Raises `RebuildSuperseded`, `LogIncomplete`.
    """
    building, target = _begin(connection, book_id, projection)
    if projection.sql.build is not None and target:
        building = _build_from_entries(connection, projection, building, target)
        progress(target, target)
    while target - building.position > step_events:
        building = _fold_step(connection, projection, building, building.position + step_events)
        progress(building.position, target)
        # The projector has gone on meanwhile.
        with connection.transaction():
            _, target = _lock_active(connection, book_id, projection)
    with connection.transaction():
        active, target = _lock_active(connection, book_id, projection)
        building = _fold_step(connection, projection, building, target)
        rebuilt = _switch(connection, projection, active, building)
    progress(building.position, target)
    _clean_up(connection, projection, active, rebuilt)
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


def _lock_active(
    connection: psycopg.Connection, book_id: int, projection: Projection
) -> tuple[Checkpoint, int]:
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
    connection: psycopg.Connection, projection: Projection, building: Checkpoint, last: int
) -> Checkpoint:
    """One transaction's work, or a part of the caller's."""
    span = Span(building.book_id, building.position + 1, last)
    versions = {building.book_id: building.version}
    with connection.transaction():
        _require_building(connection, building)
        if span.first > span.last:
            return building
        for events in iterate_events(connection, span, chunk_events=CHUNK_EVENTS):
            projection.apply(connection, Folded(events), versions)
        return _move(connection, building, last)


def _move(connection: psycopg.Connection, building: Checkpoint, position: int) -> Checkpoint:
    block = blocks_at(connection, [(building.book_id, position)])[building.book_id, position]
    log_epoch: int = connection.execute(BOOK, [building.book_id]).fetchall()[0][1]
    move_checkpoints(connection, [Move(building, position, log_epoch, block)])
    return replace(building, position=position, log_epoch=log_epoch, block=block)


def _switch(
    connection: psycopg.Connection, projection: Projection, active: Checkpoint, building: Checkpoint
) -> Rebuilt:
    """From the commit on, readers see the new version and the projector goes on with it."""
    book_id, name = building.book_id, building.projection
    before = checksum(connection, projection, book_id, active.version)
    after = checksum(connection, projection, book_id, building.version)
    connection.execute(SET_STATE, ("RETIRED", book_id, name, active.version))
    connection.execute(SET_STATE, ("ACTIVE", book_id, name, building.version))
    return Rebuilt(book_id, name, building.version, building.position, before, after)


def _clean_up(
    connection: psycopg.Connection, projection: Projection, active: Checkpoint, rebuilt: Rebuilt
) -> None:
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
