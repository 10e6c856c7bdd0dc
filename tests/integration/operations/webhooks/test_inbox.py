"""The webhook inbox on a real database: durable, gapless, each webhook once, masked, and with no right on the books."""

import json
import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import ConnectionPool

from ledger_core.operations.webhooks.health import Aspect
from ledger_core.operations.webhooks.inbox import (
    BookAbsentError,
    Feed,
    FeedDiffersError,
    InboxUnavailableError,
    Stored,
    Webhook,
    WebhookInbox,
    open_inbox_pool,
)
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from schemas.charts import load_chart
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.postgres
FEED = Feed("shop", "stripe", "stripe")
CARD = "4111111111111111"


def webhook(event_id: str, **members: object) -> Webhook:
    return Webhook(event_id, "charge.captured", json.dumps({"id": event_id, **members}).encode())


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with connect(database.dsn(), Role.POSTER) as connection:
        create_book(connection, "shop", load_chart())
    with open_inbox_pool(database.dsn(), size=8, wait_seconds=10, timeout_ms=10_000) as opened:
        yield opened


@pytest.fixture
def inbox(pool: ConnectionPool) -> WebhookInbox:
    return WebhookInbox(pool)


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection


def test_webhooks_are_numbered_as_they_come(inbox: WebhookInbox, admin: psycopg.Connection) -> None:
    assert inbox.store(FEED, [webhook("a"), webhook("b")]) == [Stored(1, False), Stored(2, False)]
    assert inbox.store(FEED, [webhook("c")]) == [Stored(3, False)]
    assert admin.execute("SELECT number, event_id, type FROM webhook.received ORDER BY 1").fetchall() == [
        (1, "a", "charge.captured"), (2, "b", "charge.captured"), (3, "c", "charge.captured"),
    ]  # fmt: skip
    assert admin.execute("SELECT received, published FROM webhook.feed").fetchall() == [(3, 0)]


def test_a_webhook_that_comes_again_is_dropped_and_counted(inbox: WebhookInbox, admin: psycopg.Connection) -> None:
    inbox.store(FEED, [webhook("a", first=True)])
    assert inbox.store(FEED, [webhook("a", first=False)]) == [Stored(1, True)]
    assert inbox.store(FEED, [webhook("b"), webhook("a"), webhook("b")]) == [
        Stored(2, False), Stored(1, True), Stored(2, True),
    ]  # fmt: skip
    assert admin.execute("SELECT number, copy FROM webhook.duplicate ORDER BY 1, 2").fetchall() == [
        (1, 2),
        (1, 3),
        (2, 2),
    ]
    (first,) = admin.execute("SELECT body FROM webhook.received WHERE number = 1").fetchall()
    assert json.loads(first[0])["first"] is True
    types = admin.execute("SELECT type, count(*) FROM webhook.event GROUP BY 1 ORDER BY 1").fetchall()
    assert types == [("webhook.duplicate_dropped", 3), ("webhook.received", 2)]


def test_one_id_at_two_endpoints_is_two_webhooks(inbox: WebhookInbox) -> None:
    inbox.store(FEED, [webhook("a")])
    assert inbox.store(Feed("shop", "stripe-eu", "stripe"), [webhook("a")]) == [Stored(1, False)]


def test_card_data_never_reach_the_database(inbox: WebhookInbox, admin: psycopg.Connection) -> None:
    inbox.store(FEED, [webhook("a", card={"number": CARD, "cvc": "737"}, note=f"paid with {CARD}")])
    (row,) = admin.execute("SELECT masked, body FROM webhook.received").fetchall()
    assert row[0] == 3
    assert CARD.encode() not in row[1]
    assert b"737" not in row[1]


def test_many_senders_at_once_leave_no_gap_and_no_double(inbox: WebhookInbox, admin: psycopg.Connection) -> None:
    def send(sender: int) -> None:
        for number in range(20):
            inbox.store(FEED, [webhook(f"own-{sender}-{number}"), webhook(f"common-{number}")])

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [row[0] for row in admin.execute("SELECT number FROM webhook.received ORDER BY 1")]
    assert numbers == list(range(1, 6 * 20 + 20 + 1))
    assert admin.execute("SELECT count(*) FROM webhook.duplicate").fetchone() == (5 * 20,)


def test_a_book_that_is_not_there_stores_nothing_until_it_is(inbox: WebhookInbox, database: TestDatabase) -> None:
    later = Feed("later", "stripe", "stripe")
    with pytest.raises(BookAbsentError):
        inbox.store(later, [webhook("a")])
    with connect(database.dsn(), Role.POSTER) as connection:
        create_book(connection, "later", load_chart())
    assert inbox.store(later, [webhook("a")]) == [Stored(1, False)]
    with pytest.raises(BookAbsentError):
        inbox.store(Feed("system", "stripe", "stripe"), [webhook("a")])


def test_an_endpoint_does_not_change_its_processor(inbox: WebhookInbox) -> None:
    inbox.store(FEED, [webhook("a")])
    with pytest.raises(FeedDiffersError):
        inbox.store(Feed("shop", "stripe", "adyen"), [webhook("b")])


def test_a_store_that_is_away_says_so(database: TestDatabase) -> None:
    dsn = database.dsn().replace(database.name, "absent_database")
    with (
        open_inbox_pool(dsn, size=1, wait_seconds=0.2, timeout_ms=100) as pool,
        pytest.raises(InboxUnavailableError),
    ):
        WebhookInbox(pool).store(FEED, [webhook("a")])


def test_health_is_a_row_for_each_change(inbox: WebhookInbox, admin: psycopg.Connection) -> None:
    said = [
        inbox.report_health(FEED, Aspect.SIGNATURES, healthy=healthy, reason=reason)
        for healthy, reason in [(True, ""), (True, ""), (False, "SIGNATURE_INVALID"), (False, "again"), (True, "")]
    ]
    assert said == [True, False, True, False, True]
    rows = admin.execute("SELECT aspect, change, healthy, reason FROM webhook.health ORDER BY change").fetchall()
    assert rows == [
        ("signatures", 1, True, ""), ("signatures", 2, False, "SIGNATURE_INVALID"), ("signatures", 3, True, ""),
    ]  # fmt: skip


REFUSED = [
    "SELECT body FROM webhook.received",
    "UPDATE webhook.received SET body = ''",
    "DELETE FROM webhook.received",
    "UPDATE webhook.feed SET published = 1",
    "SELECT * FROM webhook.processed",
    "INSERT INTO webhook.replay SELECT",
    "SELECT * FROM ledger.event",
    "SELECT * FROM ledger.account_head",
    "INSERT INTO ledger.maintenance SELECT",
    "SELECT * FROM transport.segment",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_inbox_may_add_and_nothing_else(inbox: WebhookInbox, pool: ConnectionPool, statement: str) -> None:
    with pool.connection() as connection, pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE webhook.received SET event_id = 'x'",
        "DELETE FROM webhook.received",
        "TRUNCATE webhook.duplicate",
        "UPDATE webhook.feed SET received = received + 1",
        "UPDATE webhook.feed SET published = received",
        "UPDATE webhook.feed SET received = received - 1",
    ],
)
def test_the_database_itself_refuses_what_would_lose_a_webhook(
    inbox: WebhookInbox, admin: psycopg.Connection, statement: str
) -> None:
    inbox.store(FEED, [webhook("a")])
    with pytest.raises(errors.IntegrityError):
        admin.execute(statement.encode())


def test_a_reader_sees_the_webhooks_of_its_book_alone(inbox: WebhookInbox, database: TestDatabase) -> None:
    inbox.store(FEED, [webhook("a")])
    with connect(database.dsn(), Role.READER) as reader:
        assert reader.execute("SELECT * FROM webhook.event").fetchall() == []
        row = reader.execute("SELECT book_id FROM ledger.book_directory WHERE code = 'shop'").fetchone()
        assert row is not None
        reader.execute("SELECT set_config('ledger.book_id', %s, true)", [str(row[0])])
        assert len(reader.execute("SELECT * FROM webhook.event").fetchall()) == 1
