"""One connection to PostgreSQL on one thread of its own, so that SQL never blocks the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import psycopg

from consumers.transport.ports import TransportError, TransportUnavailable
from ledger_core.store.connection import PASSING

CONNECT_TIMEOUT_S = 5
# How long a peer may stay silent over sent data before the connection counts as gone.
SILENCE_TIMEOUT_MS = 15_000

Result = TypeVar("Result")
Connection = psycopg.Connection[tuple[object, ...]]


class LogConnection:
    """Connects at first use and again after a loss; runs one piece of work after another, in order."""

    def __init__(self, conninfo: str, *, client_id: str) -> None:
        self._conninfo = conninfo
        self._client_id = client_id
        self._connection: Connection | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """Runs `work` on the connection. Raises `TransportUnavailable` when the connection is lost."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._client_id)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    async def close(self) -> None:
        """Ends the connection and its thread; idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._drop)
            thread.shutdown(wait=False)

    def _run(self, work: Callable[[Connection], Result]) -> Result:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return work(self._connection)
        except (*PASSING, psycopg.InterfaceError) as error:
            self._drop()
            raise TransportUnavailable(f"PostgreSQL can't be used: {type(error).__name__}") from error
        except psycopg.Error as error:
            self._drop()
            raise TransportError(f"PostgreSQL refused: {type(error).__name__}") from error

    def _connect(self) -> Connection:
        return psycopg.connect(
            self._conninfo,
            autocommit=True,
            application_name=self._client_id,
            connect_timeout=CONNECT_TIMEOUT_S,
            tcp_user_timeout=SILENCE_TIMEOUT_MS,
        )

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
