"""How far the pipeline has come, read from the tables that say so; and waiting until it is through."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from api.cli.errors import CliError
from api.cli.stores import Store
from ledger_core.store.connection import Role
from projections.registry import PROJECTIONS

POLL_SECONDS: Final = 0.05
STALL_SECONDS: Final = 90.0
"""Nothing moved for so long: something is wrong, and waiting will not help."""

PROGRESS: Final[LiteralString] = """
    SELECT
        (SELECT count(*) FROM ledger.source_position WHERE topic = %(topic)s),
        (SELECT coalesce(sum(posted + recorded + replayed + skipped + rejected + parked), 0)::bigint
           FROM ledger.source_position WHERE topic = %(topic)s),
        (SELECT coalesce(sum(position), 0)::bigint FROM ledger.book),
        (SELECT coalesce(sum(position), 0)::bigint FROM ledger.relay_checkpoint),
        (SELECT coalesce(sum(position), 0)::bigint FROM projections.checkpoint WHERE state = 'ACTIVE'),
        (SELECT string_agg(topic || '[' || partition || ']: ' || stopped_code || ' ' || stopped_detail, '; ')
           FROM ledger.source_position WHERE stopped_code <> ''),
        (SELECT string_agg(projection || ': ' || stopped_code || ' ' || stopped_detail, '; ')
           FROM projections.checkpoint WHERE state = 'ACTIVE' AND stopped_code <> '')
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """Sums over all books and partitions."""

    partitions: int
    consumed: int
    logged: int
    relayed: int
    projected: int
    """Positions applied, over the slowest that can be: all projections together, divided by their number."""
    stopped: str

    def through(self, events: int) -> bool:
        """Whether `events` were consumed, and all that came of them is in every read model."""
        return self.consumed >= events and self.relayed >= self.logged and self.projected >= self.logged


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the first event read until each stage was through."""

    consumed: float
    relayed: float
    projected: float


def read_progress(connection: psycopg.Connection, topic: str) -> Progress:
    """One reading."""
    row = connection.execute(PROGRESS, {"topic": topic}).fetchone()
    assert row is not None  # scalar subqueries yield one row
    stopped = "; ".join(part for part in row[5:7] if part)
    return Progress(row[0], row[1], row[2], row[3], row[4] // len(PROJECTIONS), stopped)


def wait_until_through(
    store: Store, topic: str, events: int, *, check: Callable[[], None], show: Callable[[Progress], None]
) -> Times:
    """Returns when `events` are through the whole pipeline. `check` is called to see that everything still runs.

    Raises `CliError` when a partition or projection stopped, or nothing moves any more.
    """
    began = consumed = relayed = 0.0
    last, moved_at = None, time.monotonic()
    with store.connect(Role.PROJECTOR) as connection:
        while True:
            progress, now = read_progress(connection, topic), time.monotonic()
            show(progress)
            if progress.stopped:
                raise CliError("PIPELINE_STOPPED", progress.stopped, "see docs/how-to/dead-letters.md")
            began = began or (now if progress.partitions else 0.0)
            if progress.consumed >= events:
                consumed = consumed or now
                relayed = relayed or (now if progress.relayed >= progress.logged else 0.0)
            if progress.through(events):
                return Times(consumed - began, (relayed or now) - began, now - began)
            if progress != last:
                last, moved_at = progress, now
            if now - moved_at > STALL_SECONDS:
                text = f"nothing has moved for {STALL_SECONDS:.0f} s: {progress}"
                raise CliError("PIPELINE_STALLED", text, "look around with: ledgerctl lag; ledgerctl doctor")
            check()
            time.sleep(POLL_SECONDS)
