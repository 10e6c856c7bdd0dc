"""What became of an upstream event: each decision on it, the last of which counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

from psycopg.rows import args_row

from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: POSTED with a voucher, RECORDED, or REJECTED, PARKED, SKIPPED with a code."""

    revision: int
    outcome: str
    position: int
    voucher_no: int | None
    code: str
    detail: str
    waits_for: str
    event_type: str
    order_key: str
    effective_at: datetime
    recorded_at: datetime
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """`revisions` oldest first, never empty; `conflicts` are refused: same id, another payload."""

    source: str
    event_id: str
    revisions: list[Decision]
    conflicts: list[Decision]

    @property
    def current(self) -> Decision:
        """The decision that counts."""
        return self.revisions[-1]


def event_outcome(at: Snapshot, source: str, event_id: str) -> EventOutcome:
    """What became of the event `event_id` of `source`.

    Raises NotFoundError when it was never decided here.
    """
    key = {"book_id": at.book_id, "source": source, "event_id": event_id}
    bounds = at.connection.execute(QUERIES["conflict_range"], key).fetchone()
    revisions = _decisions(at, QUERIES["event_outcomes"], key)
    if bounds is None or not revisions:
        raise NotFoundError("event")
    low, high = bounds
    conflicts = _decisions(at, QUERIES["event_conflicts"], {"book_id": at.book_id, "low": low, "high": high})
    return EventOutcome(source, event_id, revisions, conflicts)


def _decisions(at: Snapshot, query: LiteralString, parameters: dict[str, object]) -> list[Decision]:
    with at.connection.cursor(row_factory=args_row(Decision)) as cursor:
        return cursor.execute(query, parameters).fetchall()
