"""A payment event as a message: a CloudEvent in binary mode, as any producer would send it."""

from typing import Final

import orjson

from consumers.processors import cloud_events
from consumers.processors.model import PaymentEvent
from consumers.transport.ports import Outgoing


def source_of(processor: str, endpoint: str) -> str:
    """Who says it. A processor's ids are its own, whichever endpoint they came by; a service's are its endpoint's, and
    apart from them: no endpoint can be named so that its service speaks as a processor."""
    return f"/services/{endpoint}" if processor == cloud_events.NAME else f"/processors/{processor}"


CONTENT_TYPE: Final = b"application/json"


def message_of(event: PaymentEvent, *, topic: str, book: str, processor: str, endpoint: str) -> Outgoing:
    """The order key is the message's key, so that one payment's events stay in order."""
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", event.event_id.encode()),
        ("ce_source", source_of(processor, endpoint).encode()),
        ("ce_type", event.event_type.encode()),
        ("ce_time", event.time.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_ledgerbook", book.encode()),
        ("content-type", CONTENT_TYPE),
    )
    return Outgoing(topic, event.subject.encode(), orjson.dumps(event.data), headers)
