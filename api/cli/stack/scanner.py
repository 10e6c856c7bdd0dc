"""Reconciliation beside a running stack: scans what has moved, and never for long or at the cost of the rest."""

import time
from collections.abc import Callable, Iterable
from typing import Final

import psycopg

from api.cli.stores import Store
from ledger_core.store.connection import Role
from projections.reconciliation.scan import SYSTEM_BOOK_ID, ScanConflictError, scan

SCAN_SECONDS: Final = 3.0
"""Shortest pause between two rounds."""
PAUSE_PER_SCAN: Final = 10
"""A round that took a second is followed by ten of rest: large books are scanned less often."""
POSITIONS: Final = "SELECT book_id, position FROM ledger.book ORDER BY book_id"


class Scanner:
    """Scans every book at first, then those that have moved, and the system book, which tells of stopped partitions."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._due = clock()
        self._scanned: dict[int, int] = {}

    def scan_if_due(self) -> None:
        """One round, if it is time. What can't be scanned now is scanned in a later round."""
        began = self._clock()
        if began < self._due:
            return
        try:
            with self._store.connect(Role.RECONCILER) as connection:
                positions: list[tuple[int, int]] = connection.execute(POSITIONS).fetchall()
                self._scan(connection, positions)
        except (psycopg.OperationalError, ScanConflictError):
            pass  # the server is away for a while, or another scanner was faster
        ended = self._clock()
        self._due = ended + max(SCAN_SECONDS, PAUSE_PER_SCAN * (ended - began))

    def _scan(self, connection: psycopg.Connection, positions: Iterable[tuple[int, int]]) -> None:
        for book_id, position in positions:
            if book_id == SYSTEM_BOOK_ID or self._scanned.get(book_id) != position:
                scan(connection, book_id)
                self._scanned[book_id] = position
