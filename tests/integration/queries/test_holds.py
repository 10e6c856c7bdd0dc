"""Questions about holds, over a book with one in each status."""

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.holds import HoldStatus
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_due
from projections.queries import holds
from projections.queries.amounts import Amount, Side
from projections.queries.errors import NotFoundError
from tests.support import posted_ledger
from tests.support.posted_ledger import PostedLedger, held
from tests.support.shop import shop_at


@pytest.fixture
def held_shop(shop: PostedLedger) -> PostedLedger:
    shop.post(posted_ledger.holds())
    shop.post([held("h-due", 7, expires_at="2026-11-21T08:46:53.000008Z")])
    with psycopg.connect(shop.dsn) as admin:  # whatever the clock says
        admin.execute("SET session_replication_role = replica")
        admin.execute("UPDATE ledger.hold SET expires_at = '2020-01-01' WHERE hold_id = 'h-due'")
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
    with connect(held_shop.dsn, Role.POSTER) as connection:
        connection.autocommit = True
        assert expire_due(connection) == {"shop": 1}
    with shop_at(pool) as at:
        hold = holds.hold(at, "h-due")
        assert (hold.status, hold.released.minor, hold.held.minor) == (HoldStatus.EXPIRED, 7, 0)
        assert hold.closed_position == at.position
