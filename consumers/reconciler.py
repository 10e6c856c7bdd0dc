"""The reconciler: scans every book that has moved for differences, round after round, and never repairs one.

Checks read the store alone, so findings depend on no relay and no projection. A scan that sees what is on record
already writes nothing; two reconcilers at once count as one. It acts as the role that can only detect.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import psycopg
import structlog

from consumers.rounds import InProportion, Rounds
from consumers.threads import in_thread
from projections.reconciliation.scan import SYSTEM_BOOK_ID, ScanConflictError, ScanResult, scan

REST: Final = 10.0
"""A round that took a second is followed by ten of rest: large books are scanned less often."""
POSITIONS: Final = "SELECT book_id, position FROM ledger.book ORDER BY book_id"
POSTPONED: Final = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable, ScanConflictError)
"""This book can't be scanned now, and others can."""

log = structlog.get_logger(__name__)


class ReconcilerMetrics(Protocol):
    """What the reconciler reports."""

    def book_scanned(self, result: ScanResult, seconds: float) -> None:
        """One book was scanned to its end."""
        ...

    def scan_postponed(self) -> None:
        """One book, or a whole round, could not be scanned and is due again."""
        ...


class Reconciler:
    """One reconciler. `connect` opens connections as the reconciler's role."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], *, interval_seconds: float, metrics: ReconcilerMetrics
    ) -> None:
        self._connect = connect
        self._interval_seconds = interval_seconds
        self._metrics = metrics
        self._scanned: dict[int, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """A round at once and one after each pause, until `stop`; a book that is being scanned then is finished."""

        async def once() -> int:
            return await in_thread(self.scan_once, stop.is_set)

        await Rounds(once, _nothing_to_recover, _nothing_to_close, self._tell, self._pauses).run(stop)

    def scan_once(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """Scan what has moved since its last scan, and the system book, which tells of stopped partitions too.

        Returns how many books were scanned. Raises psycopg.OperationalError when the server is away.
        """
        scanned = 0
        with self._connect() as connection:
            connection.autocommit = True
            for book_id, position in connection.execute(POSITIONS).fetchall():
                if stopping():
                    break
                if book_id == SYSTEM_BOOK_ID or self._scanned.get(book_id) != position:
                    scanned += self._scan(connection, book_id)
        return scanned

    @property
    def _pauses(self) -> InProportion:
        return InProportion(self._interval_seconds, REST)

    def _scan(self, connection: psycopg.Connection, book_id: int) -> bool:
        began = time.monotonic()
        try:
            result = scan(connection, book_id)
        except POSTPONED as error:
            self._metrics.scan_postponed()
            log.warning("reconciliation.postponed", book_id=book_id, error=type(error).__name__)
            return False
        self._scanned[book_id] = result.position
        self._metrics.book_scanned(result, time.monotonic() - began)
        if any(result.changes.values()):
            counts = {change.value: count for change, count in result.changes.items()}
            log.info("findings.changed", book_id=book_id, position=result.position, scan=result.number, **counts)
        return True

    def _tell(self, error: Exception, wait_seconds: float) -> None:
        self._metrics.scan_postponed()
        log.warning("reconciliation.retry", error=type(error).__name__, wait_seconds=wait_seconds)


async def _nothing_to_recover(_error: Exception) -> None:
    """A round opens its own connection."""


async def _nothing_to_close() -> None:
    """A round closes its own connection."""
