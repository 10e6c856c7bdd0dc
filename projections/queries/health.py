"""How the store is, and how far everything that follows the log is behind."""

from dataclasses import dataclass

from psycopg.rows import args_row
from psycopg_pool import ConnectionPool

from projections.queries.snapshot import QUERIES, Snapshot, reading


@dataclass(frozen=True, slots=True)
class Follower:
    """The relay or a projection, `lag_positions` behind the book; a `stopped_code` when it will not go on."""

    name: str
    position: int
    lag_positions: int
    stopped_code: str


@dataclass(frozen=True, slots=True)
class RelayLag:
    """Over all books, in positions."""

    books: int
    total: int
    longest: int


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What stops posting: to one book, whose events wait in their partitions, or to all of them."""

    book: str
    scope: str
    mode: str
    reason: str
    stops_all: bool


@dataclass(frozen=True, slots=True)
class StoppedPartition:
    """A partition that is not consumed until a person starts it again."""

    topic: str
    partition: int
    code: str


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """What must be true for the posting path to be usable."""

    writable: bool
    maintenance: list[Maintenance]
    stopped_partitions: list[StoppedPartition]


def followers(at: Snapshot) -> list[Follower]:
    """Relay and projections of one book; `at` must read LOG."""
    rows = at.connection.execute(QUERIES["followers"], {"book_id": at.book_id}).fetchall()
    return [Follower(name, position, at.position - position, stopped) for name, position, stopped in rows]


def relay_lag(pool: ConnectionPool) -> RelayLag:
    """How far the relay is behind, over all books."""
    with reading(pool) as connection:
        connection.execute(QUERIES["enter_directory"])
        with connection.cursor(row_factory=args_row(RelayLag)) as cursor:
            found = cursor.execute(QUERIES["relay_lag"]).fetchone()
    return found or RelayLag(0, 0, 0)


def finding_counts(pool: ConnectionPool) -> dict[tuple[str, str], int]:
    """How many findings there are by code and state, over all books."""
    with reading(pool) as connection:
        rows = connection.execute(QUERIES["finding_counts"]).fetchall()
    return {(code, state): count for code, state, count in rows}


def store_health(pool: ConnectionPool) -> StoreHealth:
    """Ask the store how it is. Raises StoreUnavailableError."""
    with reading(pool) as connection:
        writable = connection.execute(QUERIES["writable"]).fetchone()
        connection.execute(QUERIES["enter_directory"])
        with connection.cursor(row_factory=args_row(Maintenance)) as cursor:
            maintenance = cursor.execute(QUERIES["maintenance"]).fetchall()
        with connection.cursor(row_factory=args_row(StoppedPartition)) as partitions:
            stopped = partitions.execute(QUERIES["stopped_partitions"]).fetchall()
    return StoreHealth(bool(writable and writable[0]), maintenance, stopped)
