"""The inbox over HTTP on a real database: what it answers, what it stores, and what it never says."""

import json
import socket

import httpx
import pytest

from api.webhooks.receiving import Limits
from tests.support.databases import TestDatabase
from tests.support.processor_webhooks import adyen_item, charge, paypal, paypal_thing, stripe
from tests.support.webhook_shop import WebhookShop, opened_shop
from tests.support.webhook_signing import JSON, NOW_S, STRIPE_SECRET, stripe_headers

pytestmark = pytest.mark.postgres
CAPTURED = stripe("charge.captured", charge())
CARD = "4111111111111111"


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["type"]) == (code, f"/problems/{code}")


def stored(shop: WebhookShop) -> list[tuple[object, ...]]:
    return shop.rows("SELECT endpoint, number, event_id, type FROM webhook.received ORDER BY 1, 2")


def test_a_webhook_of_each_processor_is_stored_before_it_is_answered(shop: WebhookShop) -> None:
    answers = [
        shop.stripe(CAPTURED),
        shop.adyen(adyen_item("CAPTURE")),
        shop.paypal(paypal("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1"))),
        shop.cloud_event({"type": "payment.captured.v1"}, "msg_1"),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json() == {"received": 1, "duplicates": 0}
    assert answers[1].text == "[accepted]"
    assert stored(shop) == [
        ("adyen", 1, "CAPTURE:CAPTURE1:true", "CAPTURE"),
        ("cloudevents", 1, "msg_1", "payment.captured.v1"),
        ("paypal", 1, "WH-1", "PAYMENT.CAPTURE.COMPLETED"),
        ("stripe", 1, "evt_1", "charge.captured"),
    ]


def test_a_webhook_that_comes_again_is_answered_alike_and_counted(shop: WebhookShop) -> None:
    shop.stripe(CAPTURED)
    shop.clock[0] += 60
    again = shop.stripe({**CAPTURED, "pending_webhooks": 1}, at=NOW_S + 60)
    assert (again.status_code, again.json()) == (200, {"received": 0, "duplicates": 1})
    assert shop.adyen(adyen_item("CAPTURE")).text == shop.adyen(adyen_item("CAPTURE")).text
    assert len(stored(shop)) == 2
    metrics = shop.client.get("/metrics").text
    assert 'ledger_webhooks_received_total{endpoint="stripe"} 1.0' in metrics
    assert 'ledger_webhooks_duplicates_dropped_total{endpoint="stripe"} 1.0' in metrics
    named = [line["event"] for line in shop.logged() if line["event"].startswith("webhook.")]
    assert named == ["webhook.received", "webhook.duplicate_dropped"] * 2


def test_a_notification_of_several_items_is_stored_whole(shop: WebhookShop) -> None:
    shop.adyen(adyen_item("AUTHORISATION"), adyen_item("CAPTURE"), adyen_item("REFUND"))
    assert [row[1:3] for row in stored(shop)] == [
        (1, "AUTHORISATION:PAYMENT1:true"), (2, "CAPTURE:CAPTURE1:true"), (3, "REFUND:REFUND1:true"),
    ]  # fmt: skip


def test_a_wrong_signature_stores_nothing_and_is_told_no_more(shop: WebhookShop) -> None:
    body = json.dumps(CAPTURED).encode()
    for headers in (
        stripe_headers(body, "whsec_a-secret-of-somebody-else"),
        stripe_headers(body, at=NOW_S - 3_600),
        stripe_headers(body + b" "),
        JSON,
    ):
        answer = shop.post("stripe", body, headers)
        assert_problem(answer, 401, "SIGNATURE_INVALID")
        assert answer.json()["detail"] == shop.post("stripe", body, JSON).json()["detail"]
    assert stored(shop) == []


def test_signatures_refused_in_a_row_are_a_change_of_health(shop: WebhookShop) -> None:
    for _ in range(4):
        shop.post("stripe", b"{}", JSON)
    health = "SELECT aspect, healthy, reason FROM webhook.health ORDER BY change"
    assert shop.rows(health) == [("signatures", False, "SIGNATURE_INVALID")]
    shop.stripe(CAPTURED)
    assert shop.rows(health)[1:] == [("signatures", True, "")]
    types = shop.rows("SELECT type FROM webhook.event ORDER BY at")
    assert types == [("adapter.health_changed",), ("webhook.received",), ("adapter.health_changed",)]


def test_a_stranger_raises_no_alarm_while_good_webhooks_come(shop: WebhookShop) -> None:
    shop.stripe(CAPTURED)
    for _ in range(5):
        shop.post("stripe", b"{}", JSON)
    health = "SELECT healthy FROM webhook.health ORDER BY change"
    assert shop.rows(health) == [(True,)]
    shop.clock[0] += 601
    shop.post("stripe", b"{}", JSON)
    assert shop.rows(health) == [(True,), (False,)]


def test_an_endpoint_that_was_given_to_another_processor_is_not_ready_and_says_so(shop: WebhookShop) -> None:
    shop.rows(
        """INSERT INTO webhook.feed (book_id, endpoint, processor)
        SELECT book_id, 'stripe', 'paypal' FROM ledger.book WHERE code = 'shop' RETURNING 1"""
    )
    assert_problem(shop.stripe(CAPTURED), 503, "NOT_READY")
    ready = shop.client.get("/readyz").json()
    assert ready == {"status": "ready", "not_ready": {"stripe": "endpoint stripe holds webhooks of paypal"}}
    assert 'ledger_webhooks_refused_total{code="NOT_READY",endpoint="stripe"} 1.0' in shop.client.get("/metrics").text
    assert shop.adyen(adyen_item("CAPTURE")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/webhooks/v1/unknown", "/webhooks/v1/", "/webhooks/v2/stripe", "/webhooks/v1/stripe/x"]
)
def test_an_unknown_endpoint_is_not_found(shop: WebhookShop, path: str) -> None:
    assert_problem(shop.client.post(path, content=b"{}", headers=JSON), 404, "NOT_FOUND")


def test_other_methods_are_refused(shop: WebhookShop) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert_problem(shop.client.request(method, "/webhooks/v1/stripe"), 405, "METHOD_NOT_ALLOWED")


def test_a_body_that_is_too_large_is_refused_however_it_comes(shop: WebhookShop) -> None:
    body = b"x" * 20_001
    assert_problem(shop.post("stripe", body, JSON), 413, "BODY_TOO_LARGE")
    chunks = (body[start : start + 5_000] for start in range(0, len(body), 5_000))
    answer = shop.client.post("/webhooks/v1/stripe", content=chunks, headers=JSON)
    assert_problem(answer, 413, "BODY_TOO_LARGE")
    assert stored(shop) == []


def test_another_media_type_is_refused(shop: WebhookShop) -> None:
    assert_problem(shop.post("stripe", b"a=1", {"content-type": "text/plain"}), 415, "MEDIA_TYPE_UNSUPPORTED")
    assert_problem(shop.post("stripe", b"a=1", {}), 415, "MEDIA_TYPE_UNSUPPORTED")
    charset = {"content-type": "application/json; charset=utf-8"}
    body = json.dumps(CAPTURED).encode()
    assert shop.post("stripe", body, stripe_headers(body) | charset).status_code == 200


@pytest.mark.parametrize("body", [b"[]", b"nonsense", b'{"id":"evt_1"}', b'{"id":"a","id":"b","type":"x"}', b"[" * 100])
def test_what_is_signed_and_no_webhook_is_refused(shop: WebhookShop, body: bytes) -> None:
    assert_problem(shop.post("stripe", body, stripe_headers(body)), 400, "WEBHOOK_UNREADABLE")
    assert stored(shop) == []


def test_a_slow_body_is_given_up(database: TestDatabase) -> None:
    limits = Limits(body_timeout_s=0.05)
    with (
        opened_shop(database, limits=limits) as shop,
        socket.create_connection((shop.client.base_url.host, shop.client.base_url.port or 0)) as slow,
    ):
        slow.sendall(
            b"POST /webhooks/v1/stripe HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        slow.settimeout(20)
        assert b" 408 " in slow.recv(4_096)


def test_nothing_is_acknowledged_while_the_store_is_away(shop: WebhookShop) -> None:
    shop.admin.execute("BEGIN; LOCK TABLE webhook.feed IN ACCESS EXCLUSIVE MODE")
    answer = shop.stripe(CAPTURED)
    shop.admin.execute("ROLLBACK")
    assert_problem(answer, 503, "STORE_UNAVAILABLE")
    assert answer.headers["retry-after"]
    assert shop.stripe(CAPTURED).status_code == 200


def test_card_data_and_secrets_are_neither_stored_nor_logged(shop: WebhookShop) -> None:
    shop.stripe(stripe("charge.captured", charge(source={"number": CARD, "cvc": "737"})))
    shop.post("stripe", CARD.encode(), JSON)
    assert shop.rows("SELECT masked FROM webhook.received") == [(2,)]
    bodies = b"".join(row[0] for row in shop.rows("SELECT body FROM webhook.received"))
    assert CARD.encode() not in bodies
    said = json.dumps(shop.logged())
    for secret in (CARD, STRIPE_SECRET, '"737"'):
        assert secret not in said


def test_events_of_ones_own_keep_what_names_a_payment_and_no_card_number_in_a_text(shop: WebhookShop) -> None:
    """An order key may pass for a card number: masked, those of two payments would be one."""
    data = {"payment_id": CARD, "reason": f"paid by {CARD}"}
    shop.cloud_event({"type": "payment.voided.v1", "subject": CARD, "data": data}, "msg_1")
    [(body,)] = shop.rows("SELECT body FROM webhook.received")
    kept = json.loads(body)
    assert (kept["subject"], kept["data"]["payment_id"]) == (CARD, CARD)
    assert CARD not in kept["data"]["reason"]


def test_health_is_answered(shop: WebhookShop) -> None:
    assert shop.client.get("/livez").json() == {"status": "live"}
    assert shop.client.get("/readyz").json() == {"status": "ready"}
