"""SIGKILL of the real publisher of webhooks at each of its labelled points: nothing lost, nothing twice (I14)."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consumers.settings import LEDGER_TOPIC, PAYMENTS_TOPIC
from consumers.transport.postgres_log import PostgresLogAdmin
from consumers.webhooks.publisher import LABELS
from ledger_core.operations.webhooks.inbox import Feed, Webhook, WebhookInbox, open_inbox_pool
from tests.support.databases import TestDatabase
from tests.support.postings import BOOK, Scene
from tests.support.processor_webhooks import charge, stripe

pytestmark = [pytest.mark.postgres, pytest.mark.fault]
REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


@pytest.fixture
def scene(database: TestDatabase) -> Iterator[Scene]:
    async def create_topics() -> None:
        admin = PostgresLogAdmin(database.dsn())
        await admin.ensure_topics({PAYMENTS_TOPIC: 2, LEDGER_TOPIC: 1})
        await admin.close()

    asyncio.run(create_topics())
    with Scene(database.dsn()) as scene:
        yield scene
        scene.assert_whole()


def receive(scene: Scene, *numbers: int) -> None:
    webhooks = []
    for number in numbers:
        thing = charge(id=f"ch_{number}", payment_intent=f"pi_{number}")
        document = stripe("charge.captured", thing, event_id=f"evt_{number}")
        webhooks.append(Webhook(f"evt_{number}", "charge.captured", json.dumps(document).encode()))
    with open_inbox_pool(scene.dsn, size=1, wait_seconds=10, timeout_ms=10_000) as pool:
        WebhookInbox(pool).store(Feed(BOOK, "stripe", "stripe"), webhooks)


def start(scene: Scene, name: str, kill_at: str = "") -> "subprocess.Popen[bytes]":
    environment = os.environ | {
        "LEDGER_POSTGRES_DSN": scene.dsn, "LEDGER_ALLOW_OWNER_LOGIN": "true", "LEDGER_FAULT_KILL_AT": kill_at,
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-m", "consumers.bootstrap", name], cwd=REPOSITORY, env=environment)


@contextmanager
def running(scene: Scene, name: str) -> Iterator[None]:
    process = start(scene, name)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("label", LABELS)
def test_a_publisher_killed_at_any_point_loses_and_doubles_nothing(scene: Scene, label: str) -> None:
    receive(scene, 1, 2, 3)
    process = start(scene, "webhooks", label)
    try:
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()
    receive(scene, 3, 4)
    with running(scene, "webhooks"), running(scene, "payments"):
        deadline = time.monotonic() + PATIENCE_SECONDS
        settled = "SELECT published = received FROM webhook.feed"
        sent = """SELECT sum(next_offset) = coalesce((SELECT sum(next_offset) FROM ledger.source_position), 0)
            FROM transport.partition JOIN transport.topic USING (topic_id) WHERE name = 'payments.events.v1'"""
        while not (scene.one(settled) and scene.one(sent)):
            assert time.monotonic() < deadline, "not posted in time"
            time.sleep(0.02)  # other processes work meanwhile; nothing is decided by how long
    assert scene.vouchers() == 4
    assert scene.rows("SELECT number, attempt, outcome FROM webhook.processed ORDER BY 1") == [
        (number, 1, "PUBLISHED") for number in (1, 2, 3, 4)
    ]
    replayed = scene.one("SELECT sum(replayed)::bigint FROM ledger.source_position")
    assert replayed == (3 if label == "webhooks.sent" else 0)
