"""The producer's half of the contract: what it lets pass the decoder reads, and it refuses by the decoder's codes."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from importlib.resources import files
from typing import Any

import pytest

from consumers.decode import Decoder
from schemas.envelope import STRUCTURED
from schemas.events.registry import EVENT_TYPES
from schemas.producer import STRUCTURED_HEADERS, EventError, Message, Producer

SHOP = Producer("shop", "/shop/payments")
ASSETS = {"EUR": 1, "USD": 2, "BRL": 3, "GEL": 4}
CAPTURE = {"payment_id": "p-1", "amount_minor": "10000", "currency": "EUR", "method": "card"}


@dataclass
class Arrived:
    """A message as a consumer gets it."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    topic: str = "payments.events.v1"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0


def example(event_type: str) -> dict[str, object]:
    document = json.loads((files("schemas") / "examples" / f"{event_type}.json").read_text("utf-8"))
    data: dict[str, object] = document["data"]
    return data


def capture(**changes: object) -> Message:
    return SHOP.event("payment.captured.v1", "capture-p-1", "p-1", "2026-11-21T08:46:53Z", {**CAPTURE, **changes})


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_the_decoder_reads_what_a_producer_makes_in_either_mode(event_type: str) -> None:
    message = SHOP.event(event_type, "e-1", "h-1", "2026-11-21T08:46:53Z", example(event_type))
    decoder = Decoder(ASSETS)
    binary = decoder.decode(Arrived(message.key, message.value, message.headers))
    structured = decoder.decode(Arrived(None, message.line().rstrip(b"\n"), STRUCTURED_HEADERS))
    for incoming in (binary, structured):
        assert (incoming.book, incoming.source, incoming.event_id) == ("shop", "/shop/payments", "e-1")
        assert incoming.event_type == event_type
    assert binary.fact == structured.fact
    assert binary.fingerprint == structured.fingerprint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount_minor": "0"}, "AMOUNT_NOT_POSITIVE"),
        ({"amount_minor": "1.5"}, "AMOUNT_INVALID"),
        ({"amount_minor": 100}, "AMOUNT_INVALID"),
        ({"currency": "euro!"}, "CURRENCY_UNKNOWN"),
        ({"colour": "red"}, "DATA_INVALID"),
        ({"method": None}, "DATA_INVALID"),
    ],
)
def test_wrong_data_are_refused_before_they_are_sent_by_the_code_that_the_ledger_would_give(
    change: dict[str, object], code: str
) -> None:
    with pytest.raises(EventError) as refused:
        capture(**change)
    assert refused.value.code == code
    value = json.dumps({**CAPTURE, **change}).encode()
    decoded = Decoder(ASSETS).decode(Arrived(b"p-1", value, capture().headers))
    assert decoded.refusal is not None
    assert decoded.refusal.code.value == code


@pytest.mark.parametrize(
    ("producer", "event_type", "event_id", "time", "code"),
    [
        (Producer("No Book", "/shop"), "payment.captured.v1", "e", "2026-11-21T08:46:53Z", "ENVELOPE_INVALID"),
        (Producer("shop", "ledger:me"), "payment.captured.v1", "e", "2026-11-21T08:46:53Z", "ENVELOPE_INVALID"),
        (SHOP, "payment.captured.v1", "", "2026-11-21T08:46:53Z", "ENVELOPE_INVALID"),
        (SHOP, "payment.captured.v1", "e", "yesterday", "ENVELOPE_INVALID"),
        (SHOP, "payment.vanished.v1", "e", "2026-11-21T08:46:53Z", "EVENT_TYPE_UNKNOWN"),
    ],
)
def test_a_wrong_envelope_is_refused(producer: Producer, event_type: str, event_id: str, time: str, code: str) -> None:
    with pytest.raises(EventError) as refused:
        producer.event(event_type, event_id, "p-1", time, CAPTURE)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("event_id", "time", "data", "code"),
    [
        ("e\ud800", "2026-11-21T08:46:53Z", CAPTURE, "ENVELOPE_INVALID"),
        (None, "2026-11-21T08:46:53Z", CAPTURE, "ENVELOPE_INVALID"),
        ("e", None, CAPTURE, "ENVELOPE_INVALID"),
        ("e", "2026-11-21T08:46:53Z", {**CAPTURE, "amount_minor": float("nan")}, "NOT_JSON"),
        ("e", "2026-11-21T08:46:53Z", {**CAPTURE, "method": b"card"}, "NOT_JSON"),
        ("e", "2026-11-21T08:46:53Z", {**CAPTURE, "method": "\ud800"}, "NOT_JSON"),
    ],
)
def test_what_can_be_no_event_at_all_is_refused_by_name(event_id: Any, time: Any, data: Any, code: str) -> None:
    """Any: what callers without types hand over."""
    with pytest.raises(EventError) as refused:
        SHOP.event("payment.captured.v1", event_id, "p-1", time, data)
    assert refused.value.code == code


def test_a_time_with_a_zone_is_written_in_utc_and_one_without_is_refused() -> None:
    noon = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=4)))
    message = SHOP.event("payment.captured.v1", "e", "p-1", noon, CAPTURE)
    assert dict(message.headers)["ce_time"] == b"2026-11-21T08:00:00+00:00"
    with pytest.raises(EventError, match="no zone"):
        SHOP.event("payment.captured.v1", "e", "p-1", noon.astimezone(UTC).replace(tzinfo=None), CAPTURE)


def test_data_too_large_are_refused() -> None:
    with pytest.raises(EventError) as refused:
        capture(payment_id="x" * 1_000_001)
    assert refused.value.code == "RECORD_TOO_LARGE"


def test_structured_headers_name_the_media_type() -> None:
    assert (("content-type", STRUCTURED.encode()),) == STRUCTURED_HEADERS
