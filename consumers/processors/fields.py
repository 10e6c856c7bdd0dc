"""Reads members of a webhook: what is missing or of another kind is named by its path, and no value is repeated."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from consumers.processors.model import Json, UnmappableError
from schemas.envelope import parse_time_us

IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,180}")
"""Somewhat shorter than an identifier of an event may be: what we put before it must fit too."""
MAX_AMOUNT: Final = 10**18 - 1
MAX_REASON_LENGTH: Final = 200
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def found(document: Json, *path: str) -> object:
    """What stands at this path; None where nothing does."""
    value: object = document
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def section(document: Json, *path: str) -> Json:
    """The object at this path."""
    value = found(document, *path)
    if not isinstance(value, dict):
        raise _missing(path, "is no object")
    return value


def sections(document: Json, *path: str) -> Sequence[Json]:
    """The objects of the list at this path; none where there is no list."""
    value = found(document, *path)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(document: Json, *path: str) -> str:
    """The text at this path, not empty."""
    value = found(document, *path)
    if not isinstance(value, str) or not value:
        raise _missing(path, "is no text")
    return value


def optional_text(document: Json, *path: str) -> str:
    """The text at this path, or nothing."""
    value = found(document, *path)
    return value if isinstance(value, str) else ""


def identifier(document: Json, *path: str) -> str:
    """An id that may stand in an event."""
    value = text(document, *path)
    if IDENTIFIER.fullmatch(value) is None:
        raise _missing(path, "is no identifier")
    return value


def word(document: Json, *path: str, otherwise: str) -> str:
    """A short name that may stand in an event, or another where there is none."""
    value = optional_text(document, *path)
    return value if IDENTIFIER.fullmatch(value) else otherwise


def only_word(document: Json, *path: str, otherwise: str) -> str:
    """The one short name in the list at this path, or another where there is none, or a choice."""
    value = found(document, *path)
    if not isinstance(value, list) or len(value) != 1:
        return otherwise
    return word({"only": value[0]}, "only", otherwise=otherwise)


def reason(document: Json, *path: str, otherwise: str) -> str:
    """Why something failed, in the processor's words, fit to stand in an event; other words where there are none."""
    value = _CONTROL_CHARACTERS.sub(" ", optional_text(document, *path)).strip()[:MAX_REASON_LENGTH].strip()
    return value or otherwise


def whole_number(document: Json, *path: str) -> int:
    """An integer from 0 up; true and false are none."""
    value = found(document, *path)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_AMOUNT:
        raise _missing(path, "is no whole number from 0 to 10^18 - 1")
    return value


def moment(document: Json, *path: str) -> str:
    """An RFC 3339 time."""
    value = text(document, *path)
    try:
        parse_time_us(value)
    except ValueError:
        raise _missing(path, "is no RFC 3339 time") from None
    return value


def time_of_epoch(document: Json, *path: str) -> str:
    """RFC 3339 of seconds since 1970."""
    seconds = whole_number(document, *path)
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        raise _missing(path, "is no time") from None


def _missing(path: Sequence[str], what: str) -> UnmappableError:
    return UnmappableError("DATA_INVALID", f"{'.'.join(path)} {what}")
