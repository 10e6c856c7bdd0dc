"""The published samples of Stripe and Adyen, and one payment told by many webhooks, from the endpoints to the API.

One book gets them in their order, another one backwards and with copies: what the API answers is the same.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpx
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from api.webhooks.bootstrap import serving_inbox
from api.webhooks.settings import InboxSettings
from consumers.settings import load_settings
from ledger_core.store.connection import Role, dsn_for_role
from tests.contract.processors.test_samples import needs_samples, samples
from tests.e2e.test_processes import running, until_logged
from tests.properties.test_webhook_orders import STORY
from tests.support.api import client_of
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.processor_webhooks import Document, adyen
from tests.support.webhook_signing import ADYEN_KEY, JSON, STRIPE_SECRET, signed_item, stripe_headers

pytestmark = [pytest.mark.postgres, needs_samples]
BOOKS = ("ahead", "back")
"""What comes in order, and what comes backwards."""
PROCESSORS = {"stripe": STRIPE_SECRET, "adyen": ADYEN_KEY}
TESTED = {"TEST_MODE": "true"}
"""The samples are of the processors' own test accounts."""
SENT = "SELECT coalesce(sum(jsonb_array_length(events)), 0)::bigint FROM webhook.processed"
CONSUMED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM ledger.source_position"


def stripe_documents() -> list[Document]:
    """Their ids are all alike, so each sample gets its own; and one payment that all kinds of webhooks tell of."""
    told = [json.dumps(document) for _, document in samples("stripe/webhook_fixtures")]
    numbered = [json.loads(text.replace("0" * 14, f"{n + 1:014}")) for n, text in enumerate(told)]
    return [*({**document, "id": f"evt_sample_{n}"} for n, document in enumerate(numbered)), *STORY]


def adyen_items() -> list[Document]:
    found = [
        document["notificationItems"] for _, document in samples("adyen/java_mocks") if "notificationItems" in document
    ]
    items = [items[0]["NotificationRequestItem"] for items in found if isinstance(items, list) and len(items) == 1]
    signed = {"pspReference", "merchantAccountCode", "merchantReference", "amount", "eventCode", "success"}
    return [item for item in items if signed <= item.keys()]


@contextmanager
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """An endpoint of each processor for each book."""
    for book in BOOKS:
        for processor, secret in PROCESSORS.items():
            for member, value in {**TESTED, "PROCESSOR": processor, "BOOK": book, "SECRETS": secret}.items():
                monkeypatch.setenv(f"LEDGER_WEBHOOKS__{processor}-{book}__{member}", value)
    with serving_inbox(load_settings(InboxSettings, webhook_port=0)) as url, httpx.Client(base_url=url) as client:
        yield client


def post(client: httpx.Client, book: str, documents: Sequence[Document], items: Sequence[Document]) -> int:
    """How many of them were new."""
    bodies = [("stripe", json.dumps(document).encode()) for document in documents]
    bodies += [("adyen", json.dumps(adyen(signed_item(item))).encode()) for item in items]
    for processor, body in bodies:
        headers = stripe_headers(body, at=int(time.time())) if processor == "stripe" else JSON
        answer = client.post(f"/webhooks/v1/{processor}-{book}", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
    return len(bodies)


def until_consumed(database: TestDatabase, webhooks: int) -> None:
    """Every webhook processed, every event of theirs decided."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:

        def one(query: str) -> int:
            row = connection.execute(query.encode()).fetchone()
            assert row is not None
            return int(row[0])

        while one("SELECT count(*) FROM webhook.processed") < webhooks or one(CONSUMED) < one(SENT):
            time.sleep(0.02)  # other processes work meanwhile; nothing is decided by how long


def answers(client: httpx.Client, book: str) -> dict[str, object]:
    """What the API says of a book, but for where in its log it says so."""
    listed = client.get(f"/v1/books/{book}/accounts", params={"limit": 1000})
    accounts = listed.json()["accounts"]
    balances = {
        one["account"]: client.get(f"/v1/books/{book}/accounts/{one['account']}/balance").json()["balance"]
        for one in accounts
    }
    seen = {"min_position": listed.headers["Ledger-Position"]}
    while (answer := client.get(f"/v1/books/{book}/payments/stripe:pi_1", params=seen)).status_code == 503:
        pass  # the projection is on its way; the answer itself waits a while
    payment = answer.json()
    amounts = {name: payment[name]["amount_minor"] for name in ("captured", "refunded")}
    return {"balances": balances, "amounts": amounts}


def test_samples_and_stories_are_posted_alike_however_they_come(
    topics: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for book in BOOKS:
        assert ledgerctl("book", "create", book).code == 0
    documents, items = stripe_documents(), adyen_items()
    with (
        inbox(monkeypatch) as client,
        running("consumers.bootstrap", "all", LEDGER_ALLOW_OWNER_LOGIN="true") as child,
    ):
        until_logged(child, "process.started")
        sent = post(client, "ahead", documents, items)
        sent += post(client, "back", documents[::-1], items[::-1])
        post(client, "back", documents[::3], items[::2])
        with psycopg.connect(topics.dsn()) as connection:
            stored = connection.execute("SELECT count(*) FROM webhook.received").fetchone()
        assert stored is not None
        assert stored[0] <= sent
        until_consumed(topics, stored[0])
        with (
            ConnectionPool(dsn_for_role(topics.dsn(), Role.READER), min_size=1, open=True) as pool,
            client_of(pool) as api,
        ):
            ahead = answers(api, "ahead")
            assert answers(api, "back") == ahead
            assert ahead["amounts"] == {"captured": "10000", "refunded": "5000"}
            requested = 0
            for processor in PROCESSORS:
                again = ["webhook", "replay", f"{processor}-ahead", "--book", "ahead", "--outcome", "PUBLISHED"]
                requested += len(ledgerctl(*again, "--reason", "a test", "--apply", "--json").json["requested"])
            assert requested > len(STORY)
            until_consumed(topics, stored[0] + requested)
            assert answers(api, "ahead") == ahead
