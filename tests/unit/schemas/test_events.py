"""Event types: strict, canonical as validated, and in step with what is committed about them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas.asyncapi import asyncapi_text
from schemas.envelope import ATTRIBUTE, is_json
from schemas.events.explain import explain
from schemas.events.registry import EVENT_TYPES, FAMILIES, WEBHOOK_TYPES, family
from schemas.generate import ASYNCAPI, FOLDER, MEDIA_TYPE, PRINTABLE, data_schema, documents, main

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples"
SHARE: dict[str, object] = {"account": "wallet:seller:1", "amount_minor": "60", "commission_bps": 1000}
LINE: dict[str, object] = {
    "side": "debit", "purpose": "transfer", "currency": "BRL", "amount_minor": "60", "account": "control:CASH",
}  # fmt: skip
SPLIT: dict[str, object] = {
    "side": "credit", "remainder_to": "wallet:seller:1", "purpose": "transfer", "currency": "BRL", "amount_minor": "60",
    "among": [{"ratio": 2, "account": "wallet:seller:2"}],
}  # fmt: skip
QUOTE: dict[str, object] = {
    "source": "/desk", "rate": "6.185", "quoted_at": "2026-10-03T14:59:41Z", "provider": "bank", "counter": "BRL",
    "base": "EUR",
}  # fmt: skip
VOUCHER: dict[str, object] = {
    "splits": [SPLIT], "quote": QUOTE, "signed_off_by": ["anna", "ben"],
    "metadata": {"team": "care", "case": "8812", "Z": "1", "a": "2"}, "memo": "because", "kind": "adjustment",
    "lines": [LINE, {**LINE, "side": "credit", "account": "wallet:seller:1"}],
    "effective_at": "2026-10-02T00:00:00Z", "compensates": {"source": "/psp", "event_id": "e-1"},
    "adjustment": {"reference": "ticket 8812", "reason": "correction"},
}  # fmt: skip
FULLEST: dict[str, dict[str, object]] = {
    "payment.authorized.v1": {"payment_id": "p", "method": "card", "currency": "BRL", "amount_minor": "1"},
    "payment.captured.v1": {
        "payer": "wallet:buyer:1", "payment_id": "p", "partial": True, "method": "card", "custody": "escrow",
        "currency": "BRL", "beneficiaries": [dict(reversed(SHARE.items()))], "amount_minor": "1",
        "exchange": {"quote": QUOTE, "currency": "EUR", "amount_minor": "1"},
        "gateway_transaction_id": "t", "gateway_response": "approved", "confirmed_by": "anna",
        "confirmed_at": "2026-10-02T00:00:00Z",
    },
    "payment.voided.v1": {"reason": "não", "payment_id": "p"},
    "payment.refunded.v1": {
        "refund_id": "r", "platform_fee": "kept", "payment_id": "p", "payer": "wallet:buyer:1", "currency": "BRL",
        "exchange": {"currency": "EUR"}, "beneficiaries": [dict(reversed(SHARE.items()))], "amount_minor": "1",
    },
    "refund.requested.v1": {"refund_id": "r", "payment_id": "p", "currency": "BRL", "amount_minor": "1"},
    "refund.approved.v1": {"refund_id": "r", "payment_id": "p"},
    "refund.processing.v1": {"refund_id": "r", "payment_id": "p"},
    "refund.completed.v1": {
        "refund_id": "r", "platform_fee": "kept", "payment_id": "p", "payer": "wallet:buyer:1", "currency": "BRL",
        "exchange": {"currency": "EUR"}, "beneficiaries": [dict(reversed(SHARE.items()))], "amount_minor": "1",
    },
    "refund.failed.v1": {"refund_id": "r", "payment_id": "p", "failure_reason": "não"},
    "chargeback.opened.v1": {
        "payment_id": "p", "fee_minor": "1", "currency": "BRL", "chargeback_id": "c",
        "exchange": {"currency": "EUR"}, "beneficiaries": [dict(reversed(SHARE.items()))], "amount_minor": "1",
    },
    "chargeback.evidence_submitted.v1": {"payment_id": "p", "chargeback_id": "c"},
    "chargeback.won.v1": {
        "payment_id": "p", "fee_minor": "1", "currency": "BRL", "chargeback_id": "c", "amount_minor": "1",
    },
    "chargeback.lost.v1": {
        "payment_id": "p", "fee_minor": "1", "currency": "BRL", "chargeback_id": "c", "amount_minor": "1",
    },
    "settlement.confirmed.v1": {
        "settlement_id": "s", "payment_id": "p", "fee_minor": "1", "currency": "BRL", "amount_minor": "1",
    },
    "settlement.failed.v1": {"settlement_id": "s", "payment_id": "p", "failure_reason": "não"},
    "settlement.finality_confirmed.v1": {
        "settlement_id": "s", "payment_id": "p", "currency": "BRL", "amount_minor": "1",
    },
    "settlement.finality_failed.v1": {"settlement_id": "s", "payment_id": "p", "failure_reason": "não"},
    "payout.requested.v1": {"payout_id": "o", "currency": "BRL", "amount_minor": "1", "account": "wallet:seller:1"},
    "payout.failed.v1": {"payout_id": "o", "failure_reason": "não"},
    "payout.returned.v1": {"payout_id": "o", "failure_reason": "não"},
    "fee.charged.v1": {
        "reference": "p", "fee_id": "f", "currency": "BRL", "amount_minor": "1", "account": "wallet:seller:1",
    },
    "settlement_profile.updated.v1": {
        "status": "VERIFIED", "rails": ["sepa"], "beneficiary": "wallet:seller:1", "bank_account_ref": {
            "uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "user": "u", "iban": "GE29NB0000000101904917",
            "branch": "b",
        },
    },
    "fx.rate_published.v1": {
        "valid_until": "2026-10-02T14:00:00Z", "source": "s", "rate": "6.2", "provider": "ecb",
        "published_at": "2026-10-01T14:00:00Z", "counter": "BRL", "base": "EUR",
    },
    "sale.completed.v1": {
        "sale_id": "s", "currency": "BRL", "attempt": {"finance": {"source": {"id": "wallet:buyer:1"}}},
        "amount_minor": "1",
    },
    "cogs.recorded.v1": {"sale_id": "s", "currency": "BRL", "amount_minor": "1"},
    "inventory.adjusted.v1": {
        "reference": "r", "reason": "write_off", "direction": "increase", "currency": "BRL", "amount_minor": "1",
        "adjustment_id": "a",
    },
    "transfer.requested.v1": {"transfer_id": "t", "reference": "r", "currency": "BRL", "amount_minor": "1"},
    "transfer.inflow.announced.v1": {"transfer_id": "t", "inflow_id": "i", "currency": "BRL", "amount_minor": "1"},
    "transfer.inflow.received.v1": {
        "transfer_id": "t", "origin": "wallet:buyer:1", "inflow_id": "i", "currency": "BRL", "amount_minor": "1",
    },
    "transfer.inflow.compensated.v1": {"transfer_id": "t", "reason": "não", "inflow_id": "i"},
    "transfer.approved.v1": {"transfer_id": "t", "approved_by": "anna"},
    "transfer.review.opened.v1": {"transfer_id": "t", "reason": "não", "opened_by": "anna"},
    "transfer.review.cleared.v1": {"transfer_id": "t", "reason": "não", "cleared_by": "anna"},
    "transfer.monitoring.passed.v1": {"transfer_id": "t", "reason": "não"},
    "transfer.monitoring.flagged.v1": {"transfer_id": "t", "reason": "não"},
    "transfer.monitoring.blocked.v1": {"transfer_id": "t", "reason": "não"},
    "transfer.settled.v1": {
        "transfer_id": "t", "to": "wallet:seller:1", "customer": "c", "currency": "BRL", "amount_minor": "1",
    },
    "transfer.failed.v1": {"transfer_id": "t", "failure_reason": "não"},
    "transaction.compensated.v1": {"transfer_id": "t", "reason": "não"},
    "sweep.requested.v1": {"sweep_id": "s", "rule": "daily", "currency": "BRL"},
    "verification.changed.v1": {"status": "VERIFIED", "reason": "não", "customer": "c"},
    "fee.failed.v1": {"fee_id": "f", "failure_reason": "não"},
    "fee.retried.v1": {"fee_id": "f"},
    "fee.refunded.v1": {"fee_id": "f", "currency": "BRL", "amount_minor": "1", "account": "wallet:seller:1"},
    "drawer.opened.v1": {
        "opened_by": "anna", "currency": "BRL", "counted_minor": "0", "account": "cash:drawer:1",
        "brought": {"amount_minor": "1", "account": "control:CASH"},
    },
    "drawer.closed.v1": {
        "taken": {"amount_minor": "1", "account": "control:CASH"}, "currency": "BRL", "counted_minor": "0",
        "closed_by": "anna", "account": "cash:drawer:1",
    },
    "cash.received.v1": {
        "received_by": "anna", "receipt_id": "r", "currency": "BRL", "amount_minor": "1", "against": "wallet:buyer:1",
        "account": "cash:drawer:1",
    },
    "cash.refunded.v1": {
        "signed_off_by": ["anna", "ben"], "refund_id": "r", "reason": "r", "currency": "BRL", "amount_minor": "1",
        "against": "wallet:buyer:1", "account": "cash:drawer:1",
    },
    "payment.intent_created.v1": {"payment_id": "p", "method": "card", "currency": "BRL", "amount_minor": "1"},
    "payment.authorization_expired.v1": {"reason": "não", "payment_id": "p"},
    "payment.capture_failed.v1": {"payment_id": "p", "failure_reason": "não"},
    "payment.failed.v1": {"payment_id": "p", "failure_reason": "não"},
    "voucher.requested.v1": VOUCHER,
    "voucher.group_requested.v1": {"vouchers": [dict(reversed(VOUCHER.items())), VOUCHER]},
    "hold.placed.v1": {
        "side": "debit", "memo": "m", "hold_id": "h", "expires_at": "2026-10-09T10:15:30Z", "currency": "BRL",
        "capture_tolerance_bps": 500, "amount_minor": "1", "account": "wallet:buyer:1",
    },
    "hold.captured.v1": {
        "to": [{"purpose": "seller_share", "amount_minor": "1", "account": "wallet:seller:1"}],
        "metadata": {"b": "2", "a": "1"}, "memo": "m", "hold_id": "h", "final": True, "amount_minor": "1",
    },
    "hold.released.v1": {"reason": "r", "hold_id": "h"},
    "payout.paid.v1": {"payout_id": "o", "currency": "BRL", "amount_minor": "1", "account": "wallet:seller:1"},
    "account.opened.v1": {
        "type": "liability", "role": "RESERVE", "parent": "wallets", "keyed": True, "currency": "BRL",
        "limits": {"policy": "deny", "minimum_minor": "-1", "maximum_minor": "9"}, "account": "wallet:seller:1",
        "requested_by": "anna",
    },
    "account.frozen.v1": {"requested_by": "anna", "reason": "r", "account": "wallet:seller:1"},
    "account.unfrozen.v1": {"requested_by": "anna", "reason": "r", "account": "wallet:seller:1"},
    "account.closed.v1": {
        "requested_by": "anna", "reason": "r", "closing": {"to": "wallet:seller:2"}, "account": "wallet:seller:1",
    },
    "reservation.held.v1": {
        "reservation_id": "r", "expires_at": "2026-10-09T10:15:30Z", "currency": "BRL", "amount_minor": "1",
        "account": "wallet:buyer:1",
    },
    "reservation.confirmed.v1": {
        "to": [{"purpose": "payment", "amount_minor": "1", "account": "wallet:seller:1"}], "reservation_id": "r",
    },
    "reservation.cancelled.v1": {"reservation_id": "r", "reason": "r"},
    "reservation.no_show.v1": {
        "reservation_id": "r", "first_night": [{"amount_minor": "1", "account": "wallet:seller:1"}],
    },
    "payment_method.tokenized.v1": {
        "payment_method_id": "m", "method": "card", "last_four": "4242", "brand": "visa",
    },
    "payment_method.detached.v1": {"reason": "r", "payment_method_id": "m"},
    "voucher.void_requested.v1": {
        "voucher": {"source": "/psp", "event_id": "captured-1"}, "requested_by": "anna", "reason": "twice",
        "in_open_period": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_validated_data_serialise_to_the_canonical_form(event_type: str) -> None:
    """Whatever the order of members in the bytes: the fingerprint rests on this."""
    data = FULLEST[event_type]
    assert set(data) == set(EVENT_TYPES[event_type].__annotations__), "the fullest event has every field"
    validated = TypeAdapter(EVENT_TYPES[event_type]).validator.validate_json(json.dumps(data))
    assert orjson.dumps(validated) == orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_no_default_is_filled_in(event_type: str) -> None:
    required = EVENT_TYPES[event_type].__required_keys__  # type: ignore[attr-defined]  # a typed dictionary has it
    least = {name: value for name, value in FULLEST[event_type].items() if name in required}
    assert TypeAdapter(EVENT_TYPES[event_type]).validator.validate_json(json.dumps(least)) == least


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_unknown_member_is_forbidden(event_type: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        TypeAdapter(EVENT_TYPES[event_type]).validator.validate_python({**FULLEST[event_type], "x": 1})


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_each_type_has_an_example_that_is_valid(event_type: str) -> None:
    event = json.loads((EXAMPLES / f"{event_type}.json").read_text("utf-8"))
    assert event["type"] == event_type
    TypeAdapter(EVENT_TYPES[event_type]).validator.validate_json(json.dumps(event["data"]))


@pytest.mark.parametrize("event_type", WEBHOOK_TYPES)
def test_each_type_that_the_ledger_publishes_of_webhooks_has_an_example_that_is_valid(event_type: str) -> None:
    event = json.loads((EXAMPLES / f"{event_type}.json").read_text("utf-8"))
    assert event["type"] == event_type
    TypeAdapter(WEBHOOK_TYPES[event_type]).validator.validate_json(json.dumps(event["data"]))


def test_no_example_is_left_over() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.json")} == {*EVENT_TYPES, *WEBHOOK_TYPES}


def test_committed_json_schemas_are_up_to_date() -> None:
    committed = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    assert committed == documents(), "run python -m schemas.generate"


def test_the_asyncapi_document_is_up_to_date_and_every_reference_leads_somewhere() -> None:
    text = ASYNCAPI.read_text("utf-8")
    assert text == asyncapi_text(), "run python -m schemas.generate"
    document = json.loads(text)
    assert set(document["channels"]["payments"]["messages"]) == set(EVENT_TYPES)
    assert set(document["channels"]["webhooks"]["messages"]) == set(WEBHOOK_TYPES)
    for reference in re.findall(r'"\$ref": "([^"]+)"', text):
        if not reference.startswith("#/"):
            assert (ASYNCAPI.parent / reference).exists(), reference
            continue
        found = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]


def test_members_whose_names_follow_a_pattern_have_no_other_names() -> None:
    open_ones = [
        event_type
        for event_type in EVENT_TYPES
        for schema in _objects(data_schema(event_type))
        if "patternProperties" in schema and schema.get("additionalProperties") is not False
    ]
    assert not open_ones


def _objects(schema: object) -> Iterator[dict[str, object]]:
    if isinstance(schema, dict):
        yield schema
    for member in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _objects(member)


@pytest.mark.parametrize(
    "media",
    [
        "application/json", "Application/JSON", "application/json; charset=utf-8", " text/json ",
        "application/vnd.shop+json", "application/cloudevents+json", "APPLICATION/CloudEvents+json", "text/xml",
        "application/jsonp", "", ";json", "text/plain;x=+json",
    ],
)  # fmt: skip
def test_the_envelopes_schema_takes_the_media_types_that_the_ledger_takes(media: str) -> None:
    assert (re.search(MEDIA_TYPE, media) is not None) == is_json(media)


@given(st.text(min_size=1, max_size=200))
def test_the_envelopes_schema_takes_the_texts_that_the_ledger_takes(text: str) -> None:
    assert (re.fullmatch(PRINTABLE.strip("^$"), text) is not None) == (ATTRIBUTE.fullmatch(text) is not None)


def test_check_command_agrees() -> None:
    assert main(["--check"]) == 0


def test_families_are_types_without_version() -> None:
    assert family("payment.captured.v12") == "payment.captured"
    assert family("payment.captured") == "payment.captured"
    assert "payout.paid" in FAMILIES


CAPTURE = {"amount_minor": "100", "currency": "BRL", "method": "card", "payment_id": "p"}


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"amount_minor": "0"}, "AMOUNT_NOT_POSITIVE", "amount_minor: "),
        ({"amount_minor": "-0"}, "AMOUNT_NOT_POSITIVE", "amount_minor: "),
        ({"amount_minor": "-100"}, "AMOUNT_NOT_POSITIVE", "amount_minor: "),
        ({"amount_minor": 0}, "AMOUNT_NOT_POSITIVE", "amount_minor: "),
        ({"amount_minor": -1}, "AMOUNT_NOT_POSITIVE", "amount_minor: "),
        ({"amount_minor": 1}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": False}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": None}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": "0100"}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": "+100"}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": "100\n"}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": "1e3"}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": "１２"}, "AMOUNT_INVALID", "amount_minor: "),
        ({"amount_minor": "1" * 19}, "AMOUNT_INVALID", "amount_minor: "),
        ({"currency": "real"}, "CURRENCY_UNKNOWN", "currency: "),
        ({"currency": 986}, "DATA_INVALID", "currency: "),
        ({"method": ""}, "DATA_INVALID", "method: "),
        ({"payment_id": "-p"}, "DATA_INVALID", "payment_id: "),
        ({"payer": "wallet buyer"}, "DATA_INVALID", "payer: "),
        ({"beneficiaries": {}}, "DATA_INVALID", "beneficiaries: "),
        ({"beneficiaries": [{**SHARE, "amount_minor": "0"}]}, "AMOUNT_NOT_POSITIVE", "beneficiaries[0].amount_minor: "),
        ({"beneficiaries": [SHARE, {**SHARE, "account": 1}]}, "DATA_INVALID", "beneficiaries[1].account: "),
        ({"beneficiaries": [{**SHARE, "commission_bps": -1}]}, "DATA_INVALID", "beneficiaries[0].commission_bps: "),
        ({"beneficiaries": [{**SHARE, "commission_bps": True}]}, "DATA_INVALID", "beneficiaries[0].commission_bps: "),
        ({"beneficiaries": [{**SHARE, "commission_bps": 1.0}]}, "DATA_INVALID", "beneficiaries[0].commission_bps: "),
        ({"method": 1, "currency": "real", "amount_minor": "x"}, "AMOUNT_INVALID", "amount_minor: "),
        ({"method": 1, "currency": "real"}, "CURRENCY_UNKNOWN", "currency: "),
    ],
)  # fmt: skip
def test_first_fault_by_precedence_names_its_field(changes: dict[str, object], code: str, detail: str) -> None:
    data = {**CAPTURE, **changes}
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(EVENT_TYPES["payment.captured.v1"]).validator.validate_python(data)
    fault = explain(caught.value, data)
    assert fault.code == code
    assert fault.detail.startswith(detail)


def test_detail_never_repeats_what_the_event_says() -> None:
    data = {**CAPTURE, "method": "4111 1111 1111 1111", "4111111111111111": 1, "note": "x" * 1000}
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(EVENT_TYPES["payment.captured.v1"]).validator.validate_python(data)
    for error in caught.value.errors():
        single = ValidationError.from_exception_data("one", [error])  # type: ignore[list-item]  # same shape
        detail = explain(single, data).detail
        assert "1111" not in detail
        assert "xxx" not in detail
        assert len(detail) <= 200


def test_document_that_is_no_object_is_invalid_as_a_whole() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(EVENT_TYPES["payment.captured.v1"]).validator.validate_python(["no"])
    assert explain(caught.value, ["no"]).detail.startswith("data: ")
