"""Webhooks of one's own services, which have no log to publish to: the ledger's events, as structured CloudEvents.

They are passed on as they are, once their envelope and schema are found right: what the ledger could never read is
told here, by the code that it would give. Source and book are the endpoint's, whatever the event says: what a sender
may speak for is settled where its secret is.
"""

from typing import Final

from consumers.processors.fields import section, text
from consumers.processors.model import Context, Json, Mapped, PaymentEvent, Reason, Recorded, UnmappableError
from ledger_core.operations.webhooks.inbox import CLOUD_EVENTS
from schemas.envelope import EnvelopeError, envelope_of
from schemas.events.registry import EVENT_TYPES
from schemas.producer import EventError, Producer

NAME: Final = CLOUD_EVENTS
OURS: Final = Producer("book", "/services/endpoint")
"""Stands for book and source while an event is looked at: they are put on it when it is sent."""


def map_webhook(webhook: Json, context: Context) -> Mapped:  # noqa: ARG001 - an adapter
    """Raises `UnmappableError`."""
    event_type = text(webhook, "type")
    if event_type not in EVENT_TYPES:
        return Recorded(Reason.TYPE_UNKNOWN)
    subject, event_id, time = text(webhook, "subject"), text(webhook, "id"), text(webhook, "time")
    data = section(webhook, "data")
    attributes = {name: value for name, value in webhook.items() if name != "data"}
    try:
        envelope_of({**attributes, "source": OURS.source, "ledgerbook": OURS.book})
        OURS.event(event_type, event_id, subject, time, data)
    except EnvelopeError as error:
        raise UnmappableError("ENVELOPE_INVALID", str(error)) from error
    except EventError as error:
        raise UnmappableError(error.code, error.detail) from error
    return (PaymentEvent(event_type, event_id, subject, time, data),)
