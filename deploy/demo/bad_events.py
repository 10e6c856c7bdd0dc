"""Every way in which a message can be wrong, as producers manage it: each kind under the code that it must get.

The table is the demonstration's and the tests' at once: to add a kind is a row here.
"""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from deploy.demo.messages import Headers, Message, Producer

CAPTURED = "payment.captured.v1"
STRUCTURED_HEADERS: Headers = (("content-type", b"application/cloudevents+json"),)


class BadKind(NamedTuple):
    """`make` builds a message from a well-formed capture with this event id, order key and time."""

    name: str
    code: str
    make: Callable[[Producer, str, str, str], Message]


def _value(value: bytes) -> Callable[[Producer, str, str, str], Message]:
    """Right headers, other bytes."""

    def make(producer: Producer, event_id: str, order_key: str, time: str) -> Message:
        return Message(order_key.encode(), producer.headers(CAPTURED, event_id, order_key, time), value)

    return make


def _data(**changes: object) -> Callable[[Producer, str, str, str], Message]:
    """A capture some of whose members are others; None takes one away."""

    def make(producer: Producer, event_id: str, order_key: str, time: str) -> Message:
        data = {"amount_minor": "1000", "currency": "BRL", "method": "card", "payment_id": order_key, **changes}
        kept = {name: value for name, value in data.items() if value is not None}
        return producer.event(CAPTURED, event_id, order_key, time, kept)

    return make


def _header(name: str, value: bytes | None) -> Callable[[Producer, str, str, str], Message]:
    """A good capture one of whose headers is another, or missing."""

    def make(producer: Producer, event_id: str, order_key: str, time: str) -> Message:
        good = _data()(producer, event_id, order_key, time)
        others = tuple(header for header in good.headers if header[0] != name)
        return good._replace(headers=others if value is None else (*others, (name, value)))

    return make


def _typed(event_type: str) -> Callable[[Producer, str, str, str], Message]:
    def make(producer: Producer, event_id: str, order_key: str, time: str) -> Message:
        return producer.event(event_type, event_id, order_key, time, {"payment_id": order_key})

    return make


def _structured(changes: Mapping[str, object]) -> Callable[[Producer, str, str, str], Message]:
    def make(producer: Producer, event_id: str, order_key: str, time: str) -> Message:
        event = {
            "specversion": "1.0", "id": event_id, "source": producer.source, "type": CAPTURED, "subject": order_key,
            "time": time, "ledgerbook": producer.book, "data": {"payment_id": order_key}, **changes,
        }  # fmt: skip
        kept = {name: value for name, value in event.items() if value is not None}
        return Message(order_key.encode(), STRUCTURED_HEADERS, json.dumps(kept).encode())

    return make


_GOOD = b'{"amount_minor":"1000","currency":"BRL","method":"card","payment_id":"p1"'

BAD_KINDS: tuple[BadKind, ...] = (
    BadKind("oversized", "RECORD_TOO_LARGE", _value(b'{"note":"' + b"x" * 1_000_000 + b'"}')),
    BadKind("tombstone", "RECORD_EMPTY", _value(b"")),
    BadKind("not UTF-8", "NOT_UTF8", _value(b'{"payment_id":"\xff\xfe"}')),
    BadKind("truncated", "NOT_JSON", _value(_GOOD)),
    BadKind("not JSON", "NOT_JSON", _value(b"amount=1000&currency=BRL")),
    BadKind("NaN", "NOT_JSON", _value(_GOOD + b',"commission_bps":NaN}')),
    BadKind("lone surrogate", "NOT_JSON", _value(b'{"payment_id":"\\ud800"}')),
    BadKind("deeply nested", "TOO_DEEP", _value(b"[" * 65 + b"]" * 65)),
    BadKind("bottomless", "TOO_DEEP", _value(b'{"a":' * 20_000 + b"1" + b"}" * 20_000)),
    BadKind("repeated key", "DUPLICATE_JSON_KEY", _value(_GOOD + b',"amount_minor":"9000"}')),
    BadKind("escaped repeated key", "DUPLICATE_JSON_KEY", _value(_GOOD + b',"amount_\\u006dinor":"9000"}')),
    BadKind("no id", "ENVELOPE_INVALID", _header("ce_id", None)),
    BadKind("no time", "ENVELOPE_INVALID", _header("ce_time", None)),
    BadKind("time without zone", "ENVELOPE_INVALID", _header("ce_time", b"2026-10-01T10:00:00")),
    BadKind("impossible date", "ENVELOPE_INVALID", _header("ce_time", b"2026-02-30T10:00:00Z")),
    BadKind("NUL in the subject", "ENVELOPE_INVALID", _header("ce_subject", b"order\x00")),
    BadKind("subject too long", "ENVELOPE_INVALID", _header("ce_subject", b"x" * 201)),
    BadKind("other specversion", "ENVELOPE_INVALID", _header("ce_specversion", b"0.3")),
    BadKind("not JSON by its type", "ENVELOPE_INVALID", _header("content-type", b"application/avro")),
    BadKind("the ledger's own book", "ENVELOPE_INVALID", _header("ce_ledgerbook", b"system")),
    BadKind("the ledger's own source", "ENVELOPE_INVALID", _header("ce_source", b"conflict")),
    BadKind("no attributes at all", "ENVELOPE_INVALID", lambda *_: Message(b"k", (), b'{"hello":"world"}')),
    BadKind("structured without data", "ENVELOPE_INVALID", _structured({"data": None})),
    BadKind("unknown type", "EVENT_TYPE_UNKNOWN", _typed("payment.disputed.v1")),
    BadKind("unknown version", "SCHEMA_VERSION_UNKNOWN", _typed("payment.captured.v9")),
    BadKind("zero amount", "AMOUNT_NOT_POSITIVE", _data(amount_minor="0")),
    BadKind("negative amount", "AMOUNT_NOT_POSITIVE", _data(amount_minor="-1000")),
    BadKind("amount with a point", "AMOUNT_INVALID", _data(amount_minor="10.00")),
    BadKind("amount as a float", "AMOUNT_INVALID", _data(amount_minor=10.5)),
    BadKind("amount as a number", "AMOUNT_INVALID", _data(amount_minor=1000)),
    BadKind("amount with an exponent", "AMOUNT_INVALID", _data(amount_minor="1e3")),
    BadKind("full-width digits", "AMOUNT_INVALID", _data(amount_minor="１２")),
    BadKind("twenty digits", "AMOUNT_INVALID", _data(amount_minor="1" * 20)),
    BadKind("true as an amount", "AMOUNT_INVALID", _data(amount_minor=True)),
    BadKind("unknown currency", "CURRENCY_UNKNOWN", _data(currency="XXQ")),
    BadKind("currency in small letters", "CURRENCY_UNKNOWN", _data(currency="brl")),
    BadKind("unknown member", "DATA_INVALID", _data(card="4111111111111111")),
    BadKind("no currency", "DATA_INVALID", _data(currency=None)),
    BadKind("NUL in an id", "DATA_INVALID", _data(payment_id="p\x00")),
    BadKind("commission over the whole", "DATA_INVALID", _data(
        beneficiaries=[{"account": "wallet:seller:1", "amount_minor": "1000", "commission_bps": 10_001}])),
    BadKind("too many beneficiaries", "DATA_INVALID", _data(
        beneficiaries=[{"account": f"wallet:seller:{n}", "amount_minor": "1"} for n in range(1001)])),
)  # fmt: skip
