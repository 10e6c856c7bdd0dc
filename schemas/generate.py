"""Writes the JSON Schema of every event type, or with `--check` says which committed one is not up to date.

    python -m schemas.generate [--check]

One file per type for its data, one for the envelope in structured mode, and the AsyncAPI document of all.
"""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from schemas.asyncapi import asyncapi_text
from schemas.envelope import BOOK_CODE, MAX_ATTRIBUTE_LENGTH
from schemas.events.registry import EVENT_TYPES, WEBHOOK_TYPES

FOLDER = Path(__file__).parent / "json"
ASYNCAPI = Path(__file__).parent / "asyncapi.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE = "cloudevent"
PRINTABLE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]*$"
"""What attributes may hold, as `schemas.envelope` says it; lone surrogates are no text to begin with."""


def _either_case(text: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" if letter.isalpha() else re.escape(letter) for letter in text)


MEDIA_TYPE = (
    rf"^\s*(?!{_either_case('application/cloudevents')})"
    rf"(?:{_either_case('application/json')}|{_either_case('text/json')}|[^;]*{_either_case('+json')})\s*(?:;.*)?$"
)
"""JSON, and not a CloudEvent within a CloudEvent, as `schemas.envelope` says it."""


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, or 3 when `--check` found a difference."""
    wanted = {f"{name}.json": text for name, text in documents().items()}
    if "--check" in arguments:
        differing = differences(FOLDER, wanted)
        if not ASYNCAPI.exists() or ASYNCAPI.read_text("utf-8") != asyncapi_text():
            differing.append(ASYNCAPI.name)
        sys.stderr.writelines(f"{name} is not up to date: run python -m schemas.generate\n" for name in differing)
        return 3 if differing else 0
    FOLDER.mkdir(exist_ok=True)
    ASYNCAPI.write_text(asyncapi_text(), encoding="utf-8")
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for name in set(differences(FOLDER, wanted)):
        (FOLDER / name).unlink()
    return 0


def differences(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Names of the files in `folder` that differ from the wanted ones, are missing or are too many."""
    found = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    return sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))


def documents() -> dict[str, str]:
    """The text of every schema, by the name of its event type."""
    types = (*EVENT_TYPES, *WEBHOOK_TYPES)
    schemas = {event_type: data_schema(event_type) for event_type in types} | {ENVELOPE: envelope_schema()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}


def data_schema(event_type: str) -> dict[str, object]:
    """What the `data` of an event of this type must look like."""
    schema = TypeAdapter(EVENT_TYPES.get(event_type) or WEBHOOK_TYPES[event_type]).json_schema()
    _close(schema)
    return {"$schema": DIALECT, "$id": f"{event_type}.json", **schema, "title": event_type}


def _close(schema: object) -> None:
    """Where names of members follow a pattern, those that do not are refused."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema.setdefault("additionalProperties", False)
        for member in schema.values():
            _close(member)
    elif isinstance(schema, list):
        for member in schema:
            _close(member)


def envelope_schema() -> dict[str, object]:
    """What a whole event must look like in structured mode."""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_ATTRIBUTE_LENGTH, "pattern": PRINTABLE}
    attributes: dict[str, dict[str, object]] = {
        "specversion": {"const": "1.0"},
        "id": {**text, "description": "With book and source: which event this is. A repeat carries the same id"},
        "source": {
            **text,
            "not": {"pattern": "^(?:conflict$|ledger:)"},
            "description": "Who publishes: a URI reference",
        },
        "type": {"enum": list(EVENT_TYPES)},
        "subject": {**text, "description": "Order key: events of one subject stay in order. Also the Kafka key"},
        "time": {"type": "string", "format": "date-time", "description": "When it happened: effective_at"},
        "ledgerbook": {"type": "string", "pattern": f"^{BOOK_CODE.pattern}$", "not": {"const": "system"}},
    }
    optional = {"datacontenttype": {"type": "string", "pattern": MEDIA_TYPE, "examples": ["application/json"]}}
    return {
        "$schema": DIALECT,
        "$id": f"{ENVELOPE}.json",
        "title": "CloudEvent",
        "description": "A whole event in structured mode; in binary mode its attributes are headers, ce_ before each",
        "type": "object",
        "properties": {**attributes, **optional, "data": {"type": "object"}},
        "required": [*attributes, "data"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": event_type}}},
                "then": {"properties": {"data": {"$ref": f"{event_type}.json"}}},
            }
            for event_type in EVENT_TYPES
        ],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
