"""The teller: puts on a topic what happened to webhooks and their adapters, at least once.

A notice is removed after the topic has acknowledged it. A crash between the two tells it again under the same id. Money
does not wait for it: where the topic is missing, notices wait, and payments are published all the same.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, Protocol

import orjson
import psycopg
import structlog

from consumers.process import no_fault
from consumers.rounds import Rounds, WhenIdle
from consumers.threads import in_thread
from consumers.transport.ports import Outgoing, Sink, TopicMissing, TransportUnavailable

PAUSES: Final = WhenIdle(0.005, 0.200)
AT_ONCE: Final = 500
LABELS: Final = ("notices.read", "notices.sent", "notices.removed")
"""Points at which a fault may strike: notices read, acknowledged, removed."""

# By their key in a book, which is the order in which an endpoint's were written.
NEWS: Final[LiteralString] = """
    SELECT untold.book_id, directory.code, untold.notice_id, untold.endpoint, untold.type, untold.at, untold.number,
        untold.ordinal, untold.detail
    FROM webhook.untold JOIN ledger.book_directory AS directory USING (book_id)
    ORDER BY untold.book_id, untold.notice_id LIMIT %s
"""
REMOVE: Final[LiteralString] = """
    DELETE FROM webhook.untold USING unnest(%s::integer[], %s::bigint[]) AS told (book_id, notice_id)
    WHERE untold.book_id = told.book_id AND untold.notice_id = told.notice_id
"""
CONTENT_TYPE: Final = b"application/json"

log = structlog.get_logger(__name__)


class NoticeMetrics(Protocol):
    """What the teller reports."""

    def webhook_notices_sent(self, count: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened to a webhook, or to an endpoint (`number` is None)."""

    book_id: int
    book: str
    notice_id: int
    endpoint: str
    type: str
    at: datetime
    number: int | None
    ordinal: int
    detail: dict[str, Any]  # as its table says it; the schema of the type knows the members


class NoticeTeller:
    """One teller; two at once repeat messages. `connect` opens connections as the publisher's role."""

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        sink: Sink,
        topic: str,
        *,
        metrics: NoticeMetrics,
        labels: Callable[[str], None] = no_fault,
    ) -> None:
        self._connect = connect
        self._sink = sink
        self._topic = topic
        self._metrics = metrics
        self._labels = labels
        self._connection: psycopg.Connection | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until `stop` is set. Outages are waited out, and so is a topic that is not there yet."""
        await Rounds(self.tell_once, self._recover, self.close, _say, PAUSES).run(stop, self._sink)

    async def tell_once(self) -> int:
        """One round; returns how many were told. The sink must be started."""
        notices = await in_thread(self._read)
        self._labels("notices.read")
        if not notices:
            return 0
        try:
            await self._sink.send([message_of(self._topic, notice) for notice in notices])
        except TopicMissing as missing:
            raise TransportUnavailable(f"the topic {self._topic} is missing") from missing
        self._labels("notices.sent")
        await in_thread(self._remove, notices)
        self._labels("notices.removed")
        self._metrics.webhook_notices_sent(len(notices))
        return len(notices)

    async def close(self) -> None:
        """Let go of the database; `tell_once` connects again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                await in_thread(connection.close)

    async def _recover(self, _error: Exception) -> None:
        await self.close()

    def _read(self) -> list[Notice]:
        return [Notice(*row) for row in self._connected().execute(NEWS, (AT_ONCE,))]

    def _remove(self, notices: Sequence[Notice]) -> None:
        keys = [notice.book_id for notice in notices], [notice.notice_id for notice in notices]
        self._connected().execute(REMOVE, keys)

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.autocommit = True
        return self._connection


def message_of(topic: str, notice: Notice) -> Outgoing:
    """A CloudEvent in binary mode. Its id names the fact, and its key keeps an endpoint's notices in order."""
    what = str(notice.number) if notice.number is not None else str(notice.detail["aspect"])
    data: dict[str, object] = {"endpoint": notice.endpoint, **notice.detail}
    if notice.number is not None:
        data["number"] = notice.number
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{notice.type}:{notice.endpoint}:{what}:{notice.ordinal}".encode()),
        ("ce_source", f"/webhooks/{notice.endpoint}".encode()),
        ("ce_type", f"{notice.type}.v1".encode()),
        ("ce_time", notice.at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", f"{notice.endpoint}:{what}".encode()),
        ("ce_ledgerbook", notice.book.encode()),
        ("content-type", CONTENT_TYPE),
    )
    return Outgoing(topic, f"{notice.book}/{notice.endpoint}".encode(), orjson.dumps(data), headers)


def _say(error: Exception, wait_seconds: float) -> None:
    log.warning("webhook_notices.retry", error=type(error).__name__, detail=str(error), wait_seconds=wait_seconds)
