"""Bodies of webhooks are forgotten in time, and never one that may still become something."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from consumers.transport.memory import MemoryLog, MemorySink
from consumers.transport.ports import Partition
from consumers.webhooks.mapping import WebhookMapper
from consumers.webhooks.publisher import WebhookPublisher
from deploy.demo.messages import Message
from ledger_core.operations.webhooks.inbox import Feed, Stored, Webhook, WebhookInbox, open_inbox_pool
from ledger_core.operations.webhooks.replay import request_replay
from ledger_core.operations.webhooks.retention import OldWebhook, Retention, forget, old_webhooks
from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase
from tests.support.postings import BOOK, Scene, outcomes
from tests.support.processor_webhooks import Document, charge, refund, stripe

pytestmark = pytest.mark.postgres
STRIPE = Feed(BOOK, "stripe", "stripe")
ALL = Retention(BOOK, "stripe", "/processors/stripe", 0)
REASON = {"reason": "retention", "requested_by": "anna"}

OF_PI_9: Document = {"payment_intent": "pi_9"}
POSTED = [
    (stripe("charge.captured", charge(), event_id="evt_1"), ""),
    (stripe("refund.created", refund(**OF_PI_9), event_id="evt_2"), "NOT_POSTED"),
    (stripe("transfer.created", {}, event_id="evt_3"), "NOT_MAPPED"),
    (stripe("charge.captured", charge(currency="xts"), event_id="evt_4"), "NOT_MAPPED"),
    (stripe("customer.created", {}, event_id="evt_5"), "NOT_MAPPED"),
    (stripe("payment_intent.processing", {}, event_id="evt_6"), ""),
]
PUBLISHED = [(stripe("charge.captured", charge(id="ch_7", payment_intent="pi_7"), event_id="evt_7"), "NOT_DECIDED")]
RECEIVED = [(stripe("charge.captured", charge(id="ch_8", payment_intent="pi_8"), event_id="evt_8"), "NOT_PUBLISHED")]
KEPT = [kept for _, kept in (*POSTED, *PUBLISHED, *RECEIVED)]


class Shop(Scene):
    """A book whose webhooks came, were published and posted as far as their lists say."""

    def receive(self, webhooks: list[tuple[Document, str]]) -> list[Stored]:
        documents = [document for document, _ in webhooks]
        with open_inbox_pool(self.dsn, size=1, wait_seconds=10, timeout_ms=10_000) as pool:
            return WebhookInbox(pool).store(
                STRIPE, [Webhook(str(one["id"]), str(one["type"]), json.dumps(one).encode()) for one in documents]
            )

    def publish(self) -> list[Message]:
        log = MemoryLog()

        async def work() -> None:
            await log.ensure_topics({"payments": 1})
            mapper = WebhookMapper("payments", lambda: {"EUR": 2})
            publisher = WebhookPublisher(lambda: connect(self.dsn, Role.PUBLISHER), MemorySink(log), mapper)
            await publisher.publish_once()
            await publisher.close()

        asyncio.run(work())
        records = log.log_of(Partition("payments", 0)).records
        return [Message(one.key or b"", tuple(one.headers), one.value or b"") for one in records]

    def forget(self, retention: Retention = ALL) -> list[OldWebhook]:
        with connect(self.dsn, Role.POSTER) as connection:
            return list(forget(connection, retention, **REASON))

    def old(self, retention: Retention = ALL) -> list[OldWebhook]:
        with connect(self.dsn, Role.POSTER) as connection:
            return old_webhooks(connection, retention)


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[Shop]:
    with Shop(database.dsn()) as shop:
        shop.receive(POSTED)
        shop.post(*shop.publish())
        shop.receive(PUBLISHED)
        shop.publish()
        shop.receive(RECEIVED)
        yield shop
        shop.assert_whole()


def test_what_may_still_become_something_is_kept_and_the_rest_forgotten(shop: Shop) -> None:
    bodies = dict(shop.rows("SELECT number, body FROM webhook.received"))
    assert [(one.number, one.kept) for one in shop.old()] == list(enumerate(KEPT, 1))
    assert shop.old(Retention(BOOK, "stripe", ALL.source, 1)) == []
    assert shop.forget() == [OldWebhook(n, len(bodies[n]), kept) for n, kept in enumerate(KEPT, 1)]
    assert shop.rows("SELECT number FROM webhook.received WHERE body = '' ORDER BY 1") == [(1,), (6,)]
    assert shop.rows("SELECT number, body_sha256, reason, requested_by FROM webhook.forgotten ORDER BY 1") == [
        (n, hashlib.sha256(bodies[n]).digest(), "retention", "anna") for n in (1, 6)
    ]
    told = "SELECT number, detail ->> 'requested_by' FROM webhook.event WHERE type = 'webhook.forgotten' ORDER BY 1"
    assert shop.rows(told) == [(1, "anna"), (6, "anna")]
    assert [one.number for one in shop.forget()] == [2, 3, 4, 5, 7, 8]


def test_a_forgotten_webhook_is_still_known_and_not_replayed(shop: Shop) -> None:
    shop.forget()
    assert shop.receive(POSTED[:1]) == [Stored(1, True)]
    with connect(shop.dsn, Role.POSTER) as connection:
        assert request_replay(connection, BOOK, "stripe", [1, 3], **REASON) == [3]
    assert next(one for one in shop.old() if one.number == 3).kept == "NOT_PUBLISHED"


def test_what_is_kept_never_hides_what_can_be_forgotten(shop: Shop) -> None:
    one_at_once = replace(ALL, most=1)
    assert [[one.number for one in shop.forget(one_at_once) if not one.kept] for _ in range(3)] == [[1], [6], []]


def test_a_webhook_whose_event_is_a_conflict_is_kept_while_that_is_open(shop: Shop) -> None:
    shop.receive([(stripe("charge.captured", charge(id="ch_9", payment_intent="pi_8"), event_id="evt_9"), "")])
    authorized, said = shop.publish()[-2:]
    other = said._replace(value=said.value.replace(b"10000", b"10001"))
    assert outcomes(shop.post(authorized, other)) == ["RECORDED", "POSTED"]
    assert outcomes(shop.post(said)) == ["IDEMPOTENCY_CONFLICT"]
    assert shop.old()[-1] == OldWebhook(9, shop.old()[-1].body_bytes, "NOT_POSTED")


def test_a_body_is_not_forgotten_while_somebody_asks_for_it_nor_asked_for_while_it_is_forgotten(shop: Shop) -> None:
    with connect(shop.dsn, Role.POSTER) as asking, connect(shop.dsn, Role.POSTER) as forgetting:
        for connection in (asking, forgetting):
            connection.execute("SET lock_timeout = 1")
            connection.commit()
        request_replay(asking, BOOK, "stripe", [1], **REASON)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            forget(forgetting, ALL, **REASON)
        forgetting.rollback()
        asking.rollback()
        with forgetting.transaction():
            forget(forgetting, ALL, **REASON)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                request_replay(asking, BOOK, "stripe", [1], **REASON)
            asking.rollback()
        assert request_replay(asking, BOOK, "stripe", [1], **REASON) == []


RECORDED = """INSERT INTO webhook.forgotten (book_id, endpoint, number, body_bytes, body_sha256, reason, requested_by)
    SELECT book_id, endpoint, number, octet_length(body), sha256(body), 'r', 'p' FROM webhook.received"""


FORGET_1 = f"{RECORDED} WHERE number = 1"
ASK_AGAIN = """INSERT INTO webhook.replay (book_id, endpoint, number, attempt, reason, requested_by)
    SELECT book_id, endpoint, 1, 2, 'r', 'p' FROM webhook.feed"""
REFUSED = [
    (["UPDATE webhook.received SET body = '' WHERE number = 1"], "WEBHOOK_NEEDED"),
    ([f"{RECORDED} WHERE number = 8", "UPDATE webhook.received SET body = '' WHERE number = 8"], "WEBHOOK_NEEDED"),
    ([ASK_AGAIN, FORGET_1, "UPDATE webhook.received SET body = '' WHERE number = 1"], "WEBHOOK_NEEDED"),
    ([FORGET_1, "UPDATE webhook.received SET body = '{}' WHERE number = 1"], "LOG_IS_APPEND_ONLY"),
    ([FORGET_1, "UPDATE webhook.received SET body = '', type = 'x' WHERE number = 1"], "LOG_IS_APPEND_ONLY"),
    (["UPDATE webhook.received SET event_id = 'x' WHERE number = 1"], "LOG_IS_APPEND_ONLY"),
    (["DELETE FROM webhook.received"], "LOG_IS_APPEND_ONLY"),
    (["TRUNCATE webhook.received CASCADE"], "LOG_IS_APPEND_ONLY"),
    ([FORGET_1, "DELETE FROM webhook.forgotten"], "LOG_IS_APPEND_ONLY"),
]


def test_the_database_itself_refuses_to_lose_what_is_needed(shop: Shop) -> None:
    with psycopg.connect(shop.dsn) as connection:
        for statements, refused in REFUSED:
            for statement in statements[:-1]:
                connection.execute(statement.encode())
            with pytest.raises(psycopg.IntegrityError, match=refused):
                connection.execute(statements[-1].encode())
            connection.rollback()
