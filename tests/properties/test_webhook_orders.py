"""However a payment's webhooks come, repeated, reordered, published twice and cut into batches: the books end alike."""

import asyncio
import itertools
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg_pool import ConnectionPool

from consumers.transport.memory import MemoryLog, MemorySink
from consumers.transport.ports import Partition
from consumers.webhooks.mapping import WebhookMapper
from consumers.webhooks.publisher import WebhookPublisher
from deploy.demo.messages import Message
from ledger_core.operations.webhooks.inbox import Feed, Webhook, WebhookInbox, open_inbox_pool
from ledger_core.operations.webhooks.replay import request_replay
from ledger_core.store.connection import Role, connect
from tests.support.databases import create_database, drop_database
from tests.support.postings import Scene
from tests.support.processor_webhooks import charge, dispute, held_charge, intent, refund, stripe, withdrawn

pytestmark = pytest.mark.postgres

SMALL = {"amount": 1_000}
STORY = [
    stripe("charge.succeeded", held_charge(), event_id="evt_1"),
    stripe("payment_intent.amount_capturable_updated", intent(held_charge()), event_id="evt_2"),
    stripe("charge.captured", charge(), event_id="evt_3"),
    stripe("payment_intent.succeeded", intent(charge()), event_id="evt_4"),
    stripe("refund.created", refund(amount=3_000), event_id="evt_5"),
    stripe("refund.updated", refund(amount=3_000), event_id="evt_6"),
    stripe("charge.refunded", charge(refunds={"data": [refund(amount=3_000)]}), event_id="evt_7"),
    stripe("refund.created", refund(id="re_2", amount=2_000), event_id="evt_8"),
    stripe("charge.dispute.created", dispute(**SMALL, balance_transactions=[withdrawn()]), event_id="evt_9"),
    stripe("charge.dispute.closed", dispute(**SMALL, balance_transactions=[withdrawn()], status="lost",
                                            evidence_details={"submission_count": 1}), event_id="evt_10"),
    stripe("refund.created", refund(id="re_3", amount=500, status="pending"), event_id="evt_11"),
    stripe("refund.failed", refund(id="re_3", amount=500, status="failed"), event_id="evt_12"),
    stripe("payment_intent.created", intent(amount=10_000, currency="eur"), event_id="evt_13"),
    stripe("charge.failed", charge(id="ch_0", status="failed", captured=False), event_id="evt_14"),
]  # fmt: skip
"""One payment, told several times over: declined, then captured, refunded twice, once more in vain, and disputed."""
BOOKS = itertools.count()


class Deliveries:
    """Webhooks into a book of their own, through inbox, publisher and posting."""

    def __init__(self, scene: Scene, pool: ConnectionPool) -> None:
        self.scene = scene
        self.book = f"shop-{next(BOOKS)}"
        self.inbox = WebhookInbox(pool)
        self.log = MemoryLog()
        self.posted = 0
        scene.create_book(self.book)
        asyncio.run(self.log.ensure_topics({"payments": 1}))

    def receive(self, numbers: Sequence[int]) -> None:
        webhooks = [Webhook(str(STORY[n]["id"]), str(STORY[n]["type"]), json.dumps(STORY[n]).encode()) for n in numbers]
        self.inbox.store(Feed(self.book, "stripe", "stripe"), webhooks)

    def publish(self) -> None:
        async def work() -> None:
            mapper = WebhookMapper("payments", lambda: {"EUR": 2})
            publisher = WebhookPublisher(lambda: connect(self.scene.dsn, Role.PUBLISHER), MemorySink(self.log), mapper)
            while await publisher.publish_once():
                pass
            await publisher.close()

        asyncio.run(work())

    def post(self, batch: int) -> None:
        records = self.log.log_of(Partition("payments", 0)).records
        waiting = records[self.posted :]
        for start in range(0, len(waiting), batch):
            part = waiting[start : start + batch]
            self.scene.post(*(Message(r.key or b"", tuple(r.headers), r.value or b"") for r in part))
        self.posted = len(records)

    def replay(self) -> None:
        with connect(self.scene.dsn, Role.POSTER) as connection:
            numbers = list(range(1, len(STORY) + 1))
            request_replay(connection, self.book, "stripe", numbers, reason="a test", requested_by="test")

    def books(self) -> tuple[object, ...]:
        """Everything that may not depend on how webhooks came."""
        return (
            self.scene.vouchers(self.book),
            self.scene.rows(
                """SELECT account.code, debits_posted, credits_posted, posting_sequence FROM ledger.account_head
                JOIN ledger.account USING (book_id, account_id) JOIN ledger.book USING (book_id)
                WHERE book.code = %s AND posting_sequence > 0 ORDER BY 1""",
                self.book,
            ),
            self.scene.rows(
                """SELECT order_key, authorised_minor, captured_minor, refunded_minor, voided, parked
                FROM ledger.subject JOIN ledger.book USING (book_id) WHERE book.code = %s""",
                self.book,
            ),
            self.scene.rows(
                """SELECT dead_letter.code FROM ledger.dead_letter JOIN ledger.book USING (book_id)
                WHERE book.code = %s AND resolved_position IS NULL""",
                self.book,
            ),
        )


@pytest.fixture(scope="module")
def stage(postgres_server: str) -> Iterator[tuple[Scene, ConnectionPool]]:
    database = create_database(postgres_server)
    with (
        Scene(database.dsn()) as scene,
        open_inbox_pool(database.dsn(), size=2, wait_seconds=10, timeout_ms=10_000) as pool,
    ):
        yield scene, pool
        scene.assert_whole()
    drop_database(database)


@pytest.fixture(scope="module")
def straight(stage: tuple[Scene, ConnectionPool]) -> tuple[object, ...]:
    """Each webhook once, in the order of the story."""
    deliveries = Deliveries(*stage)
    deliveries.receive(range(len(STORY)))
    deliveries.publish()
    deliveries.post(100)
    books = deliveries.books()
    assert books[0] == 7  # capture, two refunds, one more and its reversal, the dispute opened and lost
    assert books[2] == [("stripe:pi_1", 10_000, 10_000, 5_000, False, 0)]
    assert books[3] == []
    return books


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    order=st.permutations(range(len(STORY))),
    again=st.lists(st.integers(0, len(STORY) - 1), max_size=6),
    cut=st.integers(1, len(STORY)),
    batch=st.integers(1, 5),
    replayed=st.booleans(),
)
def test_replayed_and_reordered_webhooks_change_nothing(
    stage: tuple[Scene, ConnectionPool],
    straight: tuple[object, ...],
    order: list[int],
    again: list[int],
    cut: int,
    batch: int,
    replayed: bool,
) -> None:
    deliveries = Deliveries(*stage)
    for part in (order[:cut], again, order[cut:]):
        if part:
            deliveries.receive(part)
        deliveries.publish()
        deliveries.post(batch)
    if replayed:
        deliveries.replay()
        deliveries.publish()
        deliveries.post(batch)
    assert deliveries.books() == straight
