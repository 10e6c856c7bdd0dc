"""Adyen: each item of a notification carries its own `hmacSignature`, base64 of HMAC-SHA256 over eight of its members.

Webhooks of Adyen's other products have no items: they are signed whole, in the header `HmacSignature`.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from api.webhooks.schemes.scheme import (
    MAX_TYPE_LENGTH,
    Delivery,
    SignatureError,
    UnreadableError,
    demand_match,
    digests,
    header,
    name_in,
    read_document,
)
from ledger_core.operations.webhooks.inbox import Webhook

MAX_ITEMS = 100
_NAME = re.compile(r"[A-Za-z0-9._ -]{1,200}")


@dataclass(frozen=True, slots=True, repr=False)
class AdyenScheme:
    """`keys` are the HMAC keys, read from their hexadecimal digits."""

    keys: tuple[bytes, ...]

    def open(self, delivery: Delivery) -> list[Webhook]:
        document = read_document(delivery.body)
        if "notificationItems" not in document:
            return [self._whole(document, delivery)]
        items = _items(document)
        for item in items:
            signature = _member(item, "additionalData", "hmacSignature")
            demand_match(digests(self.keys, signed_text(item).encode()), [_decoded(signature)])
        if len(items) == 1:
            return [_webhook(items[0], delivery.body)]
        return [_webhook(item, _alone(document, item)) for item in items]

    def _whole(self, document: Mapping[str, object], delivery: Delivery) -> Webhook:
        demand_match(digests(self.keys, delivery.body), [_decoded(header(delivery, "hmacsignature"))])
        names = (document.get("type"), document.get("eventType"), *document)
        event_type = next(name for name in names if isinstance(name, str) and _NAME.fullmatch(name))
        # None of these become events, and they have no id in common: a repeat is the same bytes.
        return Webhook(f"sha256:{hashlib.sha256(delivery.body).hexdigest()}", event_type, delivery.body)


def signed_text(item: Mapping[str, object]) -> str:
    """What an item's signature is over."""
    members = (
        ("pspReference",), ("originalReference",), ("merchantAccountCode",), ("merchantReference",),
        ("amount", "value"), ("amount", "currency"), ("eventCode",), ("success",),
    )  # fmt: skip
    return ":".join(_member(item, *path) for path in members)


def _member(item: Mapping[str, object], *path: str) -> str:
    value: object = item
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""


def _items(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    listed = document["notificationItems"]
    if not isinstance(listed, list) or not 0 < len(listed) <= MAX_ITEMS:
        raise UnreadableError("notificationItems is no list, empty, or too long")
    items = [each.get("NotificationRequestItem") if isinstance(each, dict) else None for each in listed]
    found: list[Mapping[str, object]] = [item for item in items if isinstance(item, dict)]
    if len(found) != len(listed):
        raise UnreadableError("an item is no NotificationRequestItem")
    return found


def _webhook(item: Mapping[str, object], document: bytes) -> Webhook:
    """Adyen repeats a notification under the same reference, code and success; a later success overrules a failure."""
    code, reference = name_in(item, "eventCode", MAX_TYPE_LENGTH), name_in(item, "pspReference", MAX_TYPE_LENGTH)
    return Webhook(f"{code}:{reference}:{_member(item, 'success')}"[:300], code, document)


def _alone(document: Mapping[str, object], item: Mapping[str, object]) -> bytes:
    """The same notification with one of its items."""
    return orjson.dumps({**document, "notificationItems": [{"NotificationRequestItem": item}]})


def _decoded(signature: str) -> bytes:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("the signature is not base64") from None
