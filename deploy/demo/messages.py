"""Payment events as a producer writes them to Kafka: CloudEvents in binary mode.

Knows nothing of the ledger's code: what it sends is what the documentation asks of any producer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

Headers = tuple[tuple[str, bytes], ...]


class Message(NamedTuple):
    """What is sent: the key decides the partition, so that an order's events stay in order."""

    key: bytes
    headers: Headers
    value: bytes


@dataclass(slots=True, frozen=True)
class Producer:
    """One service that publishes events into one book."""

    book: str
    source: str

    def event(self, event_type: str, event_id: str, order_key: str, time: str, data: Mapping[str, object]) -> Message:
        """One event. `time` is RFC 3339: when it happened."""
        headers = self.headers(event_type, event_id, order_key, time)
        return Message(order_key.encode(), headers, json.dumps(data, separators=(",", ":")).encode())

    def headers(self, event_type: str, event_id: str, order_key: str, time: str) -> Headers:
        return (
            ("ce_specversion", b"1.0"),
            ("ce_id", event_id.encode()),
            ("ce_source", self.source.encode()),
            ("ce_type", event_type.encode()),
            ("ce_time", time.encode()),
            ("ce_subject", order_key.encode()),
            ("ce_ledgerbook", self.book.encode()),
            ("content-type", b"application/json"),
        )


def rfc3339(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
