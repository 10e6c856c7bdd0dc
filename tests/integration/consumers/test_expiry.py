"""The scheduler of expiries: what is due expires without a posting, whatever strikes between its rounds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from consumers.expiry import Expiry
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import EXPIRED_AT_ONCE
from tests.support.consuming import until
from tests.support.hold_events import LONG_AGO, LONG_DUE, placed
from tests.support.postings import Scene

pytestmark = pytest.mark.postgres

Connect = Callable[[], psycopg.Connection[Any]]


def place_due(scene: Scene, *holds: str, book: str = "shop", partition: int = 0) -> None:
    """Holds whose time came long ago, by the database's clock."""
    due = [
        placed(hold, of=f"wallet:buyer:{len(hold)}", time=LONG_AGO, expires_at=LONG_DUE, book=book) for hold in holds
    ]
    scene.post(*due, partition=partition)


def connecting(scene: Scene) -> Connect:
    return lambda: connect(scene.dsn, Role.POSTER)


def open_holds(scene: Scene) -> int:
    return int(scene.one("SELECT count(*) FROM ledger.hold WHERE closed_position IS NULL"))


@asynccontextmanager
async def scheduling(connect: Connect) -> AsyncIterator[None]:
    """A scheduler that runs until the end of the block, in which it has to end in good order."""
    stop = asyncio.Event()
    running = asyncio.create_task(Expiry(connect, interval_seconds=0.01).run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


def test_round_after_round_what_has_come_due_expires(scene: Scene) -> None:
    async def run() -> None:
        async with scheduling(connecting(scene)):
            for hold in ("one", "another"):
                await asyncio.to_thread(place_due, scene, hold)
                await until(lambda: not open_holds(scene), f"{hold} expires")

    asyncio.run(run())
    assert scene.one("SELECT count(*) FROM ledger.event WHERE type = 'hold.expired'") == 2


def test_a_round_without_a_database_is_made_up_for_by_the_next(scene: Scene) -> None:
    place_due(scene, "h")
    answers = iter(
        [
            psycopg.OperationalError("the server is away"),
            psycopg.errors.DeadlockDetected("broken"),
            psycopg.errors.ReadOnlySqlTransaction("another server takes the writes"),
        ]
    )

    def connect_at_last() -> psycopg.Connection[Any]:
        for error in answers:
            raise error
        return connect(scene.dsn, Role.POSTER)

    async def run() -> None:
        async with scheduling(connect_at_last):
            await until(lambda: not open_holds(scene), "h expires")

    asyncio.run(run())


def test_a_fault_that_no_other_round_would_mend_ends_the_process(scene: Scene) -> None:
    def connect_wrongly() -> psycopg.Connection[Any]:
        raise psycopg.ProgrammingError("no such thing")

    async def run() -> None:
        await Expiry(connect_wrongly, interval_seconds=0.01).run(asyncio.Event())

    with pytest.raises(psycopg.ProgrammingError):
        asyncio.run(run())


def test_two_schedulers_at_once_let_each_hold_expire_once(scene: Scene) -> None:
    place_due(scene, *(f"h-{n}" for n in range(40)))

    async def run() -> None:
        async with scheduling(connecting(scene)), scheduling(connecting(scene)):
            await until(lambda: not open_holds(scene), "all expire")

    asyncio.run(run())
    assert scene.one("SELECT count(*) FROM ledger.event WHERE type = 'hold.expired'") == 40


def test_a_book_that_is_halted_keeps_its_holds_and_the_others_go_on(scene: Scene) -> None:
    scene.create_book("other")
    place_due(scene, "h")
    place_due(scene, "h", book="other", partition=1)
    scene.change("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'shop'")
    scheduler = Expiry(connecting(scene))
    assert scheduler.expire_once() == {"other": 1}
    scene.change("UPDATE ledger.book SET posting_mode = 'open' WHERE code = 'shop'")
    assert scheduler.expire_once() == {"shop": 1}
    assert scheduler.expire_once() == {}


def test_many_holds_expire_some_at_a_time(scene: Scene) -> None:
    """A block a transaction: postings into the book come between them."""
    place_due(scene, *(f"h-{n}" for n in range(EXPIRED_AT_ONCE + 1)))
    blocks = scene.one("SELECT max(number) FROM ledger.block WHERE book_id <> 0")
    assert Expiry(connecting(scene)).expire_once() == {"shop": EXPIRED_AT_ONCE + 1}
    assert scene.one("SELECT max(number) FROM ledger.block WHERE book_id <> 0") == blocks + 2
    assert scene.one("SELECT sum(debits_pending)::bigint FROM ledger.account_head") == 0
