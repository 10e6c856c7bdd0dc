"""Faults of the record, and of data by themselves, which any message can have."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Code
from schemas.strict_json import MAX_BYTES, MAX_DEPTH

UNKNOWN_BOOK, DROPPED_BOOK = "nowhere", "gone"


def _bytes(change: Callable[[bytes], bytes]) -> Callable[[Message], Message]:
    return lambda message: message._replace(value=change(message.value))


def with_header(message: Message, name: str, value: str | None) -> Message:
    """The message with this header, or without it."""
    others = tuple((header, said) for header, said in message.headers if header != name)
    return message._replace(headers=others if value is None else (*others, (name, value.encode())))


def _header(name: str, value: str | None) -> Callable[[Message], Message]:
    return lambda message: with_header(message, name, value)


def _data(change: Callable[[dict[str, Any]], None]) -> Callable[[Message], Message]:
    def put(message: Message) -> Message:
        data = json.loads(message.value)
        change(data)
        return message._replace(value=json.dumps(data, separators=(",", ":")).encode())

    return put


def members(data: object, name: str) -> Iterator[dict[str, Any]]:
    """The objects in data that have such a member."""
    if isinstance(data, dict):
        if isinstance(data.get(name), str):
            yield data
        for value in data.values():
            yield from members(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from members(value, name)


def _first(name: str, value: str) -> Callable[[Message], Message]:
    return _data(lambda data: next(members(data, name)).__setitem__(name, value))


def _last(name: str, value: str) -> Callable[[Message], Message]:
    return _data(lambda data: [*members(data, name)][-1].__setitem__(name, value))


def _deep(data: dict[str, Any]) -> None:
    inner: list[object] = []
    for _ in range(MAX_DEPTH):
        inner = [inner]
    data["deep"] = inner


EARLY: Mapping[Code, Callable[[Message], Message]] = {
    Code.RECORD_TOO_LARGE: _bytes(lambda value: value + b" " * MAX_BYTES),
    Code.RECORD_EMPTY: _bytes(lambda _value: b""),
    Code.NOT_UTF8: _bytes(lambda value: value[:-1] + b',"\xff":1' + value[-1:]),
    Code.NOT_JSON: _bytes(lambda value: value + b"}"),
    Code.TOO_DEEP: _data(_deep),
    Code.DUPLICATE_JSON_KEY: _bytes(lambda value: b'{"twice":1,"twice":2,' + value[1:]),
    Code.ENVELOPE_INVALID: _header("ce_time", None),
    Code.BOOK_UNKNOWN: _header("ce_ledgerbook", UNKNOWN_BOOK),
    Code.BOOK_DROPPED: _header("ce_ledgerbook", DROPPED_BOOK),
    Code.IDEMPOTENCY_CONFLICT: _header("ce_id", "seen"),
    Code.EVENT_TYPE_UNKNOWN: _header("ce_type", "weather.changed.v1"),
    Code.SCHEMA_VERSION_UNKNOWN: _header("ce_type", "payment.captured.v9"),
    Code.SOURCE_NOT_ALLOWED: _header("ce_source", "/stranger"),
    Code.AMOUNT_NOT_POSITIVE: _first("amount_minor", "0"),
    Code.AMOUNT_INVALID: _last("amount_minor", "1e2"),
    Code.CURRENCY_UNKNOWN: _first("currency", "ZZZ"),
    Code.DATA_INVALID: _data(lambda data: data.__setitem__("surprise", 1)),
}
"""By code, in its order; written so that applying them from the last to the first leaves each in place."""


def fits(code: Code, message: Message) -> bool:
    """Has the message what this fault spoils?"""
    if not message.headers:
        return False
    named = [member for member in ("amount_minor", "currency") for _ in members(json.loads(message.value), member)]
    if code is Code.CURRENCY_UNKNOWN:
        return "currency" in named
    return code not in (Code.AMOUNT_NOT_POSITIVE, Code.AMOUNT_INVALID) or "amount_minor" in named
