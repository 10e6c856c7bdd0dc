"""The published samples of Stripe and Adyen, from their bytes to posted vouchers."""

import asyncio
import json
from uuid import uuid4

import pytest

from consumers.payments import PaymentsConsumer
from consumers.transport.kafka import KafkaAdmin, KafkaSink, KafkaSource
from consumers.webhooks.mapping import EndpointMapping, WebhookMapper
from consumers.webhooks.publisher import WebhookPublisher
from ledger_core.operations.webhooks.inbox import Feed, Webhook, WebhookInbox, open_inbox_pool
from ledger_core.store.connection import Role, connect
from ledger_core.store.poster import Poster
from tests.contract.processors.test_samples import needs_samples, samples
from tests.support.consuming import QUICK, until
from tests.support.postings import BOOK, Scene
from tests.support.processor_webhooks import Document, charge, held_charge, refund, stripe

pytestmark = pytest.mark.postgres
SCALES = {"EUR": 2, "USD": 2}
ENDPOINTS = dict.fromkeys(["stripe", "adyen"], EndpointMapping(test_mode=True))
"""The samples are of the processors' own test accounts."""


def store(scene: Scene, processor: str, documents: list[Document]) -> None:
    webhooks = [Webhook(f"{n}", "sample", json.dumps(document).encode()) for n, document in enumerate(documents)]
    with open_inbox_pool(scene.dsn, size=1, wait_seconds=10, timeout_ms=10_000) as pool:
        WebhookInbox(pool).store(Feed(BOOK, processor, processor), webhooks)


async def through_kafka(scene: Scene, bootstrap: str, webhooks: int) -> None:
    """Publisher and payments consumer over a topic of their own, until all is consumed that was published."""
    topic = f"payments-{uuid4().hex[:8]}"
    await KafkaAdmin(bootstrap).ensure_topics({topic: 3})
    sink = KafkaSink(bootstrap)
    mapper = WebhookMapper(topic, lambda: SCALES, ENDPOINTS)
    publisher = WebhookPublisher(lambda: connect(scene.dsn, Role.PUBLISHER), sink, mapper)
    poster = Poster(scene.dsn, decode=scene.decoder.decode)
    await asyncio.to_thread(poster.open)
    consumer = PaymentsConsumer(KafkaSource(bootstrap, [topic], topic), poster, scene.decoder, QUICK)
    stop = asyncio.Event()
    tasks = [asyncio.create_task(consumer.run(stop)), asyncio.create_task(publisher.run(stop))]
    try:
        processed = "SELECT count(*) FROM webhook.processed"
        await until(lambda: scene.one(processed) == webhooks, "published")
        sent = "SELECT coalesce(sum(jsonb_array_length(events)), 0) FROM webhook.processed"
        consumed = "SELECT coalesce(sum(next_offset), 0) FROM ledger.source_position"
        await until(lambda: scene.one(consumed) >= scene.one(sent), "consumed")
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await asyncio.to_thread(poster.close)


@pytest.mark.kafka
def test_webhooks_are_posted_through_real_kafka(scene: Scene, kafka_bootstrap: str) -> None:
    documents = []
    for n in range(40):
        names = {"id": f"ch_{n}", "payment_intent": f"pi_{n}"}
        documents += [
            stripe("refund.created", refund(id=f"re_{n}", payment_intent=f"pi_{n}")),
            stripe("charge.captured", charge(**names)),
            stripe("charge.succeeded", held_charge(**names)),
            stripe("customer.created", {}),
        ]
    store(scene, "stripe", documents)
    asyncio.run(through_kafka(scene, kafka_bootstrap, len(documents)))
    assert scene.vouchers() == 80
    assert scene.rows("SELECT DISTINCT captured_minor, refunded_minor, parked FROM ledger.subject") == [
        (10_000, 4_000, 0)
    ]


@needs_samples
@pytest.mark.kafka
def test_the_samples_are_posted(scene: Scene, kafka_bootstrap: str) -> None:
    """Their ids are all alike, so each sample gets its own: otherwise they would be one payment."""
    documents = []
    for n, (_, document) in enumerate(samples("stripe/webhook_fixtures")):
        text = json.dumps(document).replace("0" * 24, f"{n + 1:024}")
        documents.append(json.loads(text))
    store(scene, "stripe", documents)
    store(scene, "adyen", [document for _, document in samples("adyen/java_mocks")])
    total = scene.one("SELECT count(*) FROM webhook.received")
    asyncio.run(through_kafka(scene, kafka_bootstrap, total))
    outcomes = dict(scene.rows("SELECT outcome, count(*) FROM webhook.processed GROUP BY 1"))
    assert outcomes.keys() == {"PUBLISHED", "RECORDED"}
    posted = scene.rows(
        """SELECT order_key, convert_from(state, 'UTF8')::jsonb ->> 'kind' FROM ledger.event
        WHERE type = 'voucher.posted' ORDER BY 1, 2"""
    )
    assert [kind for _, kind in posted].count("capture") >= 3
    waiting = scene.rows("SELECT code FROM ledger.dead_letter WHERE resolved_position IS NULL")
    # What follows payments that are in no sample waits; Adyen's samples give one payment two currencies.
    assert {code for (code,) in waiting} == {"PREDECESSOR_ABSENT", "ORDER_KEY_PARKED", "CURRENCY_MISMATCH"}
