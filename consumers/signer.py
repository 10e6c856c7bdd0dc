"""Signs the end of every book's log at an interval, for as long as the process runs.

A checkpoint is an event of its book, so the relay publishes it on the ledger's topic with the rest: whoever follows
that topic holds it out of reach of whoever could change the database. A round that cannot be made now is made later.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psycopg
import structlog

from consumers.settings import PREFIX, ConfigurationError
from consumers.threads import in_thread
from ledger_core.store.proof.key_files import KeyFileError, read_signing_key
from ledger_core.store.proof.notes import SigningKey
from ledger_core.store.proof.signing import BrokenChainError, StoredCheckpoint, books_to_sign, sign_book

KEY_FILE_VARIABLE = f"{PREFIX}SIGNING_KEY_FILE"

log = structlog.get_logger(__name__)


class SignerMetrics(Protocol):
    """What the signer reports."""

    def checkpoint_signed(self) -> None:
        """One book has a new checkpoint."""
        ...

    def checkpoint_failed(self) -> None:
        """One book, or a whole round, could not be signed."""
        ...


def key_in(path: Path | None) -> SigningKey:
    """The private key of the settings. Raises ConfigurationError, which says nothing of what is in the file."""
    if path is None:
        raise ConfigurationError({KEY_FILE_VARIABLE: "is not set: a signer needs the file of its private key"})
    try:
        return read_signing_key(path)
    except KeyFileError as error:
        raise ConfigurationError({KEY_FILE_VARIABLE: str(error)}) from None


class Signer:
    """Signs with one key. `connect` opens connections as the poster's role."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        key: SigningKey,
        *,
        interval_seconds: float,
        metrics: SignerMetrics,
    ) -> None:
        self._connect = connect
        self._key = key
        self._interval_seconds = interval_seconds
        self._metrics = metrics

    async def run(self, stop: asyncio.Event) -> None:
        """A round at once and one each interval, until `stop`; a book that is being signed then is finished first."""
        log.info("signer.started", key=self._key.public.label, interval_seconds=self._interval_seconds)
        while not stop.is_set():
            try:
                await in_thread(self._sign_all, stop.is_set)
            except psycopg.Error as error:
                self._metrics.checkpoint_failed()
                log.warning("checkpoint.postponed", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._interval_seconds)

    def _sign_all(self, stopping: Callable[[], bool]) -> None:
        """Every book with something new. A broken chain is reported, and keeps no other book from being signed."""
        with self._connect() as connection:
            connection.autocommit = True
            connection.execute("SET lock_timeout = '30s'")
            connection.execute("SET idle_in_transaction_session_timeout = '15s'")
            for book in books_to_sign(connection):
                if stopping():
                    return
                try:
                    stored, is_new = sign_book(connection, book, self._key)
                except BrokenChainError as error:
                    self._metrics.checkpoint_failed()
                    log.error("checkpoint.refused", book=book, detail=f"{error}: nothing was signed; run verify")
                else:
                    if stored is not None and is_new:
                        self._report(stored)

    def _report(self, stored: StoredCheckpoint) -> None:
        checkpoint = stored.signed.checkpoint
        self._metrics.checkpoint_signed()
        log.info(
            "checkpoint.signed",
            book=checkpoint.book,
            position=checkpoint.position,
            block=checkpoint.block_number,
            block_hash=checkpoint.block_hash.hex(),
            key=stored.signed.key.label,
        )
