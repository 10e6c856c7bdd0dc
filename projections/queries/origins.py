"""Where what stands in the log comes from: the upstream event with its record, and persons."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

PERSONS: Final = ("operator", "requested_by", "approved_by", "confirmed_by", "signed_off_by")


@dataclass(frozen=True, slots=True)
class LogRecord:
    """Where the record of an upstream event stands."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The upstream event: who says so, under which id; `record` is None for what came by no topic."""

    source: str
    event_id: str
    event_type: str
    revision: int
    record: LogRecord | None


def origin_of(state: Mapping[str, Any]) -> Origin:
    """The upstream event that a state names; its texts are empty where it names none."""
    cause = state.get("cause")
    return Origin(
        source=state.get("source", ""),
        event_id=state.get("event_id", ""),
        event_type=state.get("event_type", ""),
        revision=state.get("revision", 1),
        record=LogRecord(*cause) if isinstance(cause, list) else None,
    )


def persons_of(state: object) -> dict[str, str]:
    """Persons by what they did, wherever a state names them: at its top, or in what it says of a request.

    Several who did the same stand in one text, in the order of the state.
    """
    return dict(_persons(state))


def _persons(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in PERSONS and (persons := _names(inner)):
                yield name, persons
            yield from _persons(inner)


def _names(value: object) -> str:
    named = value if isinstance(value, list) else [value]
    return ", ".join(name for name in named if isinstance(name, str) and name)
