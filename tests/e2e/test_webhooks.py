"""Webhooks from the address they are posted to until they stand in the books, and the commands that look after them."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from api.webhooks.bootstrap import serving_inbox
from api.webhooks.settings import InboxSettings
from consumers.settings import WEBHOOKS_TOPIC, load_settings
from consumers.transport.ports import Source
from consumers.transport.postgres_log import PostgresLogSource
from tests.e2e.test_processes import running, until_logged
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.processor_webhooks import Document, charge, held_charge, refund, stripe
from tests.support.topics import read_all
from tests.support.webhook_signing import STRIPE_SECRET, stripe_headers

pytestmark = pytest.mark.postgres


@contextmanager
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """The inbox as its settings make it."""
    for member, value in {"PROCESSOR": "stripe", "BOOK": "shop", "SECRETS": STRIPE_SECRET}.items():
        monkeypatch.setenv(f"LEDGER_WEBHOOKS__STRIPE__{member}", value)
    with serving_inbox(load_settings(InboxSettings, webhook_port=0)) as url, httpx.Client(base_url=url) as client:
        yield client


def post(client: httpx.Client, *webhooks: Document) -> None:
    for webhook in webhooks:
        body = json.dumps(webhook).encode()
        answer = client.post("/webhooks/v1/stripe", content=body, headers=stripe_headers(body, at=int(time.time())))
        assert answer.status_code == 200, answer.text


def until(topics: TestDatabase, query: str, wanted: object) -> None:
    with psycopg.connect(topics.dsn(), autocommit=True) as connection:
        while connection.execute(query.encode()).fetchone() != (wanted,):
            time.sleep(0.02)  # other processes work meanwhile; nothing is decided by how long


def notices_of(topics: TestDatabase) -> Source:
    return PostgresLogSource(topics.dsn(), [WEBHOOKS_TOPIC])


def test_webhooks_are_posted_shown_and_replayed(topics: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ledgerctl("book", "create", "shop").code == 0
    with (
        inbox(monkeypatch) as client,
        running("consumers.bootstrap", "all", LEDGER_ALLOW_OWNER_LOGIN="true") as child,
    ):
        until_logged(child, "process.started")
        post(
            client,
            stripe("refund.created", refund(), event_id="evt_3"),
            stripe("charge.captured", charge(), event_id="evt_2"),
            stripe("charge.succeeded", held_charge(), event_id="evt_1"),
            stripe("transfer.created", {}, event_id="evt_4"),
            stripe("charge.captured", charge(), event_id="evt_2"),
        )
        until(topics, "SELECT count(*) FROM ledger.event WHERE type = 'voucher.posted'", 2)
        until(topics, "SELECT count(*) FROM webhook.processed", 4)
        until(topics, "SELECT count(*) FROM webhook.untold", 0)
        told = Counter(dict(one.headers)["ce_type"] for one in asyncio.run(read_all(notices_of(topics))))
        assert told == {
            b"webhook.received.v1": 4, b"webhook.duplicate_dropped.v1": 1, b"webhook.processed.v1": 4,
            b"adapter.health_changed.v1": 3,
        }  # fmt: skip
        listed = ledgerctl("webhook", "list", "--book", "shop", "--json").json
        assert [(one["number"], one["type"], one["outcome"], one["code"]) for one in listed["webhooks"]] == [
            (1, "refund.created", "PUBLISHED", ""), (2, "charge.captured", "PUBLISHED", ""),
            (3, "charge.succeeded", "PUBLISHED", ""), (4, "transfer.created", "RECORDED", "NO_EVENT_TYPE"),
        ]  # fmt: skip
        assert listed["endpoints"] == [
            {"endpoint": "stripe", "processor": "stripe", "received": 4, "published": 4, "unwell": []}
        ]
        again = ["webhook", "replay", "stripe", "--book", "shop", "--outcome", "PUBLISHED", "--reason", "a test"]
        dry = ledgerctl(*again, "--json").json
        assert (dry["applied"], dry["requested"], len(dry["webhooks"])) == (False, [], 3)
        assert dry["webhooks"][0]["would_be"] == ["PUBLISHED", "refund.requested.v1, payment.refunded.v1"]
        assert ledgerctl(*again, "--apply", "--json").json["requested"] == [1, 2, 3]
        until(topics, "SELECT count(*) FROM webhook.processed", 7)
        until(topics, "SELECT sum(replayed)::bigint FROM ledger.source_position", 6)
    old = ledgerctl(
        "webhook", "forget", "stripe", "--book", "shop", "--older-than", "90", "--reason", "r", "--json"
    ).json
    assert (old["applied"], old["forgotten"], old["kept"]) == (False, [], {})
    shown = ledgerctl("webhook", "show", "stripe", "2", "--book", "shop", "--json").json
    assert sorted(event["type"] for event in shown["events"]) == [
        "webhook.duplicate_dropped", "webhook.processed", "webhook.processed", "webhook.received",
    ]  # fmt: skip
    assert [one["id"] for one in shown["webhook"]["events"]] == ["payment-authorized-ch_1", "payment-captured-ch_1"]
    assert shown["body"]["id"] == "evt_2"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["show", "stripe", "7"], "WEBHOOK_NOT_FOUND"),
        (["replay", "stripe", "1", "--reason", " "], "REASON_MISSING"),
        (["replay", "stripe", "--reason", "a test"], "NOTHING_CHOSEN"),
        (["forget", "stripe", "--reason", " "], "REASON_MISSING"),
        (["forget", "stripe", "--reason", "a test"], "RETENTION_UNDECLARED"),
        (["forget", "stripe", "--reason", "a test", "--older-than", "90"], "ENDPOINT_NOT_FOUND"),
    ],
)
def test_commands_name_what_they_cannot_do(machine: TestDatabase, command: list[str], code: str) -> None:
    assert ledgerctl("book", "create", "shop").code == 0
    ended = ledgerctl("webhook", *command, "--book", "shop", "--json")
    assert (ended.code, ended.error["code"]) == (1, code)


def test_tables_are_drawn_for_people(machine: TestDatabase) -> None:
    assert ledgerctl("book", "create", "shop").code == 0
    assert ledgerctl("webhook", "list", "--book", "shop").code == 0
    replayed = ledgerctl("webhook", "replay", "stripe", "--code", "X", "--reason", "a test", "--book", "shop")
    assert "0 webhooks would be published again" in replayed.out
