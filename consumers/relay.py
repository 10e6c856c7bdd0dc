"""The relay: publishes every committed event of the ledger, in position order per book, at least once.

Messages go out first; a checkpoint moves by compare-and-set after their acknowledgement. A crash between the
two repeats messages and never skips one; two relays at once repeat messages, and one loses the checkpoint.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

import psycopg
import structlog

from consumers.ledger_messages import LEDGER_TOPIC, stub_of
from consumers.relay_log import Chunk, ChunkLimits, Reached, move_checkpoints, read_chunk
from consumers.rounds import Rounds, WhenIdle
from consumers.threads import in_thread
from consumers.transport.ports import MessageTooLarge, Sink

PAUSES = WhenIdle(0.001, 0.050)

LABELS = ("relay.read", "relay.sent", "relay.moved")
"""Points at which a fault may strike: chunk read, messages acknowledged, checkpoint moved."""

logger = structlog.stdlib.get_logger(__name__)


class RelayMetrics(Protocol):
    """What the relay reports."""

    def relayed(self, events: int) -> None:
        """This many events were acknowledged."""
        ...

    def relay_waiting(self, events: int) -> None:
        """This many committed events are still to be sent."""
        ...


class NoRelayMetrics:
    """Nobody measures."""

    def relayed(self, events: int) -> None: ...

    def relay_waiting(self, events: int) -> None: ...


def nothing(label: str) -> None:
    """No fault strikes."""


class Relay:
    """One relay. `connect` opens connections as the projector's role; `run` starts and stops the sink."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        sink: Sink,
        topic: str = LEDGER_TOPIC,
        *,
        labels: Callable[[str], None] = nothing,
        metrics: RelayMetrics | None = None,
        limits: ChunkLimits | None = None,
    ) -> None:
        self._connect = connect
        self._sink = sink
        self._topic = topic
        self._labels = labels
        self._metrics = metrics or NoRelayMetrics()
        self._limits = limits or ChunkLimits()
        self._reader: psycopg.Connection | None = None
        self._writer: psycopg.Connection | None = None
        self._prefetch: asyncio.Task[Chunk] | None = None
        self._after_book = -1

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set. Outages are waited out; `TopicMissing` and `LogHasHole` come out."""
        rounds = Rounds(self.relay_once, self._after_failure, self.close, _tell, PAUSES)
        await rounds.run(stop, self._sink)

    async def relay_once(self) -> int:
        """Send one chunk and move its checkpoints; returns the number of events. The sink must be started.

        While a chunk is being sent the next one is read.
        """
        chunk = await self._next_chunk()
        self._metrics.relay_waiting(chunk.waiting + len(chunk.messages))
        if not chunk.messages:
            return 0
        self._labels("relay.read")
        self._prefetch = asyncio.create_task(in_thread(self._read, chunk.reached()))
        try:
            await self._send(chunk)
            self._labels("relay.sent")
            lost = await in_thread(self._move, chunk)
            self._labels("relay.moved")
        except BaseException:
            await self._drop_prefetch()
            raise
        if lost:
            logger.info("relay.checkpoint_lost", books=len(lost))
            await self._drop_prefetch()
        self._metrics.relayed(len(chunk.messages))
        return len(chunk.messages)

    async def close(self) -> None:
        """Let go of the database; `relay_once` connects again."""
        await self._disconnect()

    async def _next_chunk(self) -> Chunk:
        prefetch, self._prefetch = self._prefetch, None
        if prefetch is None:
            chunk = await in_thread(self._read, {})
        else:
            chunk = await prefetch
        self._after_book = chunk.last_in_turn
        return chunk

    async def _send(self, chunk: Chunk) -> None:
        while True:
            try:
                return await self._sink.send(chunk.messages)
            except MessageTooLarge as error:
                # Nothing was sent yet. One stub more each time, so this ends.
                logger.info("relay.stub", size_bytes=error.size_bytes)
                stub = stub_of(chunk.messages[error.index])
                if stub == chunk.messages[error.index]:
                    raise
                chunk.messages[error.index] = stub

    def _read(self, ahead: Mapping[int, Reached]) -> Chunk:
        if self._reader is None:
            self._reader = self._connect()
            self._reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._reader.read_only = True
        return read_chunk(self._reader, self._topic, ahead=ahead, after_book=self._after_book, limits=self._limits)

    def _move(self, chunk: Chunk) -> set[int]:
        if self._writer is None:
            self._writer = self._connect()
        return move_checkpoints(self._writer, chunk.spans)

    async def _drop_prefetch(self) -> None:
        """Wait for the reading thread to let go of its connection; what it read is read again."""
        prefetch, self._prefetch = self._prefetch, None
        if prefetch is not None:
            await asyncio.gather(prefetch, return_exceptions=True)

    async def _after_failure(self, _error: Exception) -> None:
        await self._disconnect()

    async def _disconnect(self) -> None:
        await self._drop_prefetch()
        for connection in (self._reader, self._writer):
            if connection is not None:
                with suppress(psycopg.Error):
                    await in_thread(connection.close)
        self._reader = self._writer = None


def _tell(error: Exception, wait_seconds: float) -> None:
    logger.warning("relay.retry", error=type(error).__name__, wait_seconds=wait_seconds)
