"""The AsyncAPI 3 document: what the ledger takes and publishes, on which topics. Made from the table of event types."""

import inspect
import json
from collections.abc import Iterable, Mapping

from schemas.envelope import MAX_ATTRIBUTE_LENGTH
from schemas.events.registry import EVENT_TYPES, WEBHOOK_TYPES

TITLE = "Ledger"
PAYMENTS, LEDGER, WEBHOOKS = "payments.events.v1", "ledger.events.v1", "webhooks.events.v1"


def asyncapi_text() -> str:
    return json.dumps(asyncapi(), indent=2, ensure_ascii=False) + "\n"


def asyncapi() -> dict[str, object]:
    """The whole document. Schemas of data stay in files of their own, one a type."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": "1",
            "description": "CloudEvents 1.0 on Kafka. What upstream services say, and what the ledger made of it.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "payments": {
                "address": PAYMENTS,
                "description": "What upstream services say, keyed by order key",
                "messages": _references(EVENT_TYPES),
            },
            "ledger": {
                "address": LEDGER,
                "description": "What the ledger made of it, keyed by book, in the order of positions",
                "messages": {"ledger": {"$ref": "#/components/messages/ledger"}},
            },
            "webhooks": {
                "address": WEBHOOKS,
                "description": "What happened to webhooks and their adapters, keyed by book and endpoint, in order",
                "messages": _references(WEBHOOK_TYPES),
            },
        },
        "operations": {
            "takePayments": {"action": "receive", "channel": {"$ref": "#/channels/payments"}},
            "publishLedger": {"action": "send", "channel": {"$ref": "#/channels/ledger"}},
            "publishWebhooks": {"action": "send", "channel": {"$ref": "#/channels/webhooks"}},
        },
        "components": {
            "messages": {
                **{name: _message(name, schema) for name, schema in (*EVENT_TYPES.items(), *WEBHOOK_TYPES.items())},
                "ledger": _ledger(),
            },
            "schemas": {"attributes": _attributes()},
        },
    }


def _references(event_types: Iterable[str]) -> dict[str, object]:
    return {event_type: {"$ref": f"#/components/messages/{event_type}"} for event_type in event_types}


def _message(event_type: str, schema: type) -> dict[str, object]:
    return {
        "name": event_type,
        "summary": (inspect.getdoc(schema) or "").partition("\n\n")[0].replace("\n", " "),
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/attributes"},
        "payload": {"$ref": f"json/{event_type}.json"},
    }


def _ledger() -> dict[str, object]:
    return {
        "name": "ledger",
        "summary": "One event of a book's log, in structured mode",
        "contentType": "application/cloudevents+json",
        "payload": {"type": "object", "required": ["id", "source", "type", "ledgerbook", "ledgerposition", "data"]},
    }


def _attributes() -> Mapping[str, object]:
    """Of binary mode; in structured mode they stand beside `data`, without `ce_`."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE_LENGTH}
    names = ("ce_id", "ce_source", "ce_type", "ce_subject", "ce_ledgerbook")
    time = {"type": "string", "format": "date-time"}
    properties = {**dict.fromkeys(names, text), "ce_time": time, "ce_specversion": {"const": "1.0"}}
    return {"type": "object", "properties": properties, "required": list(properties)}
