"""The signer: every book with news, at each round, published on the ledger's topic; one bad book stops no other."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from consumers.ledger_messages import LEDGER_TOPIC
from consumers.signer import Signer
from consumers.transport.ports import Partition
from ledger_core.store.connection import Role, connect
from ledger_core.store.proof.checkpoint import open_checkpoint
from ledger_core.store.proof.signing import signed_checkpoints
from tests.invariants.programs import assert_invariants
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger, captured, everything
from tests.support.read_side import ReadSide
from tests.support.signing import KEY
from tests.support.tampering import tampering

pytestmark = pytest.mark.postgres
PATIENCE_SECONDS = 30


class Heard:
    """Metrics as a test counts them, which stop the signer at a count of `stop_at`."""

    def __init__(self, stop_at: int) -> None:
        self.signed = self.failed = 0
        self.first, self.stop = asyncio.Event(), asyncio.Event()
        self._stop_at = stop_at
        self._loop = asyncio.get_running_loop()

    def checkpoint_signed(self) -> None:
        self.signed += 1
        self._look()

    def checkpoint_failed(self) -> None:
        self.failed += 1
        self._look()

    def _look(self) -> None:
        self._loop.call_soon_threadsafe(self.first.set)
        if self.signed + self.failed >= self._stop_at:
            self._loop.call_soon_threadsafe(self.stop.set)


@pytest.fixture
def ledger(database: TestDatabase) -> Iterator[PostedLedger]:
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        for batch in everything():
            ledger.post(batch)
        yield ledger


async def run_signer(
    connections: Callable[[], psycopg.Connection], *, stop_at: int, interval_seconds: float = 3600
) -> Heard:
    """A signer until this many books were signed or failed."""
    heard = Heard(stop_at)
    async with asyncio.timeout(PATIENCE_SECONDS):
        await Signer(connections, KEY, interval_seconds=interval_seconds, metrics=heard).run(heard.stop)
    return heard


def poster_of(ledger: PostedLedger) -> Callable[[], psycopg.Connection]:
    return lambda: connect(ledger.dsn, Role.POSTER)


def checkpoints_of(ledger: PostedLedger, book: str = BOOK) -> int:
    with connect(ledger.dsn, Role.RECONCILER) as connection:
        return len(signed_checkpoints(connection, book))


def test_what_is_signed_is_published_and_convinces_who_pinned_the_key(
    ledger: PostedLedger, database: TestDatabase, read_side: ReadSide
) -> None:
    heard = asyncio.run(run_signer(poster_of(ledger), stop_at=2))
    assert (heard.signed, heard.failed) == (2, 0)  # the shop and the system book
    asyncio.run(read_side.relay_all())
    messages = [json.loads(r.value or b"") for r in read_side.log.log_of(Partition(LEDGER_TOPIC, 0)).records]
    notes = [message["data"]["note"] for message in messages if message["type"] == "ledger.checkpoint.signed.v1"]
    assert sorted(open_checkpoint(note, [KEY.public])[0].book for note in notes) == [BOOK, "system"]
    assert_invariants(database.dsn())


def test_a_round_signs_what_came_since_and_a_round_without_news_signs_nothing(ledger: PostedLedger) -> None:
    async def scene() -> Heard:
        heard = Heard(stop_at=3)  # the shop, the system book, and the shop once more
        signer = Signer(poster_of(ledger), KEY, interval_seconds=0.01, metrics=heard)
        running = asyncio.create_task(signer.run(heard.stop))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await heard.first.wait()
            await asyncio.to_thread(ledger.post, [captured("another", 500)])
            await running
        return heard

    heard = asyncio.run(scene())
    assert (heard.signed, heard.failed, checkpoints_of(ledger)) == (3, 0, 2)


def test_a_broken_chain_is_reported_and_keeps_no_other_book_from_being_signed(
    ledger: PostedLedger, database: TestDatabase
) -> None:
    ledger.create_book("sound")
    with tampering(database) as connection:
        connection.execute("UPDATE ledger.block SET hash = sha256(hash) WHERE book_id = 1 AND number = 2")
    heard = asyncio.run(run_signer(poster_of(ledger), stop_at=3))
    assert (heard.signed, heard.failed) == (2, 1)
    assert (checkpoints_of(ledger), checkpoints_of(ledger, "sound")) == (0, 1)


def test_a_round_that_cannot_be_made_is_made_later(ledger: PostedLedger) -> None:
    away = [True, True]

    def connection() -> psycopg.Connection:
        with suppress(IndexError):
            away.pop()
            raise psycopg.OperationalError("the server is away")
        return connect(ledger.dsn, Role.POSTER)

    heard = asyncio.run(run_signer(connection, stop_at=4, interval_seconds=0.01))
    assert (heard.signed, heard.failed, checkpoints_of(ledger)) == (2, 2, 1)
