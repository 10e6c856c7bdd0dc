"""SIGKILL of the real publisher of webhooks at each of its labelled points: nothing lost, nothing twice (I14)."""

import asyncio
import json

import pytest

from consumers.settings import LEDGER_TOPIC, PAYMENTS_TOPIC
from consumers.transport.postgres_log import PostgresLogAdmin
from consumers.webhooks.publisher import LABELS
from ledger_core.operations.webhooks.inbox import Feed, Webhook, WebhookInbox, open_inbox_pool
from tests.support.postings import BOOK, Scene
from tests.support.processes import PATIENCE_SECONDS, die_at, running
from tests.support.processor_webhooks import charge, stripe

pytestmark = [pytest.mark.postgres, pytest.mark.fault]


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """With the topics of the pipeline."""

    async def create_topics() -> None:
        admin = PostgresLogAdmin(scene.dsn)
        await admin.ensure_topics({PAYMENTS_TOPIC: 2, LEDGER_TOPIC: 1})
        await admin.close()

    asyncio.run(create_topics())
    return scene


def receive(scene: Scene, *numbers: int) -> None:
    webhooks = []
    for number in numbers:
        thing = charge(id=f"ch_{number}", payment_intent=f"pi_{number}")
        document = stripe("charge.captured", thing, event_id=f"evt_{number}")
        webhooks.append(Webhook(f"evt_{number}", "charge.captured", json.dumps(document).encode()))
    with open_inbox_pool(scene.dsn, size=1, wait_seconds=10, timeout_ms=10_000) as pool:
        WebhookInbox(pool).store(Feed(BOOK, "stripe", "stripe"), webhooks)


@pytest.mark.parametrize("label", LABELS)
def test_a_publisher_killed_at_any_point_loses_and_doubles_nothing(scene: Scene, label: str) -> None:
    receive(scene, 1, 2, 3)
    die_at(label, "webhooks", scene.dsn)
    receive(scene, 3, 4)
    with running("webhooks", scene.dsn), running("payments", scene.dsn):
        scene.until("SELECT published = received FROM webhook.feed", patience_seconds=PATIENCE_SECONDS)
        scene.until(
            """SELECT sum(next_offset) = coalesce((SELECT sum(next_offset) FROM ledger.source_position), 0)
            FROM transport.partition JOIN transport.topic USING (topic_id) WHERE name = 'payments.events.v1'""",
            patience_seconds=PATIENCE_SECONDS,
        )
    assert scene.vouchers() == 4
    assert scene.rows("SELECT number, attempt, outcome FROM webhook.processed ORDER BY 1") == [
        (number, 1, "PUBLISHED") for number in (1, 2, 3, 4)
    ]
    replayed = scene.one("SELECT sum(replayed)::bigint FROM ledger.source_position")
    assert replayed == (3 * 2 if label == "webhooks.sent" else 0)  # authorised, captured
