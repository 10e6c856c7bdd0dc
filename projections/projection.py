"""What a read model is: a pure fold of the log, and the SQL that keeps what it gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, LiteralString, Protocol, TypeVar, cast

import psycopg

from projections.events import LedgerEvent

Rows = TypeVar("Rows")
Fold = Callable[[Sequence[LedgerEvent]], Rows]
"""Pure. Aggregates a batch, of one book or many; a batch cut in two adds up to the same rows."""
Write = Callable[[psycopg.Connection, Rows, Mapping[int, int]], None]
"""Adds the rows of a batch to those stored, in the caller's transaction, given version by book_id."""


class Folded:
    """Results of folds over one batch: two projections of the same fold share one run of it."""

    def __init__(self, events: Sequence[LedgerEvent]) -> None:
        self.events = events
        self._results: dict[object, object] = {}

    def by(self, fold: "Fold[Rows]") -> Rows:
        """What this fold gives for the batch."""
        if fold not in self._results:
            self._results[fold] = fold(self.events)
        return cast("Rows", self._results[fold])


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


@dataclass(frozen=True, slots=True)
class FoldedProjection(Generic[Rows]):
    """A read model made of a fold and a writer. Raise `fold_version` when the fold gives something else."""

    name: str
    fold_version: int
    fold: Fold[Rows]
    write: Write[Rows]
    sql: TableSql

    def apply(self, connection: psycopg.Connection, folded: Folded, versions: Mapping[int, int]) -> None:
        self.write(connection, folded.by(self.fold), versions)
