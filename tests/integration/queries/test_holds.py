"""Questions about holds, over a book with one in each status."""

import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.holds import HoldStatus
from projections.queries import accounts, holds
from projections.queries.amounts import Amount, Balance, Side
from projections.queries.errors import NotFoundError
from tests.support.posted_ledger import PostedLedger, held
from tests.support.posted_ledger import holds as holds_of_all_kinds
from tests.support.shop import shop_at


@pytest.fixture
def held_shop(shop: PostedLedger) -> PostedLedger:
    shop.post(holds_of_all_kinds())
    return shop


def statuses(found: list[holds.Hold]) -> dict[str, str]:
    return {hold.hold_id: hold.status for hold in found}


def test_holds_are_listed_by_id_with_their_status(held_shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        found = holds.holds(at)
        assert statuses(found) == {
            "h-captured": "CAPTURED",
            "h-due": "PLACED",
            "h-part": "PARTIALLY_CAPTURED",
            "h-placed": "PLACED",
            "h-released": "RELEASED",
        }
        assert [hold.hold_id for hold in holds.holds(at, after="h-due", limit=2)] == ["h-part", "h-placed"]
        assert [hold.hold_id for hold in holds.holds(at, account="wallet:seller:b")] == ["h-released"]
        assert [hold.hold_id for hold in holds.holds(at, status="PLACED")] == ["h-due", "h-placed"]
        assert holds.holds(at, account="wallet:seller:a", status="RELEASED") == []
        assert holds.holds(at, account="no such account") == []


def test_one_hold_says_what_it_still_keeps_back(held_shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        hold = holds.hold(at, "h-part")
        assert (hold.account, hold.side, hold.capture_tolerance_bps) == ("wallet:seller:a", Side.DEBIT, 500)
        assert (hold.amount, hold.captured, hold.held) == (
            Amount(100, "BRL", 2),
            Amount(60, "BRL", 2),
            Amount(40, "BRL", 2),
        )
        assert (hold.expires_at, hold.closed_position) == (None, None)
        with pytest.raises(NotFoundError):
            holds.hold(at, "no such hold")


def test_an_expired_hold_keeps_nothing_back(held_shop: PostedLedger, pool: ConnectionPool) -> None:
    assert held_shop.let_expire() == {"shop": 1}
    with shop_at(pool) as at:
        hold = holds.hold(at, "h-due")
        assert (hold.status, hold.released.minor, hold.held.minor) == (HoldStatus.EXPIRED, 100, 0)
        assert hold.closed_position == at.position


def test_an_account_says_what_is_held_and_what_is_available(held_shop: PostedLedger, pool: ConnectionPool) -> None:
    held_shop.post([held("h-cash", 30, CASH, side="credit"), held("h-in", 7, CASH, side="debit")])
    with shop_at(pool) as at:
        wallet, cash = accounts.account(at, "wallet:seller:a"), accounts.account(at, CASH)
        assert (wallet.held.minor, cash.held.minor) == (100 + 40 + 100, 30)
        assert debit_minor(wallet.available) == debit_minor(wallet.balance) + 240
        assert debit_minor(cash.available) == debit_minor(cash.balance) - 30
        assert accounts.account(at, "wallet:seller:b").held.minor == 0
    held_shop.let_expire()
    with shop_at(pool) as at:
        assert accounts.account(at, "wallet:seller:a").held.minor == 140


CASH = "cash:bank:BRL"


def debit_minor(balance: Balance) -> int:
    """Debits less credits."""
    return balance.amount.minor if balance.side is Side.DEBIT else -balance.amount.minor


def test_views_answer_as_the_queries_do(held_shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        viewed = at.connection.execute(
            """SELECT account, held_minor, available_minor, available_side FROM read.balance ORDER BY account"""
        ).fetchall()
        assert viewed == [
            (one.code, one.held.minor, one.available.amount.minor, one.available.side) for one in accounts.accounts(at)
        ]
        seen = at.connection.execute(
            """SELECT hold_id, account, status, side, amount_minor, captured_minor, released_minor, held_minor,
                position, closed_position FROM read.hold ORDER BY hold_id"""
        ).fetchall()
        assert seen == [
            (
                one.hold_id, one.account, one.status, one.side, one.amount.minor, one.captured.minor,
                one.released.minor, one.held.minor, one.placed_position, one.closed_position,
            )
            for one in holds.holds(at)
        ]  # fmt: skip
