"""The publisher of webhooks over a log in memory or a real one, and what it sent."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from consumers.process import no_fault
from consumers.transport.memory import MemoryLog, MemorySink
from consumers.transport.ports import Partition
from consumers.webhooks.mapping import EndpointMapping, WebhookMapper
from consumers.webhooks.publisher import WebhookPublisher
from consumers.webhooks.stored import read_scales
from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase

TOPIC = "payments"
ENDPOINTS = {"stripe": EndpointMapping(payout_account="wallet:seller:{account}")}


@dataclass
class Publishing:
    """Publishers of one database to one topic of one partition."""

    database: TestDatabase
    log: MemoryLog
    metrics: "Counted"

    def publisher(self, labels: Callable[[str], None] = no_fault, **mapper: Any) -> WebhookPublisher:
        dsn = self.database.dsn()

        def scales() -> Mapping[str, int]:
            with connect(dsn, Role.PUBLISHER) as connection:
                return read_scales(connection)

        return WebhookPublisher(
            lambda: connect(dsn, Role.PUBLISHER),
            MemorySink(self.log),
            WebhookMapper(TOPIC, scales, **{"endpoints": ENDPOINTS, **mapper}),
            labels=labels,
            metrics=self.metrics,
        )

    def publish_all(self, labels: Callable[[str], None] = no_fault, **mapper: Any) -> int:
        """Until nothing is waiting; returns how many webhooks were taken."""

        async def work() -> int:
            publisher, taken = self.publisher(labels, **mapper), 0
            try:
                while now := await publisher.publish_once():
                    taken += now
            finally:
                await publisher.close()
            return taken

        return asyncio.run(work())

    def sent(self) -> list[dict[str, str]]:
        """The events on the topic, by their attributes."""
        records = self.log.log_of(Partition(TOPIC, 0)).records
        return [
            {name.removeprefix("ce_"): value.decode() for name, value in record.headers}
            | {"key": (record.key or b"").decode(), "data": json.loads(record.value or b"")}
            for record in records
        ]

    def sent_ids(self) -> list[str]:
        return [event["id"] for event in self.sent()]

    def captures(self) -> list[str]:
        """Ids of the captures, without the authorisations that they imply."""
        return [event["id"] for event in self.sent() if event["type"] == "payment.captured.v1"]


class Counted:
    """Metrics that a test can read."""

    def __init__(self) -> None:
        self.processed: dict[tuple[str, str, str], int] = {}
        self.waiting = 0
        self.healthy: dict[tuple[str, str], bool] = {}
        self.changes: list[tuple[str, str, bool]] = []

    def webhooks_processed(self, endpoint: str, outcome: str, code: str, count: int) -> None:
        self.processed[endpoint, outcome, code] = self.processed.get((endpoint, outcome, code), 0) + count

    def webhooks_waiting(self, count: int) -> None:
        self.waiting = count

    def adapter_healthy(self, endpoint: str, aspect: str, healthy: bool) -> None:
        self.healthy[endpoint, aspect] = healthy

    def adapter_health_changed(self, endpoint: str, aspect: str, healthy: bool) -> None:
        self.changes.append((endpoint, aspect, healthy))


def open_publishing(database: TestDatabase) -> Publishing:
    log = MemoryLog()
    asyncio.run(log.ensure_topics({TOPIC: 1}))
    return Publishing(database, log, Counted())
