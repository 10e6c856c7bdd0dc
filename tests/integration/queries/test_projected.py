"""Questions answered from projections, which are as old as their position says."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest
from psycopg_pool import ConnectionPool

from api.query.wire.payments import Payment
from deploy.demo.messages import Message, Producer
from projections.queries import daily_balances, parts, payments, trial_balances
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Reads, snapshot
from projections.rebuild import rebuild
from projections.registry import PROJECTIONS
from tests.invariants.programs import assert_invariants
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, SOURCE, TIME, PostedLedger, captured, paid_out, refunded, step
from tests.support.read_side import ReadSide
from tests.support.shop import book_id_of, posting, reading_pool, shop_at

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
    assert payment.state == "CAPTURED"
    assert (payment.captured.minor, payment.refunded.minor) == (7_000, 2_000)


def test_a_payment_that_failed_before_anything_named_its_amount_is_listed(database: TestDatabase) -> None:
    with posting(database) as ledger, reading_pool(database) as pool:
        ledger.post([step("payment.failed", "o-1", failure_reason="no_luck"), captured("o-2", 5)])
        project(database)
        with snapshot(pool, BOOK, reads=Reads.PAYMENTS) as at:
            listed = payments.payments(at, payments.PaymentFilter(state="FAILED"))
            assert [(one.order_key, one.state, one.captured.minor) for one in listed] == [("o-1", "FAILED", 0)]
            assert payments.payment(at, "o-1") == listed[0]
            assert Payment.of(listed[0]).captured.currency == ""
            rows = at.connection.execute("SELECT order_key, state, captured FROM read.payment ORDER BY 1").fetchall()
        assert rows == [("o-1", "FAILED", None), ("o-2", "CAPTURED", Decimal("0.05"))]


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


def void(voucher_no: int, order: str) -> Message:
    data = {"voucher": {"voucher_no": str(voucher_no)}, "reason": "posted twice"}
    return Producer(BOOK, SOURCE).event("voucher.void_requested.v1", f"void-{voucher_no}", order, TIME, data)


def test_payments_and_days_say_what_was_taken_back_by_request_live_and_rebuilt(database: TestDatabase) -> None:
    with posting(database) as ledger, reading_pool(database) as pool:
        ledger.post([
            captured("o-1", 700, event_id="c-1"), captured("o-1", 300, event_id="c-2"), captured("o-2", 500),
            captured("o-3", 900), refunded("o-3", 900), paid_out("p-1", "a", 50),
        ])  # fmt: skip
        ledger.post([void(1, "o-1"), void(3, "o-2"), void(5, "o-3"), void(6, "p-1")])
        project(database)
        with snapshot(pool, BOOK, reads=Reads.PAYMENTS) as at:
            found = [payments.payment(at, key) for key in ("o-1", "o-2", "o-3")]
            with pytest.raises(NotFoundError):
                payments.payment(at, "p-1")
        with snapshot(pool, BOOK, reads=Reads.PARTS) as at:
            taken_back = [parts.part(at, "refund", "refund-o-3"), parts.part(at, "payout", "p-1")]
        with snapshot(pool, BOOK, reads=Reads.TRIAL_BALANCE) as at:
            by_day = trial_balances.trial_balance_through(at, DAY)
        with shop_at(pool) as at:
            now = trial_balances.trial_balance(at)
    assert [(one.state, one.captured.minor, one.reversed.minor, one.captures) for one in found] == [
        ("CAPTURED", 300, 700, 1), ("INITIATED", 0, 500, 0), ("CAPTURED", 900, 0, 1),
    ]  # fmt: skip
    assert (found[2].refunded.minor, found[2].refunds) == (0, 0)
    assert [(part.state, part.reversed) for part in taken_back] == [("TAKEN_BACK", True), ("TAKEN_BACK", True)]
    assert [(total.debits, total.credits) for total in by_day] == [(total.debits, total.credits) for total in now]
    for projection in PROJECTIONS:
        assert rebuild(ReadSide(database).connect, book_id_of(database), projection).same, projection.name
    assert_invariants(database.dsn())
