"""A card number stands nowhere in the store, whatever became of the event that held it (I28)."""

import json
from base64 import b64encode

import pytest

from deploy.demo.messages import Message
from ledger_core.operations.assets import add_asset
from ledger_core.operations.charts import ChartCommands
from ledger_core.operations.imports import note_import
from ledger_core.store.connection import Role, connect
from ledger_core.store.verify import verify
from tests.support.postings import BOOK, CHART, Scene, by_hand, captured, event, outcomes, refunded, voided

pytestmark = pytest.mark.postgres

CARD = "4111111111111111"
HIDDEN_ALIKE = "4242424240061111"
"""Masked it looks as the other does."""
SPACED = "4111 1111 1111 1111"

TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1
"""


def tables_with(scene: Scene, *texts: str) -> list[str]:
    """Tables in which one of these stands: as text, in bytes, or in the base64 of a header."""
    forms = {text for one in texts for text in (one, one.encode().hex())}
    headers = [json.dumps(row) for row in scene.rows("SELECT headers FROM ledger.dead_letter")]
    encoded = {b64encode(one.encode()).decode().rstrip("=")[:-1] for one in texts}
    found = ["headers" for row in headers if any(form in row for form in encoded)]
    for (table,) in scene.rows(TABLES):
        rows = scene.rows(f"SELECT row::text FROM {table} AS row")
        found += [table for (row,) in rows if any(form in row for form in forms)]
    return found


def void(order: str, reason: str, event_id: str = "") -> Message:
    data = {"payment_id": order, "reason": reason}
    return event("payment.voided.v1", order, event_id or f"voided-{order}", data)


def noted(memo: str) -> Message:
    return event("voucher.requested.v1", "adjustment-1", "adjustment-1", {**by_hand(), "memo": memo})


def unread(message: Message, value: bytes) -> Message:
    return message._replace(key=SPACED.encode(), value=value, headers=(*message.headers, ("x-card", CARD.encode())))


def test_an_event_with_a_card_number_in_its_text_is_one_event_and_another_one_a_conflict(scene: Scene) -> None:
    assert outcomes(scene.post(noted(f"paid with {CARD}"))) == ["POSTED"]
    again = scene.post(noted(f"paid with {CARD}"), noted(f"paid with {HIDDEN_ALIKE}"))
    assert outcomes(again) == ["REPLAYED", "REPLAYED"]
    assert outcomes(scene.post(noted("paid with 5555555555554444"))) == ["IDEMPOTENCY_CONFLICT"]
    assert tables_with(scene, CARD, HIDDEN_ALIKE, "5555555555554444") == []
    (posted,) = scene.rows("SELECT convert_from(state, 'UTF8') FROM ledger.event WHERE voucher_no = 1")
    assert '"memo":"paid with ************1111"' in posted[0]


def test_what_waits_is_kept_without_card_numbers_and_heals_as_what_was_received(scene: Scene) -> None:
    late = void("o-1", f"card {SPACED} 12/27")
    request = event(
        "voucher.void_requested.v1", "o-2", "void-o-2",
        {"voucher": {"event_id": "captured-o-2"}, "reason": CARD, "requested_by": f"anna, {CARD}"},
    )  # fmt: skip
    refund = refunded("o-3", 40)
    noticed = refund._replace(headers=(*refund.headers, ("x-note", f"card {CARD}".encode())), key=CARD.encode())
    assert set(outcomes(scene.post(late, request, noticed))) <= {"PREDECESSOR_ABSENT", "VOUCHER_ABSENT"}
    assert tables_with(scene, CARD, SPACED) == []
    assert verify(scene.dsn).ok
    assert outcomes(scene.post(late, request)) == ["REPLAYED", "REPLAYED"]
    healed = scene.post(captured("o-1"), captured("o-2"), captured("o-3"))
    assert [decided.outcome.value for _, decided in healed.healed] == ["POSTED"] * 3
    assert outcomes(scene.post(late, request, noticed)) == ["REPLAYED"] * 3
    assert tables_with(scene, CARD, SPACED) == []


def test_what_waits_for_its_book_or_another_release_is_kept_without_card_numbers(scene: Scene) -> None:
    data = {"payment_id": "o-1", "note": CARD, "card": {"number": SPACED, "cvc": "737"}}
    stray = captured("o-1", book="later")._replace(key=CARD.encode())
    newer = event("payment.voided.v1", "o-2", "e-2", {"payment_id": "o-2"})
    newer = newer._replace(
        value=json.dumps(data).encode(),
        headers=tuple((name, b"payment.voided.v9" if name == "ce_type" else value) for name, value in newer.headers),
    )
    assert outcomes(scene.post(stray, newer)) == ["BOOK_UNKNOWN", "SCHEMA_VERSION_UNKNOWN"]
    assert tables_with(scene, CARD, SPACED) == []
    assert b"737" not in scene.one("SELECT value FROM ledger.dead_letter WHERE code = 'SCHEMA_VERSION_UNKNOWN'")
    assert outcomes(scene.post(newer)) == ["REPLAYED"]


def test_what_is_refused_or_cannot_be_read_is_kept_without_card_numbers(scene: Scene) -> None:
    whole = voided("o-1")
    method = {"method": "card", "payment_method_id": CARD}
    tokenized = event("payment_method.tokenized.v1", "pm-1", "tokenized-1", {**method, "payment_method_id": "pm-1"})
    named = replace_attributes(tokenized, ce_subject=CARD, ce_id=f"tokenized-{CARD}")
    result = scene.post(
        unread(whole, json.dumps({"payment_id": "o-1", "card": CARD}).encode()),
        unread(whole, f'{{"payment_id": "o-1", "card": "{SPACED}", "cvv": 737'.encode()),
        unread(whole, f'{{"card": "{CARD}"}}'.encode("utf-16")),
        unread(whole, b"\xff" + CARD.encode()),
        replace_attributes(unread(whole, b"{}"), ce_time="yesterday", ce_subject=CARD),
        named._replace(value=json.dumps(method).encode()),
    )
    assert outcomes(result) == [
        "DATA_INVALID", "NOT_JSON", "NOT_UTF8", "NOT_UTF8", "ENVELOPE_INVALID", "DATA_INVALID",
    ]  # fmt: skip
    assert tables_with(scene, CARD, SPACED, CARD.encode("utf-16-le").decode("latin-1")) == []
    assert b"737" not in scene.one("SELECT value FROM ledger.dead_letter WHERE code = 'NOT_JSON'")


def test_what_people_type_into_commands_is_stored_without_card_numbers(scene: Scene) -> None:
    typed = f"the customer paid by {SPACED}"
    scene.post(captured("o-1"))
    scene.accounts().freeze("wallet:seller:1", reason=typed, requested_by=f"anna {CARD}")
    chart = {**CHART, "transfers": {"approvals": 2}}
    ChartCommands(lambda: connect(scene.dsn, Role.POSTER), BOOK).apply(chart, reason=typed)
    with connect(scene.dsn, Role.POSTER) as connection:
        add_asset(connection, "PTS", scale=0, name="points", reason=typed)
        note_import(connection, 1, source="import:journal", topic="file:1", vouchers=1, accounts=0, reason=typed)
    assert tables_with(scene, CARD, SPACED) == []
    said = [row[0] for row in scene.rows("SELECT convert_from(state, 'UTF8') FROM ledger.event")]
    assert sum("paid by **** **** **** 1111" in state for state in said) == 4


def replace_attributes(message: Message, **attributes: str) -> Message:
    return message._replace(
        headers=tuple((name, attributes.get(name, value.decode()).encode()) for name, value in message.headers)
    )
