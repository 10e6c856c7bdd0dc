"""Order keys that wait: what for, since when, and how much stands behind it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from ledger_core.store.named_sql import load_queries
from projections.queries.snapshot import Snapshot

QUERIES: Final = load_queries("projections.queries", "parked.sql")


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """The queue of one order key, by the event at its head; `events` is how many wait, that one included."""

    order_key: str
    event_id: str
    source: str
    code: str
    detail: str
    waits_for: str
    recorded_at: datetime
    events: int


def parked(at: Snapshot, *, limit: int = 100) -> list[ParkedKey]:
    """Those that have waited longest come first."""
    with at.connection.cursor(row_factory=class_row(ParkedKey)) as cursor:
        return cursor.execute(QUERIES["parked"], {"book_id": at.book_id, "limit": limit}).fetchall()


def waited_for(at: Snapshot) -> dict[str, int]:
    """What the heads of all queues wait for, with how many order keys."""
    with at.connection.cursor() as cursor:
        return dict(cursor.execute(QUERIES["waited_for"], {"book_id": at.book_id}).fetchall())
