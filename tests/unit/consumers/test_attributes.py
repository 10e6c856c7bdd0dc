"""Attributes and times as columns say what each record says alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.attributes import TEXTS_KEPT, AttributeReader
from consumers.decode import PIECE, Decoder
from consumers.times import FEW, parse_times_us
from consumers.transport.ports import StoredRecord
from deploy.demo.messages import Producer
from ledger_core.domain.incoming import Incoming
from ledger_core.domain.outcomes import Code
from schemas.envelope import parse_time_us

ASSETS = {"BRL": 986}
DECODER, ALONE = Decoder(ASSETS), Decoder(ASSETS)
CAPTURE = {"amount_minor": "100", "currency": "BRL", "method": "card", "payment_id": "p1"}
TIME = "2026-10-01T10:00:00.123456Z"
REORDERED = (("ce_more", b"x"), ("ce_id", b"e2"))
USUAL = 30


def captured(number: int, *, book: str = "demo", source: str = "/psp") -> StoredRecord:
    message = Producer(book, source).event("payment.captured.v1", f"e{number}", f"o{number}", TIME, CAPTURE)
    return StoredRecord("payments", 3, number, 0, message.key, message.value, message.headers)


def with_header(record: StoredRecord, name: str, value: bytes) -> StoredRecord:
    """The same record where this header says something else; at the end, where it had none."""
    kept = [(known, value if known == name else said) for known, said in record.headers]
    return replace(record, headers=kept if name in dict(record.headers) else [*kept, (name, value)])


ODD: dict[str, tuple[Callable[[StoredRecord], StoredRecord], Code | None]] = {
    "another layout": (lambda record: replace(record, headers=record.headers[::-1]), None),
    "a header more": (lambda record: with_header(record, "traceparent", b"00-1"), None),
    "no content type": (lambda record: replace(record, headers=[h for h in record.headers if h[0][:2] == "ce"]), None),
    "another content type": (lambda record: with_header(record, "content-type", b"text/json"), None),
    "not JSON": (lambda record: with_header(record, "content-type", b"text/xml"), Code.ENVELOPE_INVALID),
    "a line break": (lambda record: with_header(record, "ce_id", b"e\n1"), Code.ENVELOPE_INVALID),
    "two line breaks": (lambda record: with_header(record, "ce_subject", b"\n"), Code.ENVELOPE_INVALID),
    "no id": (lambda record: with_header(record, "ce_id", b""), Code.ENVELOPE_INVALID),
    "too long": (lambda record: with_header(record, "ce_id", b"e" * 201), Code.ENVELOPE_INVALID),
    "beyond ASCII": (lambda record: with_header(record, "ce_subject", "größe".encode()), None),
    "not UTF-8": (lambda record: with_header(record, "ce_subject", b"\xff"), Code.ENVELOPE_INVALID),
    "given twice": (
        lambda record: replace(record, headers=[*record.headers, ("ce_id", b"e9")]), Code.ENVELOPE_INVALID
    ),
    "another type": (
        lambda record: with_header(record, "ce_type", b"payment.captured.v9"), Code.SCHEMA_VERSION_UNKNOWN
    ),
    "another version": (lambda record: with_header(record, "ce_specversion", b"0.3"), Code.ENVELOPE_INVALID),
    "another zone": (lambda record: with_header(record, "ce_time", b"2026-10-01T12:00:00+02:00"), None),
    "no time": (lambda record: with_header(record, "ce_time", b"2026-02-30T12:00:00.123456Z"), Code.ENVELOPE_INVALID),
    "the ledger's own source": (lambda record: with_header(record, "ce_source", b"ledger:x"), Code.ENVELOPE_INVALID),
    "the ledger's own book": (lambda record: with_header(record, "ce_ledgerbook", b"system"), Code.ENVELOPE_INVALID),
    "no value": (lambda record: replace(record, value=None), Code.RECORD_EMPTY),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_an_odd_record_changes_nothing_for_its_neighbours(name: str) -> None:
    make_odd, code = ODD[name]
    usual = [captured(number) for number in range(USUAL)]
    records = [*usual[:11], make_odd(captured(USUAL)), *usual[11:]]
    decoded = DECODER.decode_many(records)
    assert decoded == [ALONE.decode(record) for record in records]
    assert [event.refusal.code if event.refusal else None for event in decoded] == [None] * 11 + [code] + [None] * 19


def test_records_of_several_producers_are_read_in_their_order() -> None:
    mixed = [
        captured(number, book=f"book-{number % 3}", source=f"/psp/{number % 2}")
        if number % 5
        else with_header(captured(number), "traceparent", b"00-1")
        for number in range(2 * PIECE + 7)
    ]
    assert DECODER.decode_many(mixed) == [ALONE.decode(record) for record in mixed]


def test_events_of_another_book_are_refused_among_those_of_the_expected_one() -> None:
    decoded = Decoder(ASSETS, expected_book="demo").decode_many([captured(1), captured(2, book="other"), captured(3)])
    assert [_code(event) for event in decoded] == [None, Code.BOOK_MISMATCH, None]


def _code(event: Incoming) -> Code | None:
    return event.refusal.code if event.refusal else None


def test_remembered_books_and_sources_are_bounded() -> None:
    reader = AttributeReader()
    for start in range(0, 2 * TEXTS_KEPT, PIECE):
        reader.read([captured(n, book=f"book-{n}", source=f"/source/{n}") for n in range(start, start + PIECE)])
    assert max(len(reader._books), len(reader._sources)) < TEXTS_KEPT + PIECE


FORMS = st.sampled_from(["", ".{:03}", ".{:06}"])
PARTS = st.tuples(
    st.sampled_from(["0000", "0001", "1969", "1970", "2000", "2026", "2100", "9999"]), st.integers(0, 13),
    st.integers(0, 32), st.integers(0, 25), st.integers(0, 61), st.integers(0, 61), st.integers(0, 999),
)  # fmt: skip


@given(FORMS, st.lists(PARTS, min_size=FEW, max_size=FEW + 4), st.sampled_from([None, "T", " ", "x", "٣"]))
def test_times_as_a_column_are_what_they_are_one_by_one(
    form: str, parts: list[tuple[int, ...]], odd: str | None
) -> None:
    """Also where one of them is no time at all: then all are refused, as that one is."""
    texts = [
        f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}" + form.format(fraction) + "Z"
        for year, month, day, hour, minute, second, fraction in parts
    ]
    if odd is not None:
        texts[3] = texts[3][:13] + odd + texts[3][14:]
    for column in (texts, [text for text in texts if _us(text) is not None] * FEW):
        alone = [_us(text) for text in column]
        if column and None not in alone:
            assert parse_times_us([text.encode() for text in column]) == alone
        elif column:
            with pytest.raises(ValueError):
                parse_times_us([text.encode() for text in column])


def _us(text: str) -> int | None:
    try:
        return parse_time_us(text)
    except ValueError:
        return None
