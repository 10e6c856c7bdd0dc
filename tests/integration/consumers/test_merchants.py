"""Merchants' changes open, activate and drop books: once each, in order, whatever breaks in between."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files

import pytest

from consumers.merchants import MerchantColumns, MerchantDecoder, MerchantPoster
from consumers.payments import PaymentsConsumer
from consumers.transport.memory import MemoryLog, MemorySource
from consumers.transport.ports import Outgoing, Partition
from ledger_core.store.poster import Label, Poster, no_label
from ledger_core.store.verify import verify
from tests.support.consuming import QUICK, until
from tests.support.databases import TestDatabase
from tests.support.postings import Scene, captured, outcomes, refunded

pytestmark = pytest.mark.postgres

TOPIC = "shop.public.merchants"
CHART = json.loads((files("schemas") / "charts" / "marketplace.json").read_text("utf-8"))
ASSETS = {"EUR": 978, "GEL": 981}


class Broken(Exception):
    """The process dies here."""


class Merchants:
    """The topic of the merchants' table in memory, and the consumer of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.log = MemoryLog()
        self.sent = 0
        self.runner = asyncio.Runner()

    def send(self, op: str, merchant: int, **row: object) -> None:
        whole = {"id": merchant, **row}
        payload = {"op": op, "before": whole if op == "d" else None, "after": None if op == "d" else whole}
        self.send_raw(json.dumps(payload).encode())

    def send_raw(self, value: bytes | None) -> None:
        self.log.append(Partition(TOPIC, 0), [Outgoing(TOPIC, b"k", value, ())])
        self.sent += 1

    @asynccontextmanager
    async def consumer(self, label: Label) -> AsyncIterator[asyncio.Task[None]]:
        decoder = MerchantDecoder(MerchantColumns(), ASSETS)
        strays = Poster(self.scene.dsn, decode=self.scene.decoder.decode)
        poster = MerchantPoster(self.scene.dsn, decode=decoder.decode, chart=CHART, strays=strays, label=label)
        await asyncio.to_thread(poster.open)
        stop = asyncio.Event()
        consumer = PaymentsConsumer(MemorySource(self.log, [TOPIC], "merchants"), poster, decoder, QUICK, label=label)
        task = asyncio.create_task(consumer.run(stop))
        try:
            yield task
        finally:
            stop.set()
            try:
                await task
            finally:
                await asyncio.to_thread(poster.close)

    def stands(self) -> int:
        rows = self.scene.rows("SELECT next_offset FROM ledger.source_position WHERE topic = %s", TOPIC)
        return int(rows[0][0]) if rows else 0

    def work(self, label: Label = no_label) -> None:
        """Consumes what was sent."""

        async def run() -> None:
            async with self.consumer(label) as task:
                await until(lambda: task.done() or self.stands() >= self.sent, "the topic was consumed")

        self.runner.run(run())

    def told(self, book: str) -> list[str]:
        rows = self.scene.rows(
            "SELECT event.type FROM ledger.event JOIN ledger.book USING (book_id) "
            "WHERE code = %s AND event.type LIKE 'book.%%' ORDER BY event.position", book,
        )  # fmt: skip
        return [row[0] for row in rows]

    def accounts(self, book: str) -> set[str]:
        rows = self.scene.rows(
            "SELECT account.code FROM ledger.account JOIN ledger.book USING (book_id) WHERE book.code = %s", book
        )
        return {row[0] for row in rows}


@pytest.fixture
def merchants(database: TestDatabase) -> Iterator[Merchants]:
    with Scene(database.dsn()) as scene:
        found = Merchants(scene)
        with found.runner:
            found.runner.run(found.log.ensure_topics({TOPIC: 1}))
            yield found
        report = verify(scene.dsn, processes=1)
        assert report.ok, [check for check in report.checks if not check.ok]


def test_payments_that_came_before_their_merchant_post_when_it_opens(merchants: Merchants) -> None:
    scene = merchants.scene
    early = [captured("o-1", 100, book="merchant-7"), refunded("o-1", 40, book="merchant-7")]
    assert outcomes(scene.post(*early)) == ["BOOK_UNKNOWN"] * 2
    merchants.send("c", 7, currencies="EUR")
    merchants.work()
    assert scene.balance_minor("wallet:seller:1", "merchant-7") == -60
    merchants.send("u", 7, currencies="EUR,GEL")
    merchants.work()
    assert scene.vouchers("merchant-7") == 2


def test_a_merchants_book_opens_with_its_chart_and_control_accounts(merchants: Merchants) -> None:
    merchants.send("c", 7, currencies="EUR,GEL", status="provisioned")
    merchants.send("u", 7, currencies="EUR,GEL", status="active")
    merchants.work()
    assert merchants.told("merchant-7") == ["book.created", "book.provisioned", "book.activated"]
    assert {"clearing:processor:EUR", "suspense:orders:GEL", "cash:bank:EUR"} <= merchants.accounts("merchant-7")


def test_repeats_snapshots_and_tombstones_change_nothing(merchants: Merchants) -> None:
    merchants.send("c", 7)
    for _ in range(3):
        merchants.send("r", 7)
    merchants.send("d", 7)
    merchants.send_raw(None)
    merchants.work()
    assert merchants.told("merchant-7") == ["book.created", "book.activated", "book.dropped"]


def test_a_dropped_book_takes_no_posting_and_its_history_stays(merchants: Merchants) -> None:
    scene = merchants.scene
    worker = scene.worker(0)
    merchants.send("c", 7)
    merchants.work()
    posted, late = captured("o1", book="merchant-7"), captured("o2", book="merchant-7")
    scene.topic.send(posted)
    worker.work()
    before = scene.rows("SELECT position FROM ledger.book WHERE code = 'merchant-7'")
    merchants.send("d", 7)
    merchants.work()
    scene.topic.send(posted, late)
    outcomes = [(one.outcome.value, one.code) for one in worker.work().decided if one is not None]
    assert outcomes == [("REPLAYED", None), ("REJECTED", "BOOK_DROPPED")]
    assert scene.rows("SELECT position - 1 FROM ledger.book WHERE code = 'merchant-7'") == before
    merchants.send("c", 7)
    merchants.work()
    assert merchants.told("merchant-7")[-1] == "book.activated"
    scene.topic.send(captured("o3", book="merchant-7"))
    assert [one.outcome.value for one in worker.work().decided if one is not None] == ["POSTED"]


@pytest.mark.parametrize("label", ["fence", "inbox", "before_commit", "after_commit"])
def test_what_was_applied_before_a_crash_is_not_applied_again(merchants: Merchants, label: str) -> None:
    merchants.send("c", 7, currencies="EUR")
    merchants.send("d", 7)

    def die(reached: str) -> None:
        if reached == label:
            raise Broken

    with pytest.raises(Broken):
        merchants.work(die)
    merchants.work()
    assert merchants.told("merchant-7") == ["book.created", "book.activated", "book.dropped"]


def test_what_is_no_change_is_kept_with_the_reason_and_the_rest_goes_on(merchants: Merchants) -> None:
    merchants.send_raw(b"nonsense")
    merchants.send("c", 7, status="asleep")
    merchants.send("c", 8)
    merchants.work()
    letters = merchants.scene.rows("SELECT code, log_offset FROM ledger.dead_letter ORDER BY log_offset")
    assert letters == [("NOT_JSON", 0), ("DATA_INVALID", 1)]
    assert merchants.told("merchant-8") == ["book.created", "book.activated"]
    assert merchants.told("merchant-7") == []
