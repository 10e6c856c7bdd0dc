"""From the log through the topic into the read models: what they say, and that they are a fold of the log."""

import asyncio

import psycopg
import pytest

from projections.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.support.planted_ledger import Line, PlantedLedger, plant
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

ZERO = 0


def project(side: ReadSide) -> int:
    async def both() -> int:
        await side.relay_all()
        return await side.project_all()

    return asyncio.run(both())


def refund(ledger: PlantedLedger, order_key: str, amount_minor: int) -> None:
    lines = [
        Line("wallet:seller:1", "D", amount_minor, "refund"),
        Line("clearing", "C", amount_minor, "refund"),
    ]
    ledger.voucher(lines, order_key=order_key, kind="refund")


def test_a_payment_goes_through_its_states(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    states = []
    shop.recorded("authorised", order_key="o1", amount_minor=900)
    for step in (
        lambda: None,
        lambda: shop.capture("o1", 900),
        lambda: refund(shop, "o1", 400),
        lambda: refund(shop, "o1", 500),
    ):
        step()
        project(read_side)
        states += admin.execute("SELECT state FROM projections.payment WHERE order_key = 'o1'").fetchall()
    assert states == [("AUTHORIZED",), ("CAPTURED",), ("CAPTURED",), ("REFUNDED",)]


def test_payment_sums_and_times_come_from_all_its_events(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    shop.recorded("a1", order_key="o1", amount_minor=1000)
    shop.capture("o1", 600)
    shop.capture("o1", 400)
    refund(shop, "o1", 150)
    project(read_side)
    row = admin.execute(
        """SELECT currency, authorised_minor, captured_minor, refunded_minor, captures, refunds,
           last_position, last_effective_at - first_effective_at FROM projections.payment"""
    ).fetchone()
    assert row is not None
    assert row[:7] == ("BRL", 1000, 1000, 150, 2, 1, 8)
    assert row[7].total_seconds() == 3 * 60


def test_daily_balances_are_the_sums_of_the_entries(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(30):
        shop.capture(f"o{number}", 100 + number, suspense_minor=(-1) ** number * number)
    project(read_side)
    difference = """
        SELECT code, day, debits, credits, entries FROM (
            SELECT account.code, (effective_at AT TIME ZONE 'UTC')::date AS day,
                coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0) AS debits,
                coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0) AS credits, count(*) AS entries
            FROM ledger.entry JOIN ledger.account USING (book_id, account_id) GROUP BY 1, 2) AS expected
        EXCEPT SELECT account, day, debits_minor, credits_minor, entries FROM projections.daily_balance"""
    assert admin.execute("SELECT count(*) FROM projections.daily_balance").fetchone() == (3,)
    assert admin.execute(difference.encode()).fetchall() == []


def test_trial_balance_is_zero_for_each_day_and_currency(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(10):
        shop.capture(f"o{number}", 100 + number, suspense_minor=number)
    project(read_side)
    rows = admin.execute(
        """SELECT currency, sum(debits_minor - credits_minor), sum(debits_minor), count(*)
           FROM projections.trial_balance GROUP BY day, currency"""
    ).fetchall()
    assert rows == [("BRL", ZERO, 1090, 2)]


def test_nothing_moves_while_the_relay_stands_still(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    project(read_side)
    shop.capture("o1", 500)
    assert asyncio.run(read_side.project_all()) == 0
    assert admin.execute("SELECT count(*) FROM projections.payment").fetchone() == (0,)
    assert project(read_side) == 1
    assert admin.execute("SELECT count(*) FROM projections.payment").fetchone() == (1,)


def test_a_rebuild_from_zero_gives_the_same_checksums(admin: psycopg.Connection, read_side: ReadSide) -> None:
    shop = plant(admin)
    for number in range(40):
        shop.recorded(f"a{number}", order_key=f"o{number}")
        shop.capture(f"o{number}", 100 + number, suspense_minor=number % 3)
        if number % 4 == 0:
            refund(shop, f"o{number}", 50)
        if number % 10 == 0:
            project(read_side)
    project(read_side)
    seen = read_side.checksums(shop.book_id)
    for projection in PROJECTIONS:
        rebuilt = rebuild(read_side.connect, shop.book_id, projection, step_events=7)
        assert rebuilt.same
        assert rebuilt.version == 2
        assert rebuilt.after.rows > 0
    assert read_side.checksums(shop.book_id) == seen
