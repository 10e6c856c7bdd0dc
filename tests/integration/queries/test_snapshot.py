"""Snapshots: one book, one position, nothing written, and a position that can be waited for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from projections.queries import accounts, books, events, trial_balances, vouchers
from projections.queries.errors import (
    NotFoundError,
    PositionAheadError,
    PositionNotReachedError,
    QueryTimeoutError,
    StoreUnavailableError,
)
from projections.queries.snapshot import Reads, Snapshot, open_pool, snapshot
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, PostedLedger, captured
from tests.support.shop import shop_at


def test_a_snapshot_names_the_position_of_its_book(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        assert at.position == books.book(at).position > 0


def test_a_snapshot_stays_at_its_position_while_others_post(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        before = accounts.account(at, "wallet:seller:a")
        shop.post([captured("later", 900, {"a": 900})])
        assert accounts.account(at, "wallet:seller:a") == before
        assert books.book(at).position == at.position
    with shop_at(pool) as at:
        assert accounts.account(at, "wallet:seller:a").entries == before.entries + 1


def test_the_trial_balance_is_zero_in_every_snapshot_taken_while_others_post(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    done = threading.Event()

    def post_on() -> None:
        for number in range(30):
            shop.post([captured(f"load-{number}", 100 + number, {"a": 100}) for number in range(number, number + 5)])
        done.set()

    positions = set()
    with ThreadPoolExecutor(1) as threads:
        posting = threads.submit(post_on)
        while not done.is_set() and not posting.done():
            with shop_at(pool) as at:
                positions.add(at.position)
                assert [total.difference.amount.minor for total in trial_balances.trial_balance(at)] == [0]
        posting.result()
    assert len(positions) > 1


def test_min_position_waits_until_the_position_is_there(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        position = at.position

    def read_later() -> int:
        with snapshot(pool, BOOK, min_position=position + 1, wait_seconds=30) as at:
            return at.position

    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(read_later)
        shop.post([captured("later", 900, {"a": 900})])
        assert reading.result(timeout=30) > position


def test_a_position_that_does_not_come_is_an_error_that_says_where_the_book_stands(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    with shop_at(pool) as at:
        position = at.position
    with pytest.raises(PositionNotReachedError) as caught, snapshot(pool, BOOK, min_position=10**6, wait_seconds=0.05):
        pytest.fail("there is no such position")
    assert (caught.value.asked, caught.value.position) == (10**6, position)


def test_a_projection_that_has_not_begun_stands_at_zero(shop: PostedLedger, pool: ConnectionPool) -> None:
    for reads in (Reads.PAYMENTS, Reads.DAILY_BALANCES, Reads.TRIAL_BALANCE, Reads.FINDINGS):
        with snapshot(pool, BOOK, reads=reads) as at:
            assert at.position == 0


def test_a_foreign_account_voucher_or_event_is_missing(shop: PostedLedger, pool: ConnectionPool) -> None:
    shop.create_book("other")
    with snapshot(pool, "other") as at:
        for ask in (
            lambda at: accounts.account(at, "wallet:seller:a"),
            lambda at: accounts.balance(at, "wallet:seller:a"),
            lambda at: vouchers.voucher(at, 1),
            lambda at: events.event_outcome(at, "/psp", "captured-o-1"),
        ):
            with pytest.raises(NotFoundError) as caught:
                ask(at)
            assert caught.value.what in {"account", "voucher", "event"}


def test_row_level_security_hides_other_books_from_a_query_that_forgets_its_book(
    shop: PostedLedger, pool: ConnectionPool
) -> None:
    shop.create_book("other")
    with snapshot(pool, "other") as at:
        for table in ("account", "account_head", "entry", "inbox", "subject", "dead_letter"):
            assert at.connection.execute(f"SELECT count(*) FROM ledger.{table}".encode()).fetchone() == (0,), table
        assert at.connection.execute("SELECT count(*) FROM read.statement").fetchone() == (0,)
        assert at.connection.execute("SELECT count(*) FROM ledger.book").fetchone() == (1,)


def test_a_missing_book_is_not_found(shop: PostedLedger, pool: ConnectionPool) -> None:
    with pytest.raises(NotFoundError), snapshot(pool, "nowhere"):
        pytest.fail("there is no such book")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE ledger.book SET position = 0", "DELETE FROM ledger.maintenance", "SELECT nextval('ledger.batch_id')"],
)
def test_a_snapshot_cannot_write(shop: PostedLedger, pool: ConnectionPool, statement: str) -> None:
    with shop_at(pool) as at:
        assert not can(at, statement)


def can(at: Snapshot, statement: str) -> bool:
    try:
        with at.connection.transaction():
            at.connection.execute(statement.encode())
    except (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege):
        return False
    return True


def test_books_come_in_the_order_of_their_codes(shop: PostedLedger, pool: ConnectionPool) -> None:
    shop.create_book("another")
    assert [book.code for book in books.books(pool)] == ["another", BOOK, "system"]
    assert [book.code for book in books.books(pool, after="another", limit=1)] == [BOOK]


def test_a_position_ahead_of_the_book_is_refused(shop: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at, pytest.raises(PositionAheadError):
        accounts.balance(at, "wallet:seller:a", as_of_position=at.position + 1)


def test_a_query_that_takes_too_long_is_stopped_and_named(database: TestDatabase) -> None:
    pool = open_pool(database.dsn(), size=1, statement_timeout_ms=50)
    try:
        with pytest.raises(QueryTimeoutError), snapshot(pool, "system") as at:
            at.connection.execute("SELECT pg_sleep(10)")
    finally:
        pool.close()


def test_a_store_that_is_away_is_one_error_that_names_no_host(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn()) as admin:
        host, port = admin.info.host, admin.info.port
    pool = open_pool(f"postgresql://someone:secret@{host}:1/nowhere", size=1, wait_seconds=0.2)
    try:
        with pytest.raises(StoreUnavailableError) as caught, snapshot(pool, "system"):
            pytest.fail("there is no such server")
    finally:
        pool.close()
    assert not {"secret", "someone", host, str(port)} & set(str(caught.value).split())
