"""Records that no producer should send: each gets one outcome with its bytes kept, and the partition goes on."""

from collections.abc import Iterator

import pytest

from deploy.demo.messages import Message
from ledger_core.store.headers import headers_to_rows, rows_to_headers
from tests.support.databases import TestDatabase
from tests.support.postings import Scene, captured, event, outcomes, refunded

pytestmark = pytest.mark.postgres

DATA = {"payment_id": "o-1", "amount_minor": "100", "currency": "EUR", "method": "card"}
GOOD = captured("o-1")


def with_header(name: str, value: bytes) -> Message:
    headers = tuple((key, old) for key, old in GOOD.headers if key != name)
    return Message(GOOD.key, (*headers, (name, value)), GOOD.value)


def with_value(value: bytes) -> Message:
    return Message(GOOD.key, GOOD.headers, value)


def with_data(**data: object) -> Message:
    return event("payment.captured.v1", "o-1", "c-1", {**DATA, **data})


POISON = {
    "empty": with_value(b""),
    "not UTF-8": with_value(b"\xff\xfe"),
    "truncated": with_value(GOOD.value[:-3]),
    "NUL in a text": with_value(GOOD.value.replace(b"card", b"ca\\u0000rd")),
    "lone surrogate": with_value(GOOD.value.replace(b"card", b"\\ud800")),
    "deep": with_value(b"[" * 5_000 + b"]" * 5_000),
    "deep object": with_value(b'{"a":' * 5_000 + b"1" + b"}" * 5_000),
    "duplicate member": with_value(GOOD.value[:-1] + b',"currency":"USD"}'),
    "NaN": with_value(GOOD.value.replace(b'"100"', b"NaN")),
    "float": with_value(GOOD.value.replace(b'"100"', b"100.0")),
    "huge number": with_value(GOOD.value.replace(b'"100"', b"1" * 5_000)),
    "wide digits": with_data(amount_minor="１００"),
    "negative": with_data(amount_minor="-1"),
    "twenty digits": with_data(amount_minor="1" * 20),
    "unknown currency": with_data(currency="XYZ"),
    "unknown member": with_data(extra=1),
    "account with a NUL": with_data(beneficiaries=[{"account": "wallet:seller:\0", "amount_minor": "1"}]),
    "account in other letters": with_data(beneficiaries=[{"account": "wallet:seller:ü", "amount_minor": "1"}]),
    "account of 201": with_data(beneficiaries=[{"account": "w" * 201, "amount_minor": "1"}]),
    "a thousand and one parts": with_data(beneficiaries=[{"account": "wallet:seller:1", "amount_minor": "1"}] * 1001),
    "header with a NUL in its name": Message(b"k", (*GOOD.headers, ("x\0y", b"1")), b"\xff"),
    "header without bytes": Message(b"k", (("ce_id", b""), ("x", b"\x00\xff")), b"{}"),
    "NUL in the id": with_header("ce_id", b"a\0b"),
    "NUL in the order key": with_header("ce_subject", b"a\0b"),
    "surrogate in the id": with_header("ce_id", "\ud800".encode("utf-8", "surrogatepass")),
    "id of 201": with_header("ce_id", b"x" * 201),
    "no id": Message(GOOD.key, tuple(h for h in GOOD.headers if h[0] != "ce_id"), GOOD.value),
    "book in capitals": with_header("ce_ledgerbook", b"SHOP"),
    "the system's own book": with_header("ce_ledgerbook", b"system"),
    "the system's own source": with_header("ce_source", b"conflict"),
    "time without zone": with_header("ce_time", b"2026-11-21T08:46:53"),
    "year ten thousand": with_header("ce_time", b"10000-01-01T00:00:00Z"),
    "year zero": with_header("ce_time", b"0000-01-01T00:00:00Z"),
    "leap second": with_header("ce_time", b"2016-12-31T23:59:60Z"),
    "unknown type": with_header("ce_type", b"payment.eaten.v1"),
    "unknown version": with_header("ce_type", b"payment.captured.v99"),
    "unknown book": with_header("ce_ledgerbook", b"elsewhere"),
    "same account on both sides": with_data(
        payer="wallet:seller:1", beneficiaries=[{"account": "wallet:seller:1", "amount_minor": "100"}]
    ),
    "missing role": with_data(beneficiaries=[{"account": "control:NOBODY", "amount_minor": "1"}]),
}


@pytest.fixture
def scene(database: TestDatabase) -> Iterator[Scene]:
    with Scene(database.dsn()) as scene:
        yield scene
        scene.assert_whole()


def test_every_malformed_record_has_its_outcome_its_bytes_and_its_place_and_the_rest_posts(scene: Scene) -> None:
    messages = list(POISON.values())
    said = outcomes(scene.post(captured("before"), *messages, captured("after")))
    assert (said[0], said[-1]) == ("POSTED", "POSTED")
    refused = dict(zip(POISON, said[1:-1], strict=True))
    assert {name for name, code in refused.items() if code in {"POSTED", "RECORDED", "REPLAYED", "-"}} == set()
    counters = scene.counters()
    assert counters["posted"] == 2
    assert counters["rejected"] + counters["parked"] == len(messages)
    letters = scene.rows("SELECT log_offset, value, key FROM ledger.dead_letter ORDER BY log_offset")
    assert [(offset, bytes(value), bytes(key)) for offset, value, key in letters] == [
        (place, message.value, message.key) for place, message in enumerate(messages, start=1)
    ]


@pytest.mark.parametrize("timestamp", [-1, 0, 2**62])
def test_a_record_whose_time_cannot_be_true_is_dead_lettered_all_the_same(scene: Scene, timestamp: int) -> None:
    """A producer writes the record's timestamp: it may say anything that fits 64 bits."""
    scene.topic.send(Message(b"k", (), b"\xff"))
    scene.topic.records[0][0].timestamp = timestamp
    assert outcomes(scene.worker(0).work()) == ["NOT_UTF8"]


def test_headers_of_a_parked_event_are_read_back_as_they_were_received(scene: Scene) -> None:
    """Also those that no JSON text can hold: the event is decoded again from them when it heals."""
    odd = (("x\0y", b"1"), ("x\ud800", b"2"), ("bytes", b"\x00\xff"), ("again", b"3"), ("again", b""))
    refund = refunded("o-1")
    scene.post(Message(refund.key, (*refund.headers, *odd), refund.value))
    assert len(scene.post(captured("o-1")).healed) == 1
    assert rows_to_headers(headers_to_rows(odd)) == odd
    assert rows_to_headers(headers_to_rows([("none", None)])) == (("none", b""),)


def test_a_tombstone_is_refused_with_its_key(scene: Scene) -> None:
    scene.topic.send(GOOD)
    scene.topic.records[0][0].value = None
    scene.topic.records[0][0].key = None
    assert outcomes(scene.worker(0).work()) == ["RECORD_EMPTY"]
    assert scene.one("SELECT value IS NULL AND key IS NULL FROM ledger.dead_letter")
