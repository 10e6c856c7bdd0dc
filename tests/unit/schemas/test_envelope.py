"""Attributes of CloudEvents, in both modes, and times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import (
    EPOCH,
    Envelope,
    EnvelopeError,
    attributes_of_headers,
    envelope_of,
    is_structured,
    parse_time_us,
)

GOOD = {
    "specversion": "1.0",
    "id": "payment-capture-1",
    "source": "/psp",
    "type": "payment.captured.v1",
    "subject": "pay-1",
    "time": "2026-10-01T10:00:00Z",
    "ledgerbook": "demo",
}


def test_good_attributes_become_an_envelope() -> None:
    expected = Envelope("demo", "/psp", "payment-capture-1", "payment.captured.v1", "pay-1", 1_790_848_800_000_000)
    assert envelope_of(GOOD) == expected


def test_attributes_that_we_do_not_know_are_left_alone() -> None:
    assert envelope_of({**GOOD, "partitionkey": "pay-1", "traceparent": "00-1-2-03"}) == envelope_of(GOOD)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("specversion", "0.3", "specversion is not 1.0"),
        ("id", "", "id is not 1 to 200"),
        ("id", "x" * 201, "id is not 1 to 200"),
        ("id", "a\x00b", "id is not 1 to 200"),
        ("id", "a\nb", "id is not 1 to 200"),
        ("id", 7, "id is not a string"),
        ("subject", "\ud800", "subject is not 1 to 200"),
        ("subject", None, "subject is missing"),
        ("source", "conflict", "source names the ledger itself"),
        ("source", "ledger:undecodable", "source names the ledger itself"),
        ("ledgerbook", "system", "ledgerbook names the ledger's own book"),
        ("ledgerbook", "Demo", "ledgerbook is not the code of a book"),
        ("ledgerbook", "a" * 64, "ledgerbook is not the code of a book"),
        ("time", "yesterday", "time is not"),
        ("datacontenttype", "application/avro", "datacontenttype is not JSON"),
        ("datacontenttype", "application/cloudevents+json", "datacontenttype is not JSON"),
    ],
)
def test_bad_attribute_is_named(name: str, value: object, reason: str) -> None:
    with pytest.raises(EnvelopeError, match=f"^{reason}"):
        envelope_of({**GOOD, name: value})


def test_first_bad_attribute_is_the_one_named() -> None:
    with pytest.raises(EnvelopeError, match=r"^specversion"):
        envelope_of({**GOOD, "specversion": "2", "source": "conflict", "time": "noon"})


def test_headers_give_attributes_whatever_their_case() -> None:
    headers = [("ce_id", b"1"), ("CE_Type", b"t"), ("Content-Type", b"application/json"), ("traceparent", b"x")]
    assert attributes_of_headers(headers) == {"id": "1", "type": "t", "datacontenttype": "application/json"}


def test_attribute_given_twice_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="twice"):
        attributes_of_headers([("ce_id", b"1"), ("ce_id", b"2")])


def test_attribute_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="UTF-8"):
        attributes_of_headers([("ce_id", b"\xff")])


@pytest.mark.parametrize(
    ("headers", "structured"),
    [
        ((), True),
        ((("content-type", b"application/json"),), True),
        ((("content-type", b"application/cloudevents+json; charset=utf-8"),), True),
        ((("ce_id", b"1"), ("content-type", b"application/cloudevents+json")), True),
        ((("ce_id", b"1"),), False),
        ((("content-type", b"application/json"), ("ce_id", b"1")), False),
    ],
)
def test_mode_is_told_by_headers(headers: tuple[tuple[str, bytes], ...], structured: bool) -> None:
    assert is_structured(headers) is structured


@pytest.mark.parametrize(
    ("text", "time_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("1970-01-01T00:00:00.1234569Z", 123_456),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01t01:00:00z", 3_600_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T21:00:00-03:00", 0),
        ("2026-11-21T08:46:53.000000Z", 1_795_250_813_000_000),
    ],
)
def test_time_is_exact_to_the_microsecond(text: str, time_us: int) -> None:
    assert parse_time_us(text) == time_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21",
        "2026-11-21T08:46:53",
        "2026-11-21 08:46:53Z",
        "20261121T084653Z",
        "2026-W47-6T08:46:53Z",
        "2026-11-21T08:46:60Z",
        "2026-11-21T24:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-21T08:46:53,5Z",
        "2026-11-21T08:46:53.Z",
        "2026-11-21T08:46:53.+12Z",
        "２０２６-11-21T08:46:53Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "10000-01-01T00:00:00Z",
    ],
)
def test_what_is_not_rfc_3339_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time_us(text)


@given(
    st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31)),  # noqa: DTZ001 - zone follows
    st.integers(-14 * 60, 14 * 60),
)
def test_any_time_in_any_zone_comes_back(moment: datetime, offset_minutes: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert EPOCH + timedelta(microseconds=parse_time_us(zoned.isoformat())) == zoned
    text = zoned.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert EPOCH + timedelta(microseconds=parse_time_us(text)) == zoned
