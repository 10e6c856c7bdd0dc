"""CloudEvents 1.0 on Kafka: the attributes that the ledger reads, in binary and in structured mode.

| attribute | means |
|---|---|
| `id`, `source` | with the book: which event this is, for good; a repeat carries the same |
| `type` | name and version of the data |
| `subject` | order key: the payment, refund or transfer whose events must stay in order |
| `time` | when it happened: effective_at |
| `ledgerbook` | the book whose event this is |
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.card_data import mask_text

STRUCTURED = "application/cloudevents+json"
SPEC_VERSION = "1.0"
RESERVED_BOOK = "system"
MAX_ATTRIBUTE_LENGTH = 200
REQUIRED = ("specversion", "id", "source", "type", "subject", "time", "ledgerbook")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
FIRST_US = (datetime(1, 1, 2, tzinfo=UTC) - EPOCH).days * DAY_US
LAST_US = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH).days * DAY_US

BOOK_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
# Not str.isprintable(), which changes its mind with each version of Unicode: a replay must decide as we did.
ATTRIBUTE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]{1,200}")
RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


class EnvelopeError(ValueError):
    """An attribute is missing or impossible; the text says which, and never its value."""


@dataclass(slots=True)
class Envelope:
    """The attributes of one event. `time_us`: microseconds since 1970-01-01 UTC."""

    book: str
    source: str
    event_id: str
    event_type: str
    subject: str
    time_us: int


def parts_of(headers: Sequence[tuple[str, bytes]], document: object) -> tuple[Mapping[str, object], object]:
    """Attributes and data of an event in either mode; `document` is what its value says. Raises `EnvelopeError`."""
    check_header_names(headers)
    if not is_structured(headers):
        return attributes_of_headers(headers), document
    if not isinstance(document, dict):
        raise EnvelopeError(f"neither ce_ headers nor an object of {STRUCTURED}")
    if "data" not in document:
        raise EnvelopeError("data are missing")
    return document, document["data"]


def attributes_of_headers(headers: Sequence[tuple[str, bytes]]) -> dict[str, str]:
    """Binary mode: the attributes in the `ce_` headers of a record; content-type as `datacontenttype`.

    Raises `EnvelopeError` for one that is given twice or is not UTF-8.
    """
    attributes: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        attribute = "datacontenttype" if lower == "content-type" else lower[3:] if lower.startswith("ce_") else ""
        if not attribute:
            continue
        if attribute in attributes:
            raise EnvelopeError("an attribute is given twice")
        try:
            attributes[attribute] = (value or b"").decode()
        except UnicodeDecodeError:
            raise EnvelopeError("an attribute is not UTF-8") from None
    return attributes


def check_header_names(headers: Sequence[tuple[str, bytes]]) -> None:
    """Raises `EnvelopeError` for a name that was not UTF-8: its bytes came as lone surrogates."""
    if any("\ud800" <= character <= "\udfff" for name, _ in headers for character in name):
        raise EnvelopeError("the name of a header is not UTF-8")


def is_structured(headers: Sequence[tuple[str, bytes]]) -> bool:
    """True when the whole event is in the record's value, by content type or for want of `ce_` headers."""
    for name, value in headers:
        if name.lower() == "content-type":
            return media_type((value or b"").decode("latin-1")) == STRUCTURED or not _has_attributes(headers)
    return not _has_attributes(headers)


def _has_attributes(headers: Sequence[tuple[str, bytes]]) -> bool:
    return any(name.lower().startswith("ce_") for name, _ in headers)


def media_type(content_type: str) -> str:
    """`application/json` of `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    media = media_type(content_type)
    return media in ("application/json", "text/json") or (
        media.endswith("+json") and not media.startswith("application/cloudevents")
    )


def envelope_of(attributes: Mapping[str, object]) -> Envelope:
    """The envelope in these attributes. Raises `EnvelopeError` for the first that is wrong."""
    if mask_text(" ".join(attributes)) != " ".join(attributes):
        raise EnvelopeError("the name of an attribute holds a card number")
    texts = {}
    for name in REQUIRED:
        value = attributes.get(name)
        if not isinstance(value, str):
            raise EnvelopeError(f"{name} is missing" if value is None else f"{name} is not a string")
        if ATTRIBUTE.fullmatch(value) is None:
            raise EnvelopeError(f"{name} is not 1 to {MAX_ATTRIBUTE_LENGTH} printable characters")
        texts[name] = value
    if texts["specversion"] != SPEC_VERSION:
        raise EnvelopeError(f"specversion is not {SPEC_VERSION}")
    content_type = attributes.get("datacontenttype", "application/json")
    if not isinstance(content_type, str) or not is_json(content_type):
        raise EnvelopeError("datacontenttype is not JSON")
    check_source(texts["source"])
    check_book(texts["ledgerbook"])
    try:
        time_us = parse_time_us(texts["time"])
    except ValueError:
        raise EnvelopeError("time is not an RFC 3339 date and time within the years 1 to 9999") from None
    return Envelope(texts["ledgerbook"], texts["source"], texts["id"], texts["type"], texts["subject"], time_us)


def check_book(code: str) -> None:
    """Raises `EnvelopeError` for what cannot be the code of a book that outsiders may write to."""
    if BOOK_CODE.fullmatch(code) is None:
        raise EnvelopeError("ledgerbook is not the code of a book")
    if code == RESERVED_BOOK:
        raise EnvelopeError("ledgerbook names the ledger's own book")


def check_source(source: str) -> None:
    """Raises `EnvelopeError` for a source under which the ledger itself keeps keys in the inbox."""
    if source == "conflict" or source.startswith("ledger:"):
        raise EnvelopeError("source names the ledger itself")


def _looks_usual(text: str) -> bool:
    """True for 2026-11-21T08:46:53.123456Z, by its separators alone: fromisoformat looks at the rest, but also takes
    much that is not RFC 3339. A third of the cost of the full pattern."""
    return (
        len(text) in (20, 24, 27) and text.isascii()
        and text[4] == text[7] == "-" and text[10] == "T" and text[13] == text[16] == ":"
        and text[19] in "Z." and text[-1] == "Z"
    )  # fmt: skip


def parse_time_us(text: str) -> int:
    """Microseconds since 1970-01-01 UTC of an RFC 3339 time; what is finer than a microsecond is cut off.

    Raises `ValueError`, also for a leap second, which has no place on this scale.
    """
    if not _looks_usual(text) and RFC_3339.fullmatch(text) is None:
        raise ValueError("not RFC 3339")
    since = datetime.fromisoformat(text.upper()) - EPOCH
    time_us = since.days * DAY_US + since.seconds * 1_000_000 + since.microseconds
    if not FIRST_US <= time_us < LAST_US:
        raise ValueError("out of range")
    return time_us
