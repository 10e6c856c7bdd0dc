"""What a read model is: a pure fold of the log, and the SQL that keeps what it gives."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Generic, LiteralString, Protocol, TypeVar, cast

import psycopg

from projections.events import LedgerEvent

Rows = TypeVar("Rows", bound=Sized)
Fold = Callable[[Iterable[LedgerEvent], Rows], None]
"""Adds events, of one book or many, to rows; touches nothing else. However the events are cut, the sums agree."""
Write = Callable[[psycopg.Connection, Rows, Mapping[int, int]], None]
"""Adds rows to those stored, in the caller's transaction, given version by book_id."""


class Folded:
    """Results of folds over one batch: two projections of the same fold share one run of it."""

    def __init__(self, events: Sequence[LedgerEvent]) -> None:
        self.events = events
        self._results: dict[object, object] = {}

    def by(self, fold: Fold[Rows], new_rows: Callable[[], Rows]) -> Rows:
        """What this fold gives for the batch."""
        if fold not in self._results:
            rows = new_rows()
            fold(self.events, rows)
            self._results[fold] = rows
        return cast("Rows", self._results[fold])


class Collected(Protocol):
    """Rows in the making, for a rebuild: many small batches folded into one, written once."""

    def __len__(self) -> int: ...

    def add(self, events: Iterable[LedgerEvent]) -> None: ...

    def write(self, connection: psycopg.Connection, versions: Mapping[int, int]) -> None: ...


@dataclass(frozen=True, slots=True)
class TableSql:
    """SQL over one read model's table. Every statement takes the parameter book_id."""

    checksum: LiteralString
    """By version: number of rows, and a sum of their hashes; neither their order nor the version matters."""
    delete: LiteralString
    """By first_version and last_version: deletes the rows of these versions."""
    build: LiteralString | None = None
    """By version and last_position: fills an empty version from the store's entries. None: only by fold."""


class Projection(Protocol):
    """One read model, as the runner and the rebuild see it."""

    @property
    def name(self) -> str: ...
    @property
    def fold_version(self) -> int: ...
    @property
    def sql(self) -> TableSql: ...

    def apply(self, connection: psycopg.Connection, folded: Folded, versions: Mapping[int, int]) -> None:
        """Add a batch to the rows of each book's version."""
        ...

    def collect(self) -> Collected:
        """An empty collection of rows."""
        ...


@dataclass(frozen=True, slots=True)
class FoldedProjection(Generic[Rows]):
    """A read model made of a fold and a writer. Raise `fold_version` when the fold gives something else."""

    name: str
    fold_version: int
    new_rows: Callable[[], Rows]
    fold: Fold[Rows]
    write: Write[Rows]
    sql: TableSql

    def apply(self, connection: psycopg.Connection, folded: Folded, versions: Mapping[int, int]) -> None:
        self.write(connection, folded.by(self.fold, self.new_rows), versions)

    def collect(self) -> Collected:
        return _CollectedRows(self.new_rows(), self.fold, self.write)


@dataclass(slots=True)
class _CollectedRows(Generic[Rows]):
    rows: Rows
    fold_into: Fold[Rows]
    write_rows: Write[Rows]

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, events: Iterable[LedgerEvent]) -> None:
        self.fold_into(events, self.rows)

    def write(self, connection: psycopg.Connection, versions: Mapping[int, int]) -> None:
        self.write_rows(connection, self.rows, versions)
