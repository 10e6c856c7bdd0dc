"""Webhooks of one's own services, which have no log to publish to: the ledger's events, as structured CloudEvents.

They are passed on as they are. Source and book are the endpoint's, whatever the event says: what a sender may speak
for is settled where its secret is.
"""

from typing import Final

from consumers.processors.fields import moment, section, text
from consumers.processors.model import Context, Json, Mapped, PaymentEvent, Reason, Recorded
from schemas.events.registry import EVENT_TYPES

NAME: Final = "cloudevents"


def map_webhook(webhook: Json, context: Context) -> Mapped:  # noqa: ARG001 - an adapter
    """Raises `UnmappableError`."""
    event_type = text(webhook, "type")
    if event_type not in EVENT_TYPES:
        return Recorded(Reason.TYPE_UNKNOWN)
    subject, event_id = text(webhook, "subject"), text(webhook, "id")
    return (PaymentEvent(event_type, event_id, subject, moment(webhook, "time"), section(webhook, "data")),)
