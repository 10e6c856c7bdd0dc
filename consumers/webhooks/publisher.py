"""The publisher: puts stored webhooks on the payments topic, in order per endpoint, at least once.

Messages go out first; a feed's place moves by compare-and-set after their acknowledgement. A crash between the two
repeats messages, and the ids of their events name facts, so that a repeat is known again: nothing changes downstream.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

import psycopg
import structlog

from consumers.process import no_fault
from consumers.rounds import Rounds, WhenIdle
from consumers.threads import in_thread
from consumers.transport.ports import Sink
from consumers.webhooks.mapping import Processed, WebhookMapper
from consumers.webhooks.stored import Chunk, Feed, read_chunks, settle
from ledger_core.operations.webhooks.health import Aspect, change_health

PAUSES = WhenIdle(0.005, 0.100)

LABELS = ("webhooks.read", "webhooks.sent", "webhooks.settled")
"""Points at which a fault may strike: webhooks read and mapped, messages acknowledged, outcomes written."""

log = structlog.get_logger(__name__)


class PublisherMetrics(Protocol):
    """What the publisher reports."""

    def webhooks_processed(self, endpoint: str, outcome: str, code: str, count: int) -> None: ...

    def webhooks_waiting(self, count: int) -> None: ...

    def adapter_healthy(self, endpoint: str, aspect: str, healthy: bool) -> None: ...

    def adapter_health_changed(self, endpoint: str, aspect: str, healthy: bool) -> None: ...


class NoPublisherMetrics:
    """Nobody measures."""

    def webhooks_processed(self, endpoint: str, outcome: str, code: str, count: int) -> None: ...

    def webhooks_waiting(self, count: int) -> None: ...

    def adapter_healthy(self, endpoint: str, aspect: str, healthy: bool) -> None: ...

    def adapter_health_changed(self, endpoint: str, aspect: str, healthy: bool) -> None: ...


class WebhookPublisher:
    """One publisher; two at once repeat messages. `connect` opens connections as its role, `run` starts the sink."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        sink: Sink,
        mapper: WebhookMapper,
        *,
        labels: Callable[[str], None] = no_fault,
        metrics: PublisherMetrics | None = None,
    ) -> None:
        self._connect = connect
        self._sink = sink
        self._mapper = mapper
        self._labels = labels
        self._metrics = metrics or NoPublisherMetrics()
        self._connection: psycopg.Connection | None = None
        self._known_health: dict[tuple[Feed, Aspect], bool] = {}
        self._sending: Feed | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set. Outages are waited out; `TopicMissing` comes out."""
        rounds = Rounds(self.publish_once, self._after_failure, self.close, _tell, PAUSES)
        await rounds.run(stop, self._sink)

    async def publish_once(self) -> int:
        """One round over all feeds; returns how many webhooks it took. The sink must be started."""
        chunks = await in_thread(self._read)
        self._metrics.webhooks_waiting(sum(chunk.waiting + len(chunk.webhooks) for chunk in chunks))
        for chunk in chunks:
            await self._publish(chunk)
        return sum(len(chunk.webhooks) for chunk in chunks)

    async def close(self) -> None:
        """Let go of the database; `publish_once` connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await in_thread(connection.close)

    async def _publish(self, chunk: Chunk) -> None:
        processed = await in_thread(self._process, chunk)
        self._labels("webhooks.read")
        messages = [message for one in processed for message in one.messages]
        if messages:
            self._sending = chunk.feed
            await self._sink.send(messages)
            self._sending = None
        self._labels("webhooks.sent")
        settled = await in_thread(self._settle, chunk, processed, bool(messages))
        self._labels("webhooks.settled")
        if not settled:
            log.info("webhooks.another_was_faster", endpoint=chunk.feed.endpoint)
            return
        for (outcome, code), count in Counter((one.outcome, one.code) for one in processed).items():
            self._metrics.webhooks_processed(chunk.feed.endpoint, outcome, code, count)
        for one in processed:
            said = {"endpoint": chunk.feed.endpoint, "number": one.webhook.number, "attempt": one.webhook.attempt}
            log.info("webhook.processed", **said, outcome=one.outcome, code=one.code)

    def _process(self, chunk: Chunk) -> list[Processed]:
        return [self._mapper.process(chunk.feed, webhook) for webhook in chunk.webhooks]

    def _read(self) -> list[Chunk]:
        return read_chunks(self._connected())

    def _settle(self, chunk: Chunk, processed: Sequence[Processed], sent: bool) -> bool:
        connection = self._connected()
        settled = settle(connection, chunk, processed)
        if sent:
            self._report(connection, chunk.feed, Aspect.PUBLISHING, True, "")
        tried = [one for one in processed if one.outcome != "RECORDED"]
        if tried:
            last = tried[-1]
            self._report(connection, chunk.feed, Aspect.MAPPING, last.outcome == "PUBLISHED", last.code)
        return settled

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.autocommit = True
        return self._connection

    async def _after_failure(self, error: Exception) -> None:
        feed, self._sending = self._sending, None
        if feed is not None and not isinstance(error, psycopg.Error):
            with suppress(psycopg.Error):
                reason = type(error).__name__
                await in_thread(lambda: self._report(self._connected(), feed, Aspect.PUBLISHING, False, reason))
        await self.close()

    def _report(self, connection: psycopg.Connection, feed: Feed, aspect: Aspect, healthy: bool, reason: str) -> None:
        """Asks the database only about what this process has not said last."""
        if self._known_health.get((feed, aspect)) is healthy:
            return
        if change_health(connection, feed.book_id, feed.endpoint, aspect, healthy=healthy, reason=reason):
            log.warning("adapter.health_changed", endpoint=feed.endpoint, aspect=aspect.value, healthy=healthy)
            self._metrics.adapter_health_changed(feed.endpoint, aspect.value, healthy)
        self._known_health[feed, aspect] = healthy
        self._metrics.adapter_healthy(feed.endpoint, aspect.value, healthy)


def _tell(error: Exception, wait_seconds: float) -> None:
    log.warning("webhooks.retry", error=type(error).__name__, wait_seconds=wait_seconds)
