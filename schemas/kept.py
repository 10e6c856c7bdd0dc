"""What may be kept of a record: its bytes, key and headers without card numbers and verification values (I28).

An event that waits is read again from what is kept of it, so its identifiers and amounts stay. Bytes that belong to no
event that could be read keep nothing that passes for a card number.
"""

from collections.abc import Sequence

from schemas.card_data import Masked, mask_bytes, mask_document, mask_member, nothing
from schemas.envelope import is_structured
from schemas.events.members import ATTRIBUTES, keeps_of_data, keeps_of_event
from schemas.strict_json import UnreadableJsonError, read_json

Headers = Sequence[tuple[str, bytes]]


def masked_value(value: bytes, headers: Headers, event_type: str) -> Masked:
    """The JSON document of an event of this type, in either mode."""
    keeps = keeps_of_event(event_type) if is_structured(headers) else keeps_of_data(event_type)
    return mask_document(value, keeps)


def masked_whole(value: bytes) -> bytes:
    """Any bytes, whether they are a document or not: nothing is an identifier."""
    try:
        read_json(value)
    except UnreadableJsonError:
        return mask_bytes(value)
    return mask_document(value, nothing).document


def masked_headers(headers: Headers) -> list[tuple[str, bytes]]:
    """Those of an event: its attributes stay, for they say which event it is."""
    return [(name, value if _is_attribute(name) else _masked_header(name, value)) for name, value in headers]


def masked_key(key: bytes | None, order_key: str) -> bytes | None:
    """Of an event that was read: its order key, as it should be, or anything else."""
    return key if key is None or key == order_key.encode() else mask_bytes(key)


def _is_attribute(name: str) -> bool:
    lower = name.lower()
    return lower == "content-type" or (lower.startswith("ce_") and lower[3:] in ATTRIBUTES)


def _masked_header(name: str, value: bytes) -> bytes:
    try:
        return value and mask_member(name, value.decode()).encode()
    except UnicodeDecodeError:
        return mask_bytes(value)
