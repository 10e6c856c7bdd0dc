"""Questions answered from projections, which are as old as their position says."""

import asyncio
from datetime import date

import pytest
from psycopg_pool import ConnectionPool

from projections.queries import daily_balances, payments, trial_balances
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Reads, snapshot
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger, captured
from tests.support.read_side import ReadSide
from tests.support.shop import shop_at

DAY = date(2026, 11, 21)


def project(database: TestDatabase) -> None:
    async def follow() -> None:
        side = ReadSide(database)
        await side.create_topic()
        await side.relay_all()
        await side.project_all()

    asyncio.run(follow())


def test_a_payment_is_answered_at_the_position_of_its_projection(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    project(database)
    with shop_at(pool) as at:
        log_position = at.position
    shop.post([captured("later", 900, {"a": 900})])
    with snapshot(pool, BOOK, reads=Reads.PAYMENTS) as at:
        assert at.position == log_position
        payment = payments.payment(at, "o-3")
        with pytest.raises(NotFoundError):
            payments.payment(at, "later")
    assert payment.status == "partially_refunded"
    assert (payment.captured.minor, payment.refunded.minor) == (7_000, 2_000)


def test_days_add_up_to_the_trial_balance_by_day(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    project(database)
    with snapshot(pool, BOOK, reads=Reads.TRIAL_BALANCE) as at:
        by_day = trial_balances.trial_balance_through(at, DAY)
        assert trial_balances.trial_balance_through(at, date(2000, 1, 1)) == []
    with shop_at(pool) as at:
        now = trial_balances.trial_balance(at)
    assert [(total.debits, total.credits) for total in by_day] == [(total.debits, total.credits) for total in now]
    with snapshot(pool, BOOK, reads=Reads.DAILY_BALANCES) as at:
        (day,) = daily_balances.daily_balances(at, "wallet:seller:a")
        assert day.day == DAY
        assert daily_balances.daily_balances(at, "wallet:seller:a", after=DAY) == []
        assert daily_balances.daily_balances(at, "wallet:seller:a", through=date(2026, 11, 20)) == []
