"""The producer's half of the contract: an event checked by its schema and envelope, as a Kafka message or a line.

Needs nothing but this package. What passes here the ledger can read; whether it posts, books and rules decide, and
whether its members fit each other (a proof without its other half, one person who signs twice): `ledgerctl event
validate` says that of an event without posting it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from schemas.envelope import STRUCTURED, EnvelopeError, attributes_of_headers, envelope_of
from schemas.events.explain import explain
from schemas.events.registry import EVENT_TYPES
from schemas.strict_json import MAX_BYTES, UnreadableJsonError, read_json

Headers = tuple[tuple[str, bytes], ...]


class EventError(ValueError):
    """The ledger would reject this event. `code` is the one that it would give."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Message(NamedTuple):
    """What is sent to the payments topic. The key decides the partition: events of one order key stay in order."""

    key: bytes
    value: bytes
    headers: Headers

    def line(self) -> bytes:
        """The same event in structured mode, as a line for `ledgerctl ingest`."""
        attributes = attributes_of_headers(self.headers)
        return json.dumps({**attributes, "data": json.loads(self.value)}, separators=(",", ":")).encode() + b"\n"


@dataclass(slots=True, frozen=True)
class Producer:
    """One service that publishes events into one book. `source` is its URI reference, such as `/shop/payments`."""

    book: str
    source: str

    def event(
        self, event_type: str, event_id: str, order_key: str, time: datetime | str, data: Mapping[str, object]
    ) -> Message:
        """One event in binary mode. Raises `EventError`.

        `event_id` names the fact (`payment-capture-<payment id>`), never a clock: a retry carries the same. `time` is
        when it happened: RFC 3339, or a datetime with its zone. Amounts in `data` are strings of minor units.
        """
        attributes = {
            "specversion": "1.0", "id": event_id, "source": self.source, "type": event_type, "time": _rfc3339(time),
            "subject": order_key, "ledgerbook": self.book,
        }  # fmt: skip
        try:
            envelope_of(attributes)
        except EnvelopeError as error:
            raise EventError("ENVELOPE_INVALID", str(error)) from error
        value = _json(data)
        _check(event_type, value)
        headers = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
        return Message(order_key.encode(), value, (*headers, ("content-type", b"application/json")))


STRUCTURED_HEADERS: Headers = (("content-type", STRUCTURED.encode()),)
"""Headers of a message whose value is a whole event, such as `Message.line` gives."""


def _rfc3339(time: datetime | str) -> str:
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise EventError("ENVELOPE_INVALID", "time has no zone")
    return time.astimezone(UTC).isoformat()


def _json(data: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise EventError("NOT_JSON", f"data: {error}") from error


def _check(event_type: str, value: bytes) -> None:
    if event_type not in EVENT_TYPES:
        raise EventError("EVENT_TYPE_UNKNOWN", f"none of {', '.join(EVENT_TYPES)}")
    if len(value) > MAX_BYTES:
        raise EventError("RECORD_TOO_LARGE", f"over {MAX_BYTES:,} bytes")
    try:
        _adapter(event_type).validate_json(value)
    except ValidationError as error:
        raise EventError(*_fault(error, value)) from error


def _fault(error: ValidationError, value: bytes) -> tuple[str, str]:
    """What the ledger would say: first of all whether the value can be read."""
    try:
        fault = explain(error, read_json(value))
    except UnreadableJsonError as unreadable:
        return unreadable.code, unreadable.detail
    return fault.code, fault.detail


@cache
def _adapter(event_type: str) -> TypeAdapter[Any]:
    return TypeAdapter(EVENT_TYPES[event_type])
