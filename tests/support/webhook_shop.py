"""A shop that takes webhooks: its inbox over HTTP, its database, and signed deliveries of each processor."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
from structlog.testing import CapturingLoggerFactory

from api.query.bootstrap import listening
from api.webhooks.app import create_inbox_app
from api.webhooks.receiving import Endpoint, Limits
from api.webhooks.schemes.adyen import AdyenScheme
from api.webhooks.schemes.paypal import PayPalScheme, keys_of_certificates
from api.webhooks.schemes.scheme import Scheme
from api.webhooks.schemes.standard import StandardScheme, key_of_secret
from api.webhooks.schemes.stripe import StripeScheme
from ledger_core.operations.webhooks.inbox import Feed, WebhookInbox, open_inbox_pool
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from schemas.charts import load_chart
from tests.support.api import captured_log
from tests.support.databases import TestDatabase
from tests.support.processor_webhooks import adyen
from tests.support.webhook_signing import (
    ADYEN_KEY,
    JSON,
    NOW_S,
    STANDARD_SECRET,
    STRIPE_SECRET,
    paypal_sender,
    signed_item,
    standard_headers,
    stripe_headers,
)

BOOK = "shop"
WEBHOOK_ID = "WEBHOOK1"
SENDER = paypal_sender()


def endpoints() -> dict[str, Endpoint]:
    """One of each processor, all for one book."""
    schemes: dict[str, Scheme] = {
        "stripe": StripeScheme((STRIPE_SECRET.encode(),), 300),
        "adyen": AdyenScheme((bytes.fromhex(ADYEN_KEY),)),
        "paypal": PayPalScheme(keys_of_certificates(SENDER.pem.encode()), WEBHOOK_ID),
        "cloudevents": StandardScheme((key_of_secret(STANDARD_SECRET),), 300),
    }
    return {name: Endpoint(Feed(BOOK, name, name), scheme) for name, scheme in schemes.items()}


@dataclass
class WebhookShop:
    """What a test works with; `now_s` is the inbox's clock."""

    database: TestDatabase
    client: httpx.Client
    admin: psycopg.Connection
    log: CapturingLoggerFactory
    clock: list[float] = field(default_factory=lambda: [float(NOW_S)])

    def post(self, endpoint: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        return self.client.post(f"/webhooks/v1/{endpoint}", content=body, headers=dict(headers))

    def stripe(self, document: Mapping[str, object], **signing: Any) -> httpx.Response:
        body = json.dumps(document).encode()
        return self.post("stripe", body, stripe_headers(body, **signing))

    def adyen(self, *items: dict[str, object], live: str = "true") -> httpx.Response:
        body = json.dumps(adyen(*(signed_item(item) for item in items), live=live)).encode()
        return self.post("adyen", body, JSON)

    def paypal(self, document: Mapping[str, object]) -> httpx.Response:
        body = json.dumps(document).encode()
        return self.post("paypal", body, SENDER.headers(body, WEBHOOK_ID))

    def cloud_event(self, document: Mapping[str, object], event_id: str) -> httpx.Response:
        body = json.dumps(document).encode()
        return self.post("cloudevents", body, standard_headers(body, event_id))

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.admin.execute(statement.encode(), parameters).fetchall()

    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(call.args[0]) for call in self.log.logger.calls]


@contextmanager
def opened_shop(database: TestDatabase, *, limits: Limits | None = None) -> Iterator[WebhookShop]:
    with connect(database.dsn(), Role.POSTER) as connection:
        create_book(connection, BOOK, load_chart())
    log, lines = captured_log()
    with (
        open_inbox_pool(database.dsn(), size=4, wait_seconds=5, timeout_ms=5_000) as pool,
        psycopg.connect(database.dsn(), autocommit=True) as admin,
    ):
        clock = [float(NOW_S)]
        limits = limits or Limits(max_bytes=20_000)
        app = create_inbox_app(WebhookInbox(pool), endpoints(), limits=limits, clock=lambda: clock[0], log=log)
        with listening(app, "127.0.0.1", 0) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield WebhookShop(database, client, admin, lines, clock)
