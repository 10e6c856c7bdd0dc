"""The scheduler of expiries: lets holds expire whose time has come, in every book, now and then.

Nothing depends on its being on time: a posting that touches a hold first lets it expire itself. Two of them at once
do no harm, and none of it needs Kafka.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
import structlog

from consumers.threads import in_thread
from ledger_core.store.connection import PASSING
from ledger_core.store.errors import PostingHaltedError
from ledger_core.store.hold_expiry import expire_due

INTERVAL_SECONDS: Final = 1.0
RETRIED: Final = (*PASSING, PostingHaltedError)
"""The database is away, busy or broke a deadlock, or a book was halted meanwhile: the next round finds what is due."""

log = structlog.get_logger(__name__)


class Expiry:
    """One scheduler. `connect` opens connections as the poster's role."""

    def __init__(
        self, connect: Callable[[], psycopg.Connection], *, interval_seconds: float = INTERVAL_SECONDS
    ) -> None:
        self._connect = connect
        self._interval_seconds = interval_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Round after round, until `stop`."""
        while not stop.is_set():
            try:
                await in_thread(self.expire_once)
            except RETRIED as error:
                log.warning("holds.expiry_delayed", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval_seconds)

    def expire_once(self) -> dict[str, int]:
        """One round; returns how many holds expired, by book."""
        with self._connect() as connection:
            connection.autocommit = True
            expired = expire_due(connection)
        for book, holds in expired.items():
            log.info("holds.expired", book=book, holds=holds)
        return expired
