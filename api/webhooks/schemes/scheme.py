"""What the schemes share: a delivery, the ways in which it can be refused, and comparing without telling."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ledger_core.operations.webhooks.inbox import Webhook
from schemas.strict_json import UnreadableJsonError, read_json

MAX_ID_LENGTH = 300
MAX_TYPE_LENGTH = 200


class SignatureError(Exception):
    """Nobody who knows the secret sent this. The text is for our log; the sender is not told more."""


class UnreadableError(Exception):
    """What was signed is no webhook; the text names no value of it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request: its headers by lower-case name, its very bytes, and the time in seconds since 1970."""

    headers: Mapping[str, str]
    body: bytes
    now_s: float


class Scheme(Protocol):
    """One endpoint's way of signing. Keys are given at construction; the first is the newest, all are accepted."""

    def open(self, delivery: Delivery) -> list[Webhook]:
        """What it holds, once its signature is found right. Raises `SignatureError`, `UnreadableError`."""
        ...


def header(delivery: Delivery, name: str) -> str:
    """Raises `SignatureError` when it is missing: these headers are part of a signature."""
    value = delivery.headers.get(name)
    if not value:
        raise SignatureError(f"{name} is missing")
    return value


def digests(keys: Iterable[bytes], message: bytes) -> list[bytes]:
    """HMAC-SHA256 under each key."""
    return [hmac.new(key, message, hashlib.sha256).digest() for key in keys]


def demand_match(expected: Iterable[bytes], given: Iterable[bytes]) -> None:
    """Raises `SignatureError` unless one is one. All pairs are compared, each in constant time."""
    offered = list(given)
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in offered]
    if not any(matches):
        raise SignatureError("no signature matches any of the secrets")


def demand_recent(timestamp_s: float, delivery: Delivery, tolerance_s: float) -> None:
    """Raises `SignatureError` for what was signed too long ago, or in the future."""
    if not abs(delivery.now_s - timestamp_s) <= tolerance_s:
        raise SignatureError("signed outside the tolerance")


def read_document(body: bytes) -> Mapping[str, object]:
    """The JSON object in these bytes. Raises `UnreadableError`."""
    try:
        document = read_json(body)
    except UnreadableJsonError as error:
        raise UnreadableError(f"{error.code}: {error.detail}") from None
    if not isinstance(document, dict):
        raise UnreadableError("it is no object")
    return document


def name_in(document: Mapping[str, object], member: str, longest: int) -> str:
    """A printable name. Raises `UnreadableError`."""
    value = document.get(member)
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise UnreadableError(f"{member} is missing, or no name")
    return value


def webhook_of(document: Mapping[str, object], body: bytes, *, id_member: str, type_member: str) -> Webhook:
    """The webhook that names itself in these members. Raises `UnreadableError`."""
    event_id = name_in(document, id_member, MAX_ID_LENGTH)
    return Webhook(event_id, name_in(document, type_member, MAX_TYPE_LENGTH), body)
