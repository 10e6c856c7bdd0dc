"""The inbox against the log, both ways: who was decided, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from ledger_core.store.columns import Int64s
from ledger_core.store.verify.groups import follows
from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.report import Tally

OUTCOME_TYPES: Final = frozenset({"voucher.posted", "fact.recorded", "event.rejected", "event.parked", "event.skipped"})
ACCOUNT_CHANGES: Final = frozenset({"account.frozen", "account.unfrozen", "account.closed"})
"""Outcomes where an upstream event asked for them, which they name as their cause: facts that are recorded."""
CONFLICT_SOURCE: Final = "conflict"


@dataclass(slots=True)
class InboxRows:
    """Inbox rows of a run of positions, in the order of the positions to which they lead."""

    positions: Int64s
    source_ids: Int64s
    revisions: Int64s
    event_ids: list[str]

    @classmethod
    def none(cls) -> Self:
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, empty, [])

    @classmethod
    def joined(cls, runs: Sequence[Self]) -> Self:
        """The rows of all of these, in order."""
        if len(runs) < 2:
            return runs[0] if runs else cls.none()
        together = cls(
            np.concatenate([run.positions for run in runs]),
            np.concatenate([run.source_ids for run in runs]),
            np.concatenate([run.revisions for run in runs]),
            list(chain.from_iterable(run.event_ids for run in runs)),
        )
        return together.sorted()

    def sorted(self) -> Self:
        """In the order of positions, and of revisions at one position."""
        if (self.positions[1:] > self.positions[:-1]).all():
            return self
        return self._at(np.lexsort((self.revisions, self.positions)))

    def between(self, first: int, last: int) -> Self:
        """Those that lead to these positions."""
        begin, end = np.searchsorted(self.positions, (first, last + 1)).tolist()
        if begin == 0 and end == len(self.positions):
            return self
        return self._at(np.arange(begin, end))

    def some(self, chosen: NDArray[np.bool_]) -> Self:
        """Those that are chosen."""
        return self._at(np.flatnonzero(chosen))

    def _at(self, places: Int64s) -> Self:
        event_ids = list(map(self.event_ids.__getitem__, places.tolist()))
        return type(self)(self.positions[places], self.source_ids[places], self.revisions[places], event_ids)


def compare_inbox(
    documents: Sequence[Document],
    positions: list[int],
    rows: InboxRows,
    source_ids: Mapping[str, int],
    book: str,
    tally: Tally,
) -> None:
    """Outcome events and inbox rows of the same positions; whole columns first, row by row where they differ.

    Of a group's events only the first has a row.
    """
    leading = [not follows(document) for document in documents]
    if not all(leading):
        documents, positions = list(compress(documents, leading)), list(compress(positions, leading))
    try:
        same = (
            rows.positions.tolist() == positions
            and rows.event_ids == [document["event_id"] for document in documents]
            and rows.source_ids.tolist() == [source_ids[document["source"]] for document in documents]
            and rows.revisions.tolist() == [document.get("revision", 1) for document in documents]
        )
    except (KeyError, TypeError):
        same = False
    if not same:
        _compare_one_by_one(documents, positions, rows, source_ids, book, tally)


def _compare_one_by_one(
    documents: Sequence[Document],
    positions: list[int],
    rows: InboxRows,
    source_ids: Mapping[str, int],
    book: str,
    tally: Tally,
) -> None:
    conflict_id = source_ids.get(CONFLICT_SOURCE)
    expected = dict(zip(positions, documents, strict=True))
    claimed: set[int] = set()
    columns = (rows.positions.tolist(), rows.source_ids.tolist(), rows.revisions.tolist(), rows.event_ids)
    for position, source_id, revision, event_id in zip(*columns, strict=True):
        document = expected.get(position, {})
        source = source_ids.get(str(document.get("source")))
        stated = document.get("event_id")
        if source_id == conflict_id and document.get("code") == "IDEMPOTENCY_CONFLICT":
            # The key of a conflict is the id that was taken, its source and its other fingerprint.
            matches = event_id.startswith(f"{stated}#{source}#")
        else:
            matches = (source_id, event_id) == (source, stated)
        if not matches or revision != document.get("revision", 1) or position in claimed:
            tally.bad("inbox_to_events", f"book {book}: event id {event_id} is not decided at {position}")
        claimed.add(position)
    for position in positions:
        if position not in claimed:
            tally.bad("events_to_inbox", f"book {book}: outcome at position {position} has no inbox row")
            break
