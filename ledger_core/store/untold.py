"""What was committed and nobody was told: the reply was lost, or something failed between it and who asked for it."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

import psycopg

from ledger_core.domain.incoming import Incoming
from ledger_core.store.batch import BatchResult
from ledger_core.store.items import Prepared
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "untold.sql")


class Told(NamedTuple):
    """A batch that was committed, found out afterwards. Without events where nobody consumed it."""

    incoming: Sequence[Incoming]
    result: BatchResult


class Kept(NamedTuple):
    """A batch that was about to be committed."""

    prepared: Prepared
    book_id: int
    result: BatchResult


class Untold:
    """Keeps what transactions were about to commit until the outermost caller that is inside has its answer.

    Whether it was committed the store alone knows. Asking costs nothing unless something failed.
    """

    def __init__(self) -> None:
        self._callers = 0
        self._under_way: dict[int, Kept] = {}
        self._unsettled: list[Kept] = []

    def __enter__(self) -> Self:
        self._callers += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._callers -= 1
        if not self._callers:
            if kind is not None:
                self._unsettled += self._under_way.values()
            self._under_way.clear()

    def commits(self, prepared: Prepared, book_id: int, result: BatchResult) -> None:
        """About to. `book_id` is one that the batch writes to, -1 where it writes to none."""
        if self._callers:
            self._under_way[prepared.batch_id] = Kept(prepared, book_id, result)

    def settle(self, connection: psycopg.Connection[Any]) -> list[Told]:
        """What was committed of it, to be told now. A transaction that is still under way is waited for."""
        found = []
        for kept in self._unsettled:
            with connection.transaction():
                committed = _moved(connection, kept.prepared) if kept.book_id < 0 else _has_block(connection, kept)
            if committed and kept.prepared.advances:
                found.append(Told(kept.prepared.incoming, kept.result))
            elif committed:
                found.append(Told((), kept.result.drained(kept.prepared.incoming)))
        self._unsettled.clear()
        return found


def _has_block(connection: psycopg.Connection[Any], kept: Kept) -> bool:
    connection.execute(QUERIES["wait_for_book"], (kept.book_id,))
    row = connection.execute(QUERIES["has_block"], (kept.book_id, kept.prepared.batch_id)).fetchone()
    return row == (True,)


def _moved(connection: psycopg.Connection[Any], prepared: Prepared) -> bool:
    """Of a batch that writes to no book (all was known): whether a partition stands where it would have put it."""
    advance = prepared.advances[0]
    row = connection.execute(QUERIES["wait_for_source"], (advance.topic, advance.partition)).fetchone()
    return row == (advance.incarnation, advance.next_offset)
