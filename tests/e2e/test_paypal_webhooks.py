"""PayPal's webhooks, signed as its documentation says, from the endpoint to the payment that the API shows.

One book gets them in their order, another one backwards and with copies: what the API answers is the same.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from api.webhooks.bootstrap import serving_inbox
from api.webhooks.settings import InboxSettings
from consumers.settings import load_settings
from tests.e2e.test_processes import running, until_logged
from tests.e2e.test_webhook_samples import until_consumed
from tests.support.api import client_of
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.processor_webhooks import Document, paypal, paypal_thing, up_to_capture
from tests.support.shop import reading_pool
from tests.support.webhook_signing import paypal_sender

pytestmark = pytest.mark.postgres

SENDER, SUBSCRIPTION = paypal_sender(), "1JE4291016473214C"
BOOKS = {"ahead": "paypal", "back": "paypal-back"}
"""The endpoint of what comes in order, and of what comes backwards."""
KEY = "paypal:2GG279541U471931P"
DISPUTE: Document = {
    "dispute_id": "PP-D-4012", "dispute_life_cycle_stage": "CHARGEBACK", "status": "OPEN",
    "disputed_transactions": [{"seller_transaction_id": "2GG279541U471931P"}],
    "dispute_amount": {"currency_code": "EUR", "value": "10.00"},
}  # fmt: skip
REFUND = {**paypal_thing("1JU08902781691411", "30.00"), **up_to_capture("2GG279541U471931P")}
STORY = [
    paypal("CHECKOUT.ORDER.APPROVED", {"id": "5O190127TN364715T"}, event_id="WH-1"),
    paypal("PAYMENT.CAPTURE.COMPLETED", paypal_thing("2GG279541U471931P"), event_id="WH-2"),
    paypal("PAYMENT.REFUND.PENDING", REFUND, event_id="WH-3"),
    paypal("PAYMENT.CAPTURE.REFUNDED", REFUND, event_id="WH-4"),
    paypal("CUSTOMER.DISPUTE.CREATED", DISPUTE, event_id="WH-5"),
    paypal("CUSTOMER.DISPUTE.RESOLVED", {**DISPUTE, "status": "RESOLVED",
           "dispute_outcome": {"outcome_code": "RESOLVED_SELLER_FAVOUR"}}, event_id="WH-6"),
]  # fmt: skip
TOLD = [
    ("chargeback-opened-PP-D-4012", "chargeback.opened.v1"),
    ("chargeback-won-PP-D-4012", "chargeback.won.v1"),
    ("payment-captured-2GG279541U471931P", "payment.captured.v1"),
    ("payment-intent-created-2GG279541U471931P", "payment.intent_created.v1"),
    ("payment-refunded-1JU08902781691411", "payment.refunded.v1"),
    ("refund-requested-1JU08902781691411", "refund.requested.v1"),
]


@contextmanager
def inbox(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[httpx.Client]:
    """An endpoint for each book, with PayPal's certificate in a file."""
    certificates = folder / "paypal.pem"
    certificates.write_text(SENDER.pem)
    for book, endpoint in BOOKS.items():
        given = {"PROCESSOR": "paypal", "BOOK": book, "SECRETS_FILE": str(certificates), "WEBHOOK_ID": SUBSCRIPTION}
        for member, value in given.items():
            monkeypatch.setenv(f"LEDGER_WEBHOOKS__{endpoint}__{member}", value)
    with serving_inbox(load_settings(InboxSettings, webhook_port=0)) as url, httpx.Client(base_url=url) as client:
        yield client


def post(client: httpx.Client, book: str, webhooks: Sequence[Document]) -> None:
    for webhook in webhooks:
        body = json.dumps(webhook).encode()
        answer = client.post(f"/webhooks/v1/{BOOKS[book]}", content=body, headers=SENDER.headers(body, SUBSCRIPTION))
        assert answer.status_code == 200, answer.text


def refuse_forgeries(client: httpx.Client) -> None:
    """Another's certificate, another subscription, another body."""
    body = json.dumps(STORY[1]).encode()
    for headers in (
        paypal_sender().headers(body, SUBSCRIPTION),
        SENDER.headers(body, "another-subscription"),
        SENDER.headers(body + b" ", SUBSCRIPTION),
    ):
        assert client.post("/webhooks/v1/paypal", content=body, headers=headers).status_code == 401


def answers(api: httpx.Client, book: str, position: int) -> dict[str, object]:
    """What the API says of the payment and of every balance, but for where in its log it says so."""
    seen = {"min_position": position}
    payment = api.get(f"/v1/books/{book}/payments/{KEY}", params=seen).json()
    told = api.get(f"/v1/books/{book}/timelines/{KEY}", params=seen).json()["events"]
    accounts = api.get(f"/v1/books/{book}/accounts", params={"limit": 1000}).json()["accounts"]
    return {
        "state": payment["state"],
        "amounts": {name: payment[name]["amount_minor"] for name in ("captured", "refunded", "disputed")},
        "timeline": sorted((one["cause"]["event_id"], one["event_type"]) for one in told if one["outcome"] != "PARKED"),
        "balances": {
            one["account"]: api.get(f"/v1/books/{book}/accounts/{one['account']}/balance").json()["balance"]
            for one in accounts
        },
    }  # fmt: skip


def position_of(topics: TestDatabase, book: str) -> int:
    with psycopg.connect(topics.dsn()) as connection:
        row = connection.execute("SELECT position FROM ledger.book WHERE code = %s", [book]).fetchone()
    assert row is not None
    return int(row[0])


def test_paypals_webhooks_are_posted_and_told_alike_however_they_come(
    topics: TestDatabase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for book in BOOKS:
        assert ledgerctl("book", "create", book).code == 0
    with (
        inbox(monkeypatch, tmp_path) as client,
        running("consumers.bootstrap", "all", LEDGER_ALLOW_OWNER_LOGIN="true") as child,
        reading_pool(topics) as pool,
        client_of(pool, wait_seconds=20) as api,
    ):
        until_logged(child, "process.started")
        refuse_forgeries(client)
        post(client, "ahead", STORY)
        post(client, "back", STORY[::-1])
        post(client, "back", STORY[::2])
        until_consumed(topics, 2 * len(STORY))
        ahead = answers(api, "ahead", position_of(topics, "ahead"))
        assert (ahead["state"], ahead["amounts"]) == (
            "CAPTURED", {"captured": "10000", "refunded": "3000", "disputed": "0"},
        )  # fmt: skip
        assert ahead["timeline"] == TOLD
        assert answers(api, "back", position_of(topics, "back")) == ahead
        again = ["webhook", "replay", "paypal", "--book", "ahead", "--outcome", "PUBLISHED", "--reason", "a test"]
        requested = ledgerctl(*again, "--apply", "--json").json["requested"]
        assert len(requested) == len(STORY) - 1
        until_consumed(topics, 2 * len(STORY) + len(requested))
        assert answers(api, "ahead", position_of(topics, "ahead")) == ahead
