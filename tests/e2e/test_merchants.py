"""Change data capture of merchants by the process that runs it: from Debezium's topic to books that the API shows."""

import asyncio
import json
import signal
import time
from collections.abc import Callable, Mapping, Sequence

import httpx
import psycopg
import pytest

from consumers.transport.ports import Outgoing
from consumers.transport.postgres_log import PostgresLogSink
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from schemas.charts import load_chart
from tests.e2e.test_payment_stories import publish
from tests.e2e.test_processes import PATIENCE_SECONDS, running, until_logged
from tests.support.api import client_of
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.postings import captured
from tests.support.shop import reading_pool

pytestmark = pytest.mark.postgres

TOPIC = "shop.public.merchants"
MERCHANTS = {"LEDGER_ALLOW_OWNER_LOGIN": "true", "LEDGER_MERCHANTS_TOPIC": TOPIC}
DYING = {**MERCHANTS, "LEDGER_MERCHANTS_GROUP": "dying"}
"""A group of its own, so that nobody waits until its member is missed; where it stood the store knows."""
STANDS = "SELECT coalesce(max(next_offset), 0) FROM ledger.source_position WHERE topic = %s"
Change = bytes | None


def change(op: str, merchant: int, *, schema: bool = False, **row: object) -> Change:
    """As Debezium writes it; the schema comes with it where the converter says so."""
    whole = {"id": merchant, **row}
    payload: dict[str, object] = {
        "op": op, "before": whole if op in "ud" else None, "after": None if op == "d" else whole,
        "source": {"connector": "postgresql", "table": "merchants", "ts_ms": 1_763_714_813_000},
        "ts_ms": 1_763_714_813_100,
    }  # fmt: skip
    document: dict[str, object] = (
        {"payload": payload, "schema": {"type": "struct", "fields": []}} if schema else payload
    )
    return json.dumps(document).encode()


TOMBSTONE: Change = None
OPENED = [
    change("c", 7, schema=True, name="Seven", status="provisioned", currencies="EUR"),
    change("r", 8, name="Eight", status="active", currencies=["EUR", "GEL"]),
    change("u", 7, schema=True, name="Seven and Sons", status="active", currencies="EUR,GEL"),
]
DROPPED = [
    change("d", 8, schema=True, name="Eight"),
    TOMBSTONE,
    change("u", 7, name="Sons of Seven", currencies="EUR,GEL"),
]
TOLD = {
    "merchant-7": ["book.created", "book.provisioned", "book.activated"],
    "merchant-8": ["book.created", "book.activated", "book.dropped"],
}


async def _send(dsn: str, changes: Sequence[Change]) -> None:
    sink = PostgresLogSink(dsn)
    await sink.start()
    try:
        await sink.send([Outgoing(TOPIC, b"k", value, (), partition=0) for value in changes])
    finally:
        await sink.stop()


class Table:
    """The merchants' table: its topic, and what the ledger made of it."""

    def __init__(self, topics: TestDatabase) -> None:
        self.topics = topics
        self.sent = 0
        with psycopg.connect(topics.dsn()) as connection:
            created = "INSERT INTO transport.topic (name, partitions) VALUES (%s, 1) RETURNING topic_id"
            row = connection.execute(created, [TOPIC]).fetchone()
            connection.execute("INSERT INTO transport.partition (topic_id, partition) VALUES (%s, 0)", row)

    def send(self, *changes: Change) -> None:
        asyncio.run(_send(self.topics.dsn(), changes))
        self.sent += len(changes)

    def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.topics.dsn()) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def until(self, holds: Callable[[], bool], alive: Callable[[], bool]) -> None:
        while not holds():
            assert alive(), "the process ended"
            time.sleep(0.02)  # other processes work meanwhile; nothing is decided by how long

    def consumed(self, topic: str = TOPIC) -> bool:
        return self.rows(STANDS, topic) == [(self.sent,)]

    def told(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for book, event in self.rows(
            """SELECT book.code, event.type FROM ledger.event JOIN ledger.book USING (book_id)
            WHERE event.type LIKE 'book.%%' AND book_id > 0 ORDER BY book.code, event.position"""
        ):
            found.setdefault(str(book), []).append(str(event))
        return found

    def consume(self, *command: str, topic: str = TOPIC, **environment: str) -> None:
        """Runs a process until it has consumed what was sent, and ends it in good order."""
        with running(*(command or ("consumers.bootstrap", "merchants")), **MERCHANTS, **environment) as child:
            self.until(lambda: self.consumed(topic), lambda: child.poll() is None)
            child.send_signal(signal.SIGTERM)
            assert child.wait(PATIENCE_SECONDS) == 0

    def die(self, label: str) -> None:
        with running("consumers.bootstrap", "merchants", **DYING, LEDGER_FAULT_KILL_AT=label) as child:
            assert child.wait(PATIENCE_SECONDS) == -signal.SIGKILL, f"the process never came to {label}"


@pytest.fixture
def table(topics: TestDatabase) -> Table:
    return Table(topics)


def accounts(api: httpx.Client, book: str) -> set[str]:
    return {one["account"] for one in api.get(f"/v1/books/{book}/accounts", params={"limit": 1000}).json()["accounts"]}


def test_merchants_get_their_books_once_however_often_the_process_dies_and_reads_the_topic(table: Table) -> None:
    table.send(*OPENED)
    table.die("before_commit")  # applied, and not posted as facts
    table.send(*DROPPED)
    table.consume("api.cli", "consume", "merchants")
    assert table.told() == TOLD
    table.consume(topic=f"{TOPIC}#again", LEDGER_REPLAY_CURSOR="again")
    assert table.told() == TOLD
    counted = "SELECT recorded, replayed FROM ledger.source_position WHERE topic LIKE %s ORDER BY topic"
    assert table.rows(counted, f"{TOPIC}%") == [(table.sent, 0), (0, table.sent)]
    with reading_pool(table.topics) as pool, client_of(pool) as api:
        for book in TOLD:
            assert {"clearing:processor:EUR", "suspense:orders:GEL", "cash:bank:EUR"} <= accounts(api, book)


def test_a_process_that_is_killed_among_many_merchants_opens_each_book_once(table: Table) -> None:
    """It comes to the middle of the topic, where somebody else is about to open the next book, and no further."""
    many = range(1, 7)
    table.send(*(change("c", merchant, currencies="EUR") for merchant in many))
    with connect(table.topics.dsn(), Role.POSTER) as other:
        create_book(other, "merchant-4", load_chart())
        with running("consumers.bootstrap", "merchants", **DYING) as child:
            table.until(lambda: len(table.told()) == 3, lambda: child.poll() is None)
            child.kill()
        other.rollback()
    assert not table.consumed()
    table.consume()
    assert table.told() == {f"merchant-{merchant}": ["book.created", "book.activated"] for merchant in many}


def test_a_dropped_merchants_book_takes_no_posting_and_shows_its_history(table: Table) -> None:
    """By the one process that does everything, which is told of the topic by its settings."""
    table.send(change("c", 7, currencies="EUR"))
    source = {"source": "/psp"}
    with (
        running("consumers.bootstrap", "all", **MERCHANTS) as child,
        reading_pool(table.topics) as pool,
        client_of(pool, wait_seconds=20) as api,
    ):
        until_logged(child, "merchant.book_opened")
        asyncio.run(publish(table.topics.dsn(), [captured("o-1", book="merchant-7")]))
        posted = "/v1/books/merchant-7/events"
        table.until(
            lambda: api.get(posted, params={**source, "id": "captured-o-1"}).status_code == 200,
            lambda: child.poll() is None,
        )
        table.send(change("d", 7), TOMBSTONE)
        table.until(table.consumed, lambda: child.poll() is None)
        asyncio.run(publish(table.topics.dsn(), [captured("o-2", book="merchant-7")]))
        table.until(
            lambda: table.rows("SELECT code FROM ledger.dead_letter") == [("BOOK_DROPPED",)],
            lambda: child.poll() is None,
        )
        assert api.get(posted, params={**source, "id": "captured-o-1"}).json()["outcome"] == "POSTED"
        assert api.get(posted, params={**source, "id": "captured-o-2"}).status_code == 404
        balance = api.get("/v1/books/merchant-7/accounts/wallet:seller:1/balance").json()["balance"]
        assert (balance["amount_minor"], balance["side"]) == ("100", "credit")
    assert ledgerctl("voucher", "show", "1", "--book", "merchant-7").code == 0


def test_up_consumes_the_merchants_topic_that_its_settings_name(machine: TestDatabase) -> None:
    with running("api.cli", "--json", "up", "--port", "0", **MERCHANTS) as child:
        assert child.stdout is not None
        url = json.loads(child.stdout.readline())["url"]
        asyncio.run(_send(machine.dsn(), [change("c", 7)]))
        books: set[str] = set()
        while "merchant-7" not in books:
            assert child.poll() is None
            books = {book["book"] for book in httpx.get(f"{url}/v1/books").json()["books"]}
