"""A worker that is stopped in the middle of its transaction, past its session, and comes back (SIGSTOP, SIGCONT)."""

import asyncio
from uuid import uuid4

import pytest

from consumers.transport.kafka import KafkaAdmin, KafkaSink
from consumers.transport.ports import Outgoing
from deploy.demo.messages import Message
from tests.support.postings import Scene, captured
from tests.support.processes import payments_process

pytestmark = [pytest.mark.postgres, pytest.mark.kafka, pytest.mark.fault, pytest.mark.slow]

SESSION_AND_TRANSACTION_SECONDS = 60


async def send(bootstrap: str, topic: str, messages: list[Message]) -> None:
    await KafkaAdmin(bootstrap).ensure_topics({topic: 1})
    sink = KafkaSink(bootstrap)
    await sink.start()
    try:
        await sink.send([Outgoing(topic, m.key, m.value, m.headers, partition=0) for m in messages])
    finally:
        await sink.stop()


@pytest.mark.timeout(180)
def test_a_zombie_that_wakes_after_its_partition_moved_does_no_harm(scene: Scene, kafka_bootstrap: str) -> None:
    """The server ends its transaction, so the book is free; the group gives its partition away; when it wakes its
    batch is gone with the session, and what it read is posted already."""
    topic = f"payments-{uuid4().hex[:8]}"
    kafka = {"broker": "kafka", "kafka_bootstrap": kafka_bootstrap, "payments_topic": topic, "group": topic}
    asyncio.run(send(kafka_bootstrap, topic, [captured(f"o-{n}") for n in range(50)]))
    consumed = "SELECT count(*) = 1 FROM ledger.source_position WHERE next_offset = %s"
    with payments_process(scene.dsn, **kafka) as zombie:
        with scene.other_session() as session:
            session.execute("SELECT 1 FROM ledger.book WHERE book_id = 1 FOR UPDATE")
            scene.until_waiting()
            zombie.stop()
        with payments_process(scene.dsn, **kafka) as heir:
            scene.until(consumed, 50, patience_seconds=SESSION_AND_TRANSACTION_SECONDS)
            zombie.wake()
            asyncio.run(send(kafka_bootstrap, topic, [captured(f"p-{n}") for n in range(50)]))
            scene.until(consumed, 100, patience_seconds=SESSION_AND_TRANSACTION_SECONDS)
            assert heir.end() == 0
        asyncio.run(send(kafka_bootstrap, topic, [captured("q")]))
        scene.until(consumed, 101, patience_seconds=SESSION_AND_TRANSACTION_SECONDS)
        assert zombie.end() == 0
    assert scene.counters() == {"posted": 101}
