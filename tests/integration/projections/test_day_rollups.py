"""Roll-ups by day: each full stretch is written once, however far one goes at a time; a rebuild finds wrong ones."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from ledger_core.store.connection import Role, connect
from projections.day_rollups.stretches import LENGTH
from projections.day_rollups.table import LOCK, rebuild, roll_up
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, captured
from tests.support.read_side import ReadSide
from tests.support.shop import book_id_of, posting
from tests.support.two_times import short_stretches

pytestmark = pytest.mark.postgres

ROWS = b"SELECT * FROM projections.day_rollup ORDER BY account_id, level, chunk, day"


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PostedLedger]:
    """One account with 90 entries, and one with as many on three days in turn."""
    with posting(database) as ledger:
        ledger.post(
            [captured(f"o-{n}", 100 + n, {"a": 100 + n}, time=f"2026-11-{19 + n % 3}T00:00:00Z") for n in range(90)]
        )
        yield ledger


@pytest.fixture
def projector(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with connect(database.dsn(), Role.PROJECTOR) as connection:
        connection.autocommit = True
        yield connection


def rows_of(admin: psycopg.Connection) -> list[tuple[object, ...]]:
    return admin.execute(ROWS).fetchall()


def test_what_is_rolled_up_little_by_little_is_what_is_rolled_up_at_once(
    shop: PostedLedger, projector: psycopg.Connection, admin: psycopg.Connection
) -> None:
    with short_stretches(4, 3):
        while roll_up(projector, entries_at_once=4):
            pass
        by_steps = rows_of(admin)
        # 22 stretches of 4 entries on three days, 7 of 12, 2 of 36, for each of three accounts.
        assert len(by_steps) == 3 * 3 * (22 + 7 + 2)
        admin.execute("TRUNCATE projections.day_rollup")
        assert not roll_up(projector)
        assert rows_of(admin) == by_steps
        assert not roll_up(projector)
        assert rows_of(admin) == by_steps


def test_the_projector_rolls_up_what_is_full_also_when_the_topic_is_silent(
    shop: PostedLedger, database: TestDatabase, admin: psycopg.Connection
) -> None:
    shop.post([captured(f"more-{n}", 100, {"a": 100}) for n in range(LENGTH)])

    async def look_once() -> None:
        side = ReadSide(database)
        await side.create_topic()
        await side.project_all()

    assert rows_of(admin) == []
    asyncio.run(look_once())
    levels = admin.execute("SELECT DISTINCT level, chunk, sum(entries) FROM projections.day_rollup GROUP BY 1, 2")
    assert [row[:2] for row in levels] == [(1, 0)]


def test_nobody_can_change_what_is_rolled_up(shop: PostedLedger, projector: psycopg.Connection) -> None:
    with short_stretches(4, 3):
        roll_up(projector)
    with pytest.raises(errors.InsufficientPrivilege):
        projector.execute("UPDATE projections.day_rollup SET debits_minor = 0")


def test_of_two_that_roll_up_at_once_one_does_nothing(
    shop: PostedLedger, database: TestDatabase, projector: psycopg.Connection, admin: psycopg.Connection
) -> None:
    with short_stretches(4, 3):
        with connect(database.dsn(), Role.PROJECTOR) as other:
            other.execute(LOCK)
            assert not roll_up(projector)
            assert rows_of(admin) == []
        roll_up(projector)
    assert rows_of(admin) != []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE projections.day_rollup SET debits_minor = debits_minor + 1 WHERE level = 1 AND chunk = 0",
        "UPDATE projections.day_rollup SET day = day - 40 WHERE level = 2 AND chunk = 1",
        "DELETE FROM projections.day_rollup WHERE level = 3",
    ],
    ids=["changed sum", "changed day", "lost level"],
)
def test_wrong_rows_are_told_and_replaced(
    shop: PostedLedger, database: TestDatabase, projector: psycopg.Connection, admin: psycopg.Connection, damage: str
) -> None:
    book_id = book_id_of(database)
    with short_stretches(4, 3):
        roll_up(projector)
        good = rows_of(admin)
        assert rebuild(projector, book_id).same
        admin.execute(damage.encode())
        assert not rebuild(projector, book_id).same
        assert rows_of(admin) == good
        assert rebuild(projector, book_id).same


def test_a_book_without_a_full_stretch_is_rebuilt_to_nothing(
    shop: PostedLedger, database: TestDatabase, projector: psycopg.Connection
) -> None:
    roll_up(projector)
    assert rebuild(projector, book_id_of(database)).after == (0, 0)
