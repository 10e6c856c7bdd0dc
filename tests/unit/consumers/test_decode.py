"""From records to incoming events: what is good, and every way of being bad."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.decode import Decoder
from consumers.facts import FACTS
from consumers.transport.ports import StoredRecord
from deploy.demo.bad_events import BAD_KINDS, BadKind
from deploy.demo.messages import Message, Producer
from ledger_core.domain.account_facts import AccountClosed, AccountFrozen, AccountOpened, AccountUnfrozen
from ledger_core.domain.facts import Fact
from ledger_core.domain.fingerprints import fingerprint
from ledger_core.domain.holds import HoldCaptured, HoldPlaced, HoldReleased, Taker
from ledger_core.domain.incoming import SYSTEM_BOOK, UNDECODABLE_SOURCE, Incoming, Record
from ledger_core.domain.limits import Limits
from ledger_core.domain.outcomes import BOOKLESS_CODES, Code
from ledger_core.domain.payments import (
    AtBookRate,
    Beneficiary,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
)
from ledger_core.domain.vouchers import Purpose
from schemas.events.registry import EVENT_TYPES

ASSETS = {"BRL": 986, "EUR": 978}
DECODER = Decoder(ASSETS)
PRODUCER = Producer("demo", "/psp")
TIME = "2026-10-01T10:00:00Z"
TIME_US = 1_790_848_800_000_000
CAPTURE: dict[str, object] = {"amount_minor": "100", "currency": "BRL", "method": "card", "payment_id": "p1"}
TIMESTAMP_MS = 1_790_000_000_000


def record(message: Message, *, offset: int = 7) -> StoredRecord:
    return StoredRecord("payments", 3, offset, TIMESTAMP_MS, message.key, message.value, message.headers)


def binary(event_type: str, data: Mapping[str, object]) -> StoredRecord:
    return record(PRODUCER.event(event_type, "e1", "order-1", TIME, data))


def structured(event_type: str, data: object, headers: Sequence[tuple[str, bytes]] = ()) -> StoredRecord:
    event = {
        "specversion": "1.0", "id": "e1", "source": "/psp", "type": event_type, "subject": "order-1", "time": TIME,
        "ledgerbook": "demo", "data": data,
    }  # fmt: skip
    return StoredRecord("payments", 3, 7, TIMESTAMP_MS, b"k", json.dumps(event).encode(), tuple(headers))


SHARES = [
    {"account": "wallet:seller:1", "amount_minor": "60", "commission_bps": 1000},
    {"account": "a", "amount_minor": "40"},
]
PARTS = (Beneficiary("wallet:seller:1", 60, 1000), AtBookRate("a", 40))
FACTS_OF_DATA: list[tuple[str, dict[str, object], Fact]] = [
    ("payment.authorized.v1", CAPTURE, PaymentAuthorized("p1", 100, "BRL", "card")),
    ("payment.captured.v1", CAPTURE, PaymentCaptured("p1", 100, "BRL", "card")),
    ("payment.captured.v1", {**CAPTURE, "beneficiaries": SHARES, "payer": "wallet:buyer:1"},
     PaymentCaptured("p1", 100, "BRL", "card", PARTS, "wallet:buyer:1")),
    ("payment.captured.v1", {**CAPTURE, "beneficiaries": SHARES[:1]},
     PaymentCaptured("p1", 100, "BRL", "card", PARTS[:1])),
    ("payment.captured.v1", {**CAPTURE, "beneficiaries": []}, PaymentCaptured("p1", 100, "BRL", "card")),
    ("payment.captured.v1", {**CAPTURE, "amount_minor": "9" * 18}, PaymentCaptured("p1", 10**18 - 1, "BRL", "card")),
    ("payment.voided.v1", {"payment_id": "p1"}, PaymentVoided("p1")),
    ("payment.voided.v1", {"payment_id": "p1", "reason": 'doppelt: "ü"'}, PaymentVoided("p1", 'doppelt: "ü"')),
    ("payment.refunded.v1",
     {"amount_minor": "5", "currency": "EUR", "payment_id": "p1", "refund_id": "r1", "beneficiaries": SHARES},
     PaymentRefunded("p1", "r1", 5, "EUR", PARTS)),
    ("payout.paid.v1", {"amount_minor": "5", "currency": "EUR", "payout_id": "o1", "account": "wallet:seller:1"},
     PayoutPaid("o1", "wallet:seller:1", 5, "EUR")),
    ("hold.placed.v1", {"account": "a", "amount_minor": "5", "currency": "EUR", "hold_id": "h"},
     HoldPlaced("h", "a", 5, "EUR")),
    ("hold.placed.v1",
     {"account": "a", "amount_minor": "5", "capture_tolerance_bps": 250, "currency": "EUR", "expires_at": TIME,
      "hold_id": "h", "memo": "m", "side": "credit"},
     HoldPlaced("h", "a", 5, "EUR", "C", 250, TIME_US, "m")),
    ("hold.captured.v1", {"hold_id": "h", "to": [{"account": "b", "amount_minor": "5"}]},
     HoldCaptured("h", (Taker("b", 5, Purpose.PAYMENT),))),
    ("hold.captured.v1",
     {"amount_minor": "5", "final": True, "hold_id": "h", "memo": "m", "metadata": {"k": "v"},
      "to": [{"account": "b", "amount_minor": "5", "purpose": "seller_share"}]},
     HoldCaptured("h", (Taker("b", 5, Purpose.SELLER_SHARE),), True, 5, "m", {"k": "v"})),
    ("hold.released.v1", {"hold_id": "h", "reason": "r"}, HoldReleased("h", "r")),
    ("account.opened.v1", {"account": "a", "currency": "EUR", "type": "asset"}, AccountOpened("a", "asset", "EUR")),
    ("account.opened.v1",
     {"account": "a", "currency": "EUR", "keyed": True, "limits": {"minimum_minor": "-5", "policy": "warn"},
      "parent": "g", "role": "R", "type": "asset"},
     AccountOpened("a", "asset", "EUR", "R", True, "g", Limits(-5, None, "W"))),
    ("account.frozen.v1", {"account": "a", "reason": "r"}, AccountFrozen("a", "r")),
    ("account.unfrozen.v1", {"account": "a", "reason": "r"}, AccountUnfrozen("a", "r")),
    ("account.closed.v1", {"account": "a", "reason": "r"}, AccountClosed("a", "r")),
    ("account.closed.v1", {"account": "a", "closing": {"to": "b"}, "reason": "r"}, AccountClosed("a", "r", "b")),
]  # fmt: skip


@pytest.mark.parametrize(("event_type", "data", "fact"), FACTS_OF_DATA)
def test_good_event_becomes_its_fact_in_both_modes_alike(event_type: str, data: dict[str, object], fact: Fact) -> None:
    decoder = Decoder(ASSETS)
    one = decoder.decode(binary(event_type, data))
    assert one.refusal is None
    assert one.fact == fact
    assert (one.book, one.source, one.event_id, one.event_type) == ("demo", "/psp", "e1", event_type)
    assert (one.order_key, one.effective_at_us) == ("order-1", TIME_US)
    assert one.fingerprint == fingerprint(event_type, orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    for headers in ((), (("content-type", b"application/cloudevents+json; charset=utf-8"),)):
        other = decoder.decode(structured(event_type, data, headers))
        assert (other.fact, other.fingerprint, other.event_id) == (one.fact, one.fingerprint, one.event_id)


@pytest.mark.parametrize("kind", BAD_KINDS, ids=lambda kind: kind.name)
def test_bad_event_gets_its_code_and_keeps_its_record(kind: BadKind) -> None:
    bad = record(kind.make(PRODUCER, "e1", "order-1", TIME))
    incoming = Decoder(ASSETS).decode(bad)
    assert incoming.fact is None
    assert incoming.refusal is not None
    assert incoming.refusal.code == kind.code
    assert incoming.record is bad
    if incoming.refusal.code in BOOKLESS_CODES:
        assert (incoming.book, incoming.source) == (SYSTEM_BOOK, UNDECODABLE_SOURCE)
        assert incoming.event_id == incoming.order_key == "1:payments:3:7"
        assert incoming.effective_at_us == TIMESTAMP_MS * 1000
    else:
        assert (incoming.book, incoming.source, incoming.event_id) == ("demo", "/psp", "e1")
        assert (incoming.order_key, incoming.effective_at_us) == ("order-1", TIME_US)


@pytest.mark.parametrize("kind", BAD_KINDS, ids=lambda kind: kind.name)
def test_refusal_never_repeats_what_the_event_says(kind: BadKind) -> None:
    refusal = Decoder(ASSETS).decode(record(kind.make(PRODUCER, "e1", "order-1", TIME))).refusal
    assert refusal is not None
    assert "4111" not in refusal.detail
    assert len(refusal.detail) <= 200


def test_unknown_version_waits_for_its_schema() -> None:
    refusal = Decoder(ASSETS).decode(binary("payment.captured.v2", CAPTURE)).refusal
    assert refusal is not None
    assert (refusal.code, refusal.waits_for) == (Code.SCHEMA_VERSION_UNKNOWN, "schema:payment.captured.v2")


def test_event_of_another_book_is_a_mismatch() -> None:
    decoder = Decoder(ASSETS, expected_book="other")
    incoming = decoder.decode(binary("payment.captured.v1", CAPTURE))
    assert incoming.refusal is not None
    assert incoming.refusal.code is Code.BOOK_MISMATCH
    assert incoming.book == SYSTEM_BOOK
    assert Decoder(ASSETS, expected_book="demo").decode(binary("payment.captured.v1", CAPTURE)).refusal is None


def test_order_of_members_and_spaces_do_not_change_the_fingerprint() -> None:
    decoder = Decoder(ASSETS)
    message = PRODUCER.event("payment.captured.v1", "e1", "order-1", TIME, CAPTURE)
    spaced = json.dumps(dict(reversed(CAPTURE.items())), indent=3).encode()
    assert (
        decoder.decode(record(message._replace(value=spaced))).fingerprint
        == decoder.decode(record(message)).fingerprint
    )


def test_other_data_and_other_type_change_the_fingerprint() -> None:
    decoder = Decoder(ASSETS)
    events = [
        ("payment.captured.v1", CAPTURE),
        ("payment.authorized.v1", CAPTURE),
        ("payment.captured.v1", {**CAPTURE, "amount_minor": "101"}),
        ("payment.captured.v1", {**CAPTURE, "beneficiaries": []}),
        ("payment.captured.v1", {**CAPTURE, "currency": "XXQ"}),
        ("payment.captured.v2", CAPTURE),
    ]
    assert len({decoder.decode(binary(*event)).fingerprint for event in events}) == len(events)


def test_refused_event_keeps_its_fingerprint_when_it_is_sent_again_in_other_bytes() -> None:
    """Else its repeat would be a conflict once a new release knows the type."""
    decoder = Decoder(ASSETS)
    message = PRODUCER.event("payment.captured.v2", "e1", "order-1", TIME, CAPTURE)
    spaced = message._replace(value=json.dumps(CAPTURE, indent=1).encode())
    assert decoder.decode(record(message)).fingerprint == decoder.decode(record(spaced)).fingerprint


def test_incarnation_of_the_topic_is_part_of_an_undecodable_records_id() -> None:
    decoder = Decoder(ASSETS, incarnation=lambda topic, partition: 4 if (topic, partition) == ("payments", 3) else 1)
    assert decoder.decode(StoredRecord("payments", 3, 9, -1, None, None)).event_id == "4:payments:3:9"


@pytest.mark.parametrize("mode", [binary, structured])
def test_record_with_a_header_name_that_is_not_utf_8_is_refused(
    mode: Callable[[str, Mapping[str, object]], StoredRecord],
) -> None:
    whole = mode("payment.captured.v1", CAPTURE)
    assert DECODER.decode(whole).refusal is None
    for name, code in (("trac\u00e9", None), ("trac\udce9", Code.ENVELOPE_INVALID)):
        incoming = DECODER.decode(replace(whole, headers=[*whole.headers, (name, b"1")]))
        assert (incoming.refusal.code if incoming.refusal else None) == code


def test_attributes_outside_ascii_are_taken_as_they_are() -> None:
    incoming = Decoder(ASSETS).decode(record(PRODUCER.event("payment.captured.v1", "évt", "größe", TIME, CAPTURE)))
    assert incoming.refusal is None
    assert (incoming.event_id, incoming.order_key) == ("évt", "größe")


def test_many_are_decoded_in_order() -> None:
    records = [
        binary("payment.captured.v1", CAPTURE),
        StoredRecord("payments", 3, 8, 0, None, b"{"),
        binary("payout.paid.v1", {}),
    ]
    codes = [incoming.refusal and incoming.refusal.code for incoming in Decoder(ASSETS).decode_many(records)]
    assert codes == [None, Code.NOT_JSON, Code.DATA_INVALID]


def test_every_type_has_its_fact() -> None:
    assert set(FACTS) == set(EVENT_TYPES)


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_source", "ce_subject", "ce_ledgerbook", "ce_specversion",
                         "content-type"]) | st.text(max_size=12),
        st.sampled_from([b"1.0", b"payment.captured.v1", TIME.encode(), b"demo", b"application/json"])
        | st.binary(max_size=40),
    ),
    max_size=10,
)  # fmt: skip


@given(st.none() | st.binary(max_size=200) | st.sampled_from([orjson.dumps(CAPTURE), b"[]", b"1", b'"x"']), HEADERS)
def test_no_record_whatever_is_in_it_stops_the_decoder(value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    incoming = Decoder(ASSETS).decode(StoredRecord("t", 0, 1, -1, None, value, headers))
    assert (incoming.fact is None) is (incoming.refusal is not None)
    assert len(incoming.fingerprint) == 17


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
        max_leaves=8,
    )
)
def test_no_data_stop_the_decoder(data: object) -> None:
    for event_type in EVENT_TYPES:
        value = json.dumps(data).encode()
        message = Message(b"k", PRODUCER.headers(event_type, "e", "o", TIME), value)
        incoming = DECODER.decode(record(message))
        assert incoming.refusal is not None


class StraightOnly(Decoder):
    """Fails where the thorough path is taken."""

    def _thorough(self, record: Record, newest: Callable[[], Mapping[str, int]]) -> Incoming:
        raise AssertionError(f"not on the straight path: {record.value!r}")


@pytest.mark.parametrize(("event_type", "data", "fact"), FACTS_OF_DATA)
def test_good_event_in_binary_mode_takes_the_straight_path(
    event_type: str, data: dict[str, object], fact: Fact
) -> None:
    """The thorough path costs five times as much: a producer's spaces or order of members must not lead there."""
    decoder = StraightOnly(ASSETS)
    message = PRODUCER.event(event_type, "e1", "order-1", TIME, data)
    spaced = message._replace(value=json.dumps(dict(reversed(data.items()))).encode())
    assert decoder.decode(record(message)).fact == decoder.decode(record(spaced)).fact == fact
