"""Rebuilding a read model beside the one in use: readers notice nothing, wrong rows are told, crashes leave nothing."""

import asyncio

import psycopg
import pytest

from projections.beneficiaries.table import BENEFICIARIES
from projections.daily_balances.table import DAILY_BALANCES
from projections.parts.table import PARTS
from projections.payments.table import PAYMENTS
from projections.projection import Projection
from projections.rates.table import RATES
from projections.rebuild import RebuildSuperseded, Rebuilt, rebuild
from projections.registry import PROJECTIONS
from projections.store_log import LogIncomplete
from projections.trial_balance.table import TRIAL_BALANCE
from tests.support.planted_ledger import PlantedLedger, plant
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

TABLES = {
    PAYMENTS.name: b"SELECT count(*) FROM projections.payment_versions",
    PARTS.name: b"SELECT count(*) FROM projections.part_versions",
    RATES.name: b"SELECT count(*) FROM projections.rate_clock_versions",
    BENEFICIARIES.name: b"SELECT count(*) FROM projections.beneficiary_versions",
    DAILY_BALANCES.name: b"SELECT count(*) FROM projections.daily_balance_versions",
    TRIAL_BALANCE.name: b"SELECT count(*) FROM projections.trial_balance_versions",
}


def refresh(side: ReadSide) -> None:
    async def both() -> None:
        await side.relay_all()
        await side.project_all()

    asyncio.run(both())


def shop_with_payments(admin: psycopg.Connection, side: ReadSide, payments: int = 20) -> PlantedLedger:
    shop = plant(admin)
    for number in range(payments):
        shop.capture(f"o{number}", 100 + number, suspense_minor=number % 3)
    refresh(side)
    return shop


def count(admin: psycopg.Connection, query: bytes) -> int:
    return int(admin.execute(query).fetchall()[0][0])


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_a_rebuild_leaves_one_version_and_nothing_behind(
    admin: psycopg.Connection, read_side: ReadSide, projection: Projection
) -> None:
    shop = shop_with_payments(admin, read_side)
    rows = count(admin, TABLES[projection.name])
    for version in (2, 3):
        assert rebuild(read_side.connect, shop.book_id, projection).version == version
    assert count(admin, TABLES[projection.name]) == rows
    states = admin.execute(
        "SELECT version, state FROM projections.checkpoint WHERE projection = %s ORDER BY version", [projection.name]
    ).fetchall()
    assert states == [(1, "RETIRED"), (2, "RETIRED"), (3, "ACTIVE")]


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda projection: projection.name)
def test_an_empty_book_is_rebuilt_to_nothing(
    admin: psycopg.Connection, read_side: ReadSide, projection: Projection
) -> None:
    assert rebuild(read_side.connect, 0, projection).after == (0, 0)


def test_readers_see_the_old_version_until_the_switch(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = shop_with_payments(admin, read_side)
    seen: list[tuple[int, int]] = []

    def look(position: int, target: int) -> None:
        row = admin.execute("SELECT count(*), sum(captured_minor)::bigint FROM projections.payment").fetchall()[0]
        seen.append(row)

    before = admin.execute("SELECT count(*), sum(captured_minor)::bigint FROM projections.payment").fetchall()[0]
    rebuild(read_side.connect, shop.book_id, PAYMENTS, progress=look, step_events=5)
    assert len(seen) >= 4
    assert set(seen) == {before}


def test_events_that_come_during_a_rebuild_are_in_it(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = shop_with_payments(admin, read_side)
    arrived: list[int] = []

    def arrive(position: int, target: int) -> None:
        if len(arrived) < 3:
            arrived.append(shop.capture(f"late-{position}", 100))
            refresh(read_side)

    rebuilt = rebuild(read_side.connect, shop.book_id, PAYMENTS, progress=arrive, step_events=5)
    assert len(arrived) == 3
    assert (rebuilt.same, rebuilt.position) == (True, 27)
    shop.capture("after", 100)
    refresh(read_side)
    assert count(admin, b"SELECT count(*) FROM projections.payment") == 24


@pytest.mark.parametrize(
    ("projection", "damage"),
    [
        (PAYMENTS, b"UPDATE projections.payment_versions SET refunded_minor = 1 WHERE order_key = 'o3'"),
        (PAYMENTS, b"DELETE FROM projections.payment_versions WHERE order_key = 'o3'"),
        (DAILY_BALANCES, b"UPDATE projections.daily_balance_versions SET entries = entries + 1"),
        (TRIAL_BALANCE, b"UPDATE projections.trial_balance_versions SET debits_minor = debits_minor + 1"),
    ],
    ids=["changed payment", "lost payment", "changed day", "changed total"],
)
def test_wrong_rows_are_told_and_replaced(
    admin: psycopg.Connection, read_side: ReadSide, projection: Projection, damage: bytes
) -> None:
    shop = shop_with_payments(admin, read_side)
    good = read_side.checksums(shop.book_id)
    admin.execute(damage)
    rebuilt = rebuild(read_side.connect, shop.book_id, projection)
    assert not rebuilt.same
    assert read_side.checksums(shop.book_id) == good
    kept = rebuilt.before.rows + rebuilt.after.rows
    assert count(admin, TABLES[projection.name]) == kept
    assert rebuild(read_side.connect, shop.book_id, projection).same
    assert count(admin, TABLES[projection.name]) == rebuilt.after.rows


class Killed(Exception):
    """Stands for the death of a rebuild."""


def die(position: int, target: int) -> None:
    raise Killed


def test_a_rebuild_that_died_is_cleaned_up_by_the_next(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = shop_with_payments(admin, read_side)
    with pytest.raises(Killed):
        rebuild(read_side.connect, shop.book_id, PAYMENTS, progress=die, step_events=5)
    assert count(admin, TABLES["payments"]) > 20
    assert rebuild(read_side.connect, shop.book_id, PAYMENTS).same
    assert count(admin, TABLES["payments"]) == 20


def test_of_two_rebuilds_the_later_one_wins(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = shop_with_payments(admin, read_side)
    later: list[Rebuilt] = []

    def overtake(position: int, target: int) -> None:
        if not later:
            later.append(rebuild(read_side.connect, shop.book_id, PAYMENTS))

    with pytest.raises(RebuildSuperseded):
        rebuild(read_side.connect, shop.book_id, PAYMENTS, progress=overtake, step_events=5)
    assert (later[0].version, later[0].same) == (3, True)
    assert count(admin, b"SELECT count(*) FROM projections.payment") == 20


@pytest.mark.parametrize("lose", [b"DELETE FROM ledger.event WHERE position = 9", b"DELETE FROM ledger.event"])
def test_a_log_with_a_hole_is_not_folded(admin: psycopg.Connection, read_side: ReadSide, lose: bytes) -> None:
    shop = shop_with_payments(admin, read_side)
    admin.execute("SET session_replication_role = replica")
    admin.execute(lose)
    with pytest.raises(LogIncomplete):
        rebuild(read_side.connect, shop.book_id, PAYMENTS)
    assert count(admin, b"SELECT count(*) FROM projections.payment") == 20


def test_the_set_based_build_agrees_with_the_fold(admin: psycopg.Connection, read_side: ReadSide) -> None:
    """What the projector folded event by event is what one statement over the entries gives."""
    shop = shop_with_payments(admin, read_side, payments=60)
    for projection in (DAILY_BALANCES, TRIAL_BALANCE):
        assert projection.sql.build is not None
        rebuilt = rebuild(read_side.connect, shop.book_id, projection)
        assert rebuilt.before == rebuilt.after
        assert rebuilt.after.rows > 0
