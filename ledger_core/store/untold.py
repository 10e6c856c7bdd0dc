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
    where: int | str
    """A book that it writes to; where it writes to none, the number of its transaction."""
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
        """About to, a batch that writes to this book, and perhaps to others."""
        if self._callers:
            self._under_way[prepared.batch_id] = Kept(prepared, book_id, result)

    def commits_replays(self, cursor: psycopg.Cursor[Any], prepared: Prepared, result: BatchResult) -> None:
        """About to, a batch that writes to no book. Where its partitions stand would not tell: others move them on,
        and to the same place when this was rolled back."""
        if self._callers:
            row = cursor.execute(QUERIES["this_transaction"]).fetchone()
            assert row is not None
            self._under_way[prepared.batch_id] = Kept(prepared, str(row[0]), result)

    def settle(self, connection: psycopg.Connection[Any]) -> list[Told]:
        """What was committed of it, to be told now. A transaction that is still under way is waited for."""
        found = []
        for kept in self._unsettled:
            with connection.transaction():
                committed = _is_committed(connection, kept)
            if committed and kept.prepared.advances:
                found.append(Told(kept.prepared.incoming, kept.result))
            elif committed:
                found.append(Told((), kept.result.drained(kept.prepared.incoming)))
        self._unsettled.clear()
        return found


def _is_committed(connection: psycopg.Connection[Any], kept: Kept) -> bool:
    if isinstance(kept.where, int):
        connection.execute(QUERIES["wait_for_book"], (kept.where,))
        row = connection.execute(QUERIES["has_block"], (kept.where, kept.prepared.batch_id)).fetchone()
    else:
        advance = kept.prepared.advances[0]
        connection.execute(QUERIES["wait_for_source"], (advance.topic, advance.partition))
        row = connection.execute(QUERIES["is_committed"], {"number": kept.where}).fetchone()
    return row == (True,)
