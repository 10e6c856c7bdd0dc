"""Card numbers in events: masked before anything is made of them, and the same event however often it is read (I28)."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from consumers.decode import Decoder
from consumers.transport.ports import StoredRecord
from deploy.demo.messages import Producer
from ledger_core.domain.incoming import SYSTEM_BOOK, Incoming
from ledger_core.domain.outcomes import Code
from ledger_core.domain.payments import PaymentVoided
from schemas.kept import masked_value, masked_whole

CARD = "4111111111111111"
DECODER = Decoder({"BRL": 986})
TIME = "2026-10-01T10:00:00Z"
METHOD: dict[str, object] = {"brand": "visa", "last_four": "1111", "method": "card", "payment_method_id": "pm-1"}


def record(event_type: str, data: object, key: str = "order-1") -> StoredRecord:
    message = Producer("demo", "/psp").event(event_type, "e1", key, TIME, {})
    return StoredRecord("payments", 3, 7, 1_790_000_000_000, b"k", json.dumps(data).encode(), message.headers)


def structured(event_type: str, data: object) -> StoredRecord:
    event = {
        "specversion": "1.0", "id": "e1", "source": "/psp", "type": event_type, "subject": "order-1", "time": TIME,
        "ledgerbook": "demo", "data": data,
    }  # fmt: skip
    return StoredRecord("payments", 3, 7, 1_790_000_000_000, b"k", json.dumps(event).encode(), ())


def kept(received: StoredRecord, event_type: str) -> StoredRecord:
    assert received.value is not None
    return replace(received, value=masked_value(received.value, received.headers, event_type).document)


def same(one: Incoming, other: Incoming) -> bool:
    return (one.fingerprint, one.fact, one.refusal, one.order_key) == (
        other.fingerprint, other.fact, other.refusal, other.order_key,
    )  # fmt: skip


EVENTS: list[tuple[str, str, object]] = [
    ("in a text", "payment.voided.v1", {"payment_id": "p1", "reason": f"paid with {CARD} 12/27"}),
    ("in an identifier, which stays", "payment.voided.v1", {"payment_id": CARD, "reason": CARD}),
    ("in metadata", "voucher.requested.v1", {
        "kind": "transfer", "lines": [
            {"account": "a", "amount_minor": CARD, "currency": "BRL", "side": "debit"},
            {"account": "b", "amount_minor": CARD, "currency": "BRL", "side": "credit"},
        ], "metadata": {"cvv": "737", "note": CARD, "order_id": CARD, "pin": "1"},
    }),
    ("where none may be", "payment.voided.v1", {"payment_id": "p1", "card": {"number": CARD, "cvc": "737"}}),
    ("in a type of another release", "payment.voided.v9", {"payment_id": CARD, "note": CARD, "n": 4111111111111111}),
    ("in a type of nobody", "card.swiped.v1", {"track2": "0", "what": [CARD, {"id": CARD}]}),
]  # fmt: skip


@pytest.mark.parametrize(("event_type", "data"), [row[1:] for row in EVENTS], ids=[row[0] for row in EVENTS])
@pytest.mark.parametrize("make", [record, structured])
def test_an_event_is_the_same_as_received_and_as_kept(
    event_type: str, data: object, make: Callable[[str, object], StoredRecord]
) -> None:
    received = make(event_type, data)
    again = kept(received, event_type)
    first = DECODER.decode(received)
    assert again != received
    assert kept(again, event_type) == again
    assert same(first, DECODER.decode(again))
    assert same(first, DECODER.decode(record(event_type, data)))


def test_no_fact_knows_a_card_number_and_identifiers_are_left() -> None:
    incoming = DECODER.decode(record("payment.voided.v1", {"payment_id": CARD, "reason": f"card {CARD}"}))
    assert incoming.fact == PaymentVoided(CARD, "card ************1111")


def test_events_that_differ_in_hidden_digits_alone_are_one_and_others_are_not() -> None:
    said = [f"card {card}" for card in (CARD, "4242424240061111", "5555555555554444")]
    first, hidden, other = (
        DECODER.decode(record("payment.voided.v1", {"payment_id": "p1", "reason": reason})).fingerprint
        for reason in said
    )
    assert first == hidden != other


@pytest.mark.parametrize(
    ("key", "data"),
    [("pm-1", {**METHOD, "payment_method_id": CARD}), (CARD, METHOD), (CARD, {**METHOD, "payment_method_id": CARD})],
)
def test_a_card_number_in_the_place_of_its_token_becomes_no_key(key: str, data: object) -> None:
    """Whatever else is wrong with it: the event stands under its coordinates, and what is kept names no card."""
    received = record("payment_method.tokenized.v1", data, key)
    incoming = DECODER.decode(received)
    assert incoming.refusal is not None
    assert incoming.refusal.code is Code.DATA_INVALID
    assert "send the processor's token" in incoming.refusal.detail
    assert (incoming.book, incoming.event_id) == (SYSTEM_BOOK, "1:payments:3:7")
    assert CARD.encode() not in masked_whole(received.value or b"")


@pytest.mark.parametrize("name", [CARD, f"card-{CARD}"])
def test_a_name_that_is_a_card_number_is_refused_for_it_could_not_be_kept(name: str) -> None:
    unknown = DECODER.decode(record("payment.voided.v9", {name: 1}))
    assert unknown.refusal is not None
    assert unknown.refusal.code is Code.DATA_INVALID
    document = json.loads(structured("payment.voided.v1", {"payment_id": "p1"}).value or b"")
    attribute = replace(record("", {}), value=json.dumps({**document, name: 1}).encode(), headers=())
    refused = DECODER.decode(attribute).refusal
    assert refused is not None
    assert refused.code is Code.ENVELOPE_INVALID
