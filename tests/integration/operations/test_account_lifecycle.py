"""Accounts open, freeze and thaw by commands, and rebuild from their events alone."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.charts import Template
from ledger_core.domain.limits import DENY, Limits
from ledger_core.domain.outcomes import Code
from ledger_core.operations.account_lifecycle import AccountLifecycle, AccountRefusedError
from ledger_core.operations.charts import ChartCommands
from ledger_core.store.books import Books, Opening, create_book, open_accounts
from ledger_core.store.connection import Role
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.postgres

CHART: dict[str, object] = {"controls": [], "templates": []}
CODE = "wallet:seller:42"


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with ConnectionPool(database.dsn(Role.POSTER), min_size=1, max_size=6, open=True) as pool:
        with pool.connection() as connection:
            create_book(connection, "shop", CHART)
        yield pool


@pytest.fixture
def accounts(pool: ConnectionPool) -> AccountLifecycle:
    return AccountLifecycle(pool.connection, "shop")


@contextmanager
def refused(code: Code) -> Iterator[None]:
    with pytest.raises(AccountRefusedError) as caught:
        yield
    assert caught.value.code is code


def head_status(pool: ConnectionPool, code: str = CODE) -> str | None:
    query = """SELECT status FROM ledger.account JOIN ledger.account_head USING (book_id, account_id)
               WHERE code = %s"""
    with pool.connection() as connection:
        row = connection.execute(query, (code,)).fetchone()
    return row[0] if row else None


def event_types(pool: ConnectionPool) -> list[str]:
    with pool.connection() as connection:
        rows = connection.execute("SELECT type FROM ledger.event WHERE book_id > 0 ORDER BY position")
        return [row[0] for row in rows]


def test_an_account_rebuilds_from_its_events_after_a_restart(
    pool: ConnectionPool, accounts: AccountLifecycle, database: TestDatabase
) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL", role="", keyed=False)
    accounts.freeze(CODE, reason="court order 7")
    accounts.unfreeze(CODE, reason="lifted")
    last = accounts.freeze(CODE, reason="court order 8")

    with ConnectionPool(database.dsn(Role.POSTER), min_size=1, open=True) as another_process:
        rebuilt = AccountLifecycle(another_process.connection, "shop").show(CODE)
    assert (rebuilt.type, rebuilt.currency, rebuilt.frozen_because, rebuilt.version) == (
        "liability",
        "BRL",
        "court order 8",
        4,
    )
    assert rebuilt.opened_at == last.opened_at
    assert head_status(pool) == "F"
    assert event_types(pool) == [
        "book.created",
        "account.opened",
        "account.frozen",
        "account.unfrozen",
        "account.frozen",
    ]


def test_an_account_opened_on_the_fly_freezes_and_rebuilds_like_any_other(
    pool: ConnectionPool, accounts: AccountLifecycle
) -> None:
    with pool.connection() as connection:
        books = Books(connection)
        books.assets.load()
        book = books.find(["shop"])["shop"]
        template = Template("wallet:seller:*", "liability", role="SELLER", keyed=True)
        with connection.transaction():
            open_accounts(connection, book, [Opening(CODE, "BRL", template)], books.assets)
    accounts.freeze(CODE, reason="suspected fraud")
    shown = accounts.show(CODE)
    assert (shown.code, shown.type, shown.currency, shown.role, shown.keyed) == (
        CODE,
        "liability",
        "BRL",
        "SELLER",
        True,
    )
    assert shown.frozen_because == "suspected fraud"


def test_opening_twice_changes_nothing_and_opening_differently_is_refused(
    pool: ConnectionPool, accounts: AccountLifecycle
) -> None:
    first = accounts.open_account(CODE, account_type="liability", currency="BRL")
    again = accounts.open_account(CODE, account_type="liability", currency="BRL")
    assert (first.changed, again.changed) == (True, False)
    with refused(Code.ACCOUNT_EXISTS_DIFFERENTLY):
        accounts.open_account(CODE, account_type="asset", currency="BRL")
    assert event_types(pool) == ["book.created", "account.opened"]


def test_freezing_a_frozen_account_keeps_the_first_reason(pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL")
    accounts.freeze(CODE, reason="first")
    again = accounts.freeze(CODE, reason="second")
    assert (again.changed, again.frozen_because) == (False, "first")
    thawed = accounts.unfreeze(CODE, reason="done")
    assert (accounts.unfreeze(CODE, reason="done").changed, thawed.changed) == (False, True)
    assert head_status(pool) == "O"


def test_eight_writers_that_open_and_freeze_the_same_account_record_one_of_each(
    pool: ConnectionPool, accounts: AccountLifecycle
) -> None:
    start = threading.Barrier(8)

    def command(number: int) -> None:
        start.wait()
        accounts.open_account(CODE, account_type="liability", currency="BRL")
        accounts.freeze(CODE, reason=f"writer {number}")

    with ThreadPoolExecutor(max_workers=8) as writers:
        for done in [writers.submit(command, number) for number in range(8)]:
            done.result()
    assert event_types(pool) == ["book.created", "account.opened", "account.frozen"]


def test_a_command_that_fails_leaves_no_row(pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    with refused(Code.CURRENCY_UNKNOWN):
        accounts.open_account(CODE, account_type="liability", currency="XXZ")
    assert head_status(pool) is None
    assert event_types(pool) == ["book.created"]


def test_commands_on_what_is_not_there_say_so(pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    with refused(Code.ACCOUNT_MISSING):
        accounts.freeze("wallet:seller:none", reason="x")
    with refused(Code.ACCOUNT_MISSING):
        accounts.show("wallet:seller:none")
    with refused(Code.BOOK_UNKNOWN):
        AccountLifecycle(pool.connection, "nowhere")


def test_a_reason_is_required(accounts: AccountLifecycle) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL")
    with pytest.raises(ValueError, match="a reason is required"):
        accounts.freeze(CODE, reason=" ")


def test_a_closed_account_stays_closed(pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL")
    with pool.connection() as connection:
        connection.execute("UPDATE ledger.account_head SET status = 'C'")
    with refused(Code.ACCOUNT_CLOSED):
        accounts.unfreeze(CODE, reason="please")


def test_a_strangers_environment_does_not_change_stored_bytes(
    pool: ConnectionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_TOPIC", "zlib")
    AccountLifecycle(pool.connection, "shop").open_account(CODE, account_type="liability", currency="BRL")
    with pool.connection() as connection:
        row = connection.execute("SELECT state FROM ledger.event WHERE type = 'account.opened'").fetchone()
    assert row is not None
    assert row[0] == b'{"code":"wallet:seller:42","type":"liability","currency":"BRL","role":"","keyed":false}'


def test_an_account_closes_for_good(pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL")
    assert accounts.close(CODE, reason="moved").closed_because == "moved"
    assert accounts.close(CODE, reason="again").changed is False
    assert (head_status(pool), event_types(pool)[-1]) == ("C", "account.closed")
    with refused(Code.ACCOUNT_CLOSED):
        accounts.freeze(CODE, reason="r")
    with refused(Code.ACCOUNT_CLOSED):
        accounts.set_limits(CODE, Limits(0, None, DENY), reason="r")
    for account_type in ("liability", "asset"):
        with refused(Code.ACCOUNT_CLOSED):
            accounts.open_account(CODE, account_type=account_type, currency="BRL")


@pytest.mark.parametrize("code", ["", "two words", "wallet/1", "x" * 201, "control:CASH", "wallet:ä"])
def test_what_is_no_code_of_an_account_opens_none(code: str, pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    with refused(Code.DATA_INVALID):
        accounts.open_account(code, account_type="liability", currency="BRL")
    assert event_types(pool) == ["book.created"]


@pytest.mark.parametrize(
    ("column", "code"), [("credits_posted", Code.ACCOUNT_NOT_ZERO), ("debits_pending", Code.ACCOUNT_HELD)]
)
def test_an_account_with_a_balance_or_a_hold_does_not_close(
    pool: ConnectionPool, accounts: AccountLifecycle, column: str, code: Code
) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL")
    with pool.connection() as connection:
        connection.execute(f"UPDATE ledger.account_head SET {column} = 1".encode())
    with refused(code):
        accounts.close(CODE, reason="moved")
    assert (head_status(pool), event_types(pool)[-1]) == ("O", "account.opened")


def test_limits_are_set_on_the_head_and_told_once(pool: ConnectionPool, accounts: AccountLifecycle) -> None:
    accounts.open_account(CODE, account_type="liability", currency="BRL")
    limits = Limits(-500, 1_000, DENY)
    assert accounts.set_limits(CODE, limits, reason="an overdraft").limits == limits
    assert accounts.set_limits(CODE, limits, reason="again").changed is False
    with pool.connection() as connection:
        head = connection.execute(
            "SELECT minimum_minor, maximum_minor, limit_policy, normal_side FROM ledger.account_head"
        ).fetchall()
    assert head == [(-500, 1_000, "D", "C")]
    assert event_types(pool)[-1] == "account.limits_set"
    with pytest.raises(ValueError, match="above"):
        accounts.set_limits(CODE, Limits(1, 0, DENY), reason="impossible")


def test_an_account_opened_by_hand_is_bound_by_what_the_chart_says_of_such_accounts(
    pool: ConnectionPool, accounts: AccountLifecycle
) -> None:
    charts = ChartCommands(pool.connection, "shop")
    limited = {"pattern": "wallet:*", "type": "liability", "limits": {"minimum_minor": "0", "policy": "deny"}}
    suspense = {"role": "ORDER_SUSPENSE", "code": "suspense:{currency}", "type": "liability", "keyed": True}
    charts.apply({"controls": [suspense], "templates": [limited]}, reason="a test")
    wallet = accounts.open_account("wallet:1", account_type="liability", currency="BRL")
    assert (wallet.limits.minimum_minor, wallet.limits.policy) == (0, "D")
    kept = accounts.open_account("suspense:BRL", account_type="liability", currency="BRL")
    assert (kept.role, kept.keyed) == ("ORDER_SUSPENSE", True)
    with pool.connection() as connection:
        heads = connection.execute(
            "SELECT code, minimum_minor, limit_policy FROM ledger.account_head "
            "JOIN ledger.account USING (book_id, account_id) WHERE code IN ('wallet:1', 'suspense:BRL') ORDER BY code"
        ).fetchall()
    assert heads == [("suspense:BRL", None, "A"), ("wallet:1", 0, "D")]
    assert not accounts.open_account("wallet:1", account_type="liability", currency="BRL").changed
