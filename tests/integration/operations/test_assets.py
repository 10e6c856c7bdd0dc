"""Assets are added once, with an event that says so, and never change."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson
import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger_core.operations.assets import Asset, AssetInvalidError, CurrencyExistsError, add_asset
from ledger_core.store.assets import Assets
from ledger_core.store.connection import Role
from ledger_core.store.verify import verify
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.postgres


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with ConnectionPool(database.dsn(Role.POSTER), min_size=1, max_size=4, open=True) as pool:
        yield pool
    assert verify(database.dsn()).ok


def add(pool: ConnectionPool, code: str = "ETH", *, scale: int = 9, name: str = "Ether") -> Asset:
    with pool.connection() as connection:
        return add_asset(connection, code, scale=scale, name=name, reason="we settle in it")


def events(pool: ConnectionPool) -> list[object]:
    with pool.connection() as connection:
        rows = connection.execute("SELECT state FROM ledger.event WHERE type = 'asset.added' ORDER BY position")
        return [orjson.loads(row[0]) for row in rows]


def test_an_asset_is_added_with_the_event_that_says_why(pool: ConnectionPool) -> None:
    assert add(pool) == Asset(1003, "ETH", 9, "Ether")
    said = {"code": "ETH", "asset_id": 1003, "scale": 9, "name": "Ether", "reason": "we settle in it"}
    assert events(pool) == [said]


@pytest.mark.parametrize(("code", "scale"), [("EUR", 2), ("EUR", 3), ("BTC", 8)])
def test_a_code_that_exists_is_refused_and_stays_what_it_is(pool: ConnectionPool, code: str, scale: int) -> None:
    with pytest.raises(CurrencyExistsError, match=f"{code} exists already"):
        add(pool, code, scale=scale)
    assert events(pool) == []


@pytest.mark.parametrize(
    ("code", "scale", "name"),
    [
        ("E", 2, "too short"),
        ("ABCDEFGHIJKLM", 2, "too long"),
        ("eth", 2, "lower case"),
        ("1INCH", 2, "a digit first"),
        ("ETH ", 2, "a space"),
        ("ETH\n", 2, "a newline"),
        ("ÉTH", 2, "not ASCII"),
        ("ETH", -1, "no scale"),
        ("ETH", 10, "more decimals than an amount can bear"),
        ("ETH", 2, ""),
        ("ETH", 2, " "),
        ("ETH", 2, "two\nlines"),
        ("ETH", 2, "x" * 101),
    ],
)
def test_what_no_asset_can_be_is_refused(pool: ConnectionPool, code: str, scale: int, name: str) -> None:
    with pytest.raises(AssetInvalidError):
        add(pool, code, scale=scale, name=name)
    assert events(pool) == []


def test_of_many_who_add_one_code_at_once_one_does(pool: ConnectionPool) -> None:
    together = threading.Barrier(4)

    def try_to_add(scale: int) -> str:
        together.wait(20)
        try:
            return str(add(pool, scale=scale).scale)
        except CurrencyExistsError:
            return "exists"

    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(try_to_add, range(4)))
    assert sorted(said)[1:] == ["exists"] * 3
    assert len(events(pool)) == 1


def test_an_asset_never_changes_whoever_tries(pool: ConnectionPool, database: TestDatabase) -> None:
    add(pool)
    changes = ("UPDATE ledger.asset SET scale = 2 WHERE code = 'ETH'", "DELETE FROM ledger.asset WHERE code = 'ETH'")
    for change in changes:
        with psycopg.connect(database.dsn()) as owner, pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            owner.execute(change.encode())
        with pool.connection() as poster, pytest.raises(psycopg.errors.InsufficientPrivilege), poster.transaction():
            poster.execute(change.encode())


def test_assets_in_memory_ask_for_one_that_was_added_since(pool: ConnectionPool) -> None:
    with pool.connection() as connection:
        known = Assets(connection)
        known.load()
        assert (known["EUR"], known[""]) == (978, 0)
        add(pool)
        assert "ETH" not in known
        assert known["ETH"] == 1003
        with pytest.raises(KeyError):
            known["NONE"]
