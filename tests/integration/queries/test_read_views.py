"""The views for analysts: documented, of one book at a time, and equal to what the queries answer."""

import re

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from ledger_core.domain.parts import BITS, STEPS, Part, PartKind, State, state_of
from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger
from tests.support.shop import book_id_of


def test_every_view_and_column_of_the_schema_read_has_a_comment(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn()) as admin:
        views = admin.execute(
            """
            SELECT c.relname, obj_description(c.oid), c.reloptions::text[] FROM pg_class c
            WHERE c.relnamespace = 'read'::regnamespace AND c.relkind = 'v'
            """
        ).fetchall()
        columns = admin.execute(
            """
            SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'read'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
              AND col_description(c.oid, a.attnum) IS NULL
            """
        ).fetchall()
    assert len(views) >= 13
    for name, comment, options in views:
        assert comment, name
        assert options == ["security_invoker=true"], name
    assert columns == []


def test_every_view_shows_the_book_that_is_open_and_no_other(shop: PostedLedger, database: TestDatabase) -> None:
    shop.create_book("other")
    with connect(database.dsn(), Role.READER) as connection:
        names = [
            row[0] for row in connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'read' ORDER BY 1")
        ]
        for book_id, expect_rows in ((book_id_of(database), True), (book_id_of(database, "other"), False)):
            connection.execute("SELECT set_config('ledger.book_id', %s, false)", [str(book_id)])
            for name in names:
                books = connection.execute(f"SELECT DISTINCT book_id FROM read.{name}".encode()).fetchall()
                assert set(books) <= {(book_id,)}, name
                if name in {"statement", "voucher", "voucher_line", "event_outcome", "dead_letter", "trial_balance"}:
                    assert bool(books) is expect_rows, name


def test_without_a_book_the_views_show_nothing(shop: PostedLedger, database: TestDatabase) -> None:
    with connect(database.dsn(), Role.READER) as connection:
        for name in ("balance", "statement", "voucher"):
            assert connection.execute(f"SELECT count(*) FROM read.{name}".encode()).fetchone() == (0,), name


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT value FROM ledger.dead_letter", "SELECT key FROM ledger.dead_letter",
        "SELECT headers FROM ledger.dead_letter", "SELECT * FROM ledger.dead_letter",
        "SELECT payload FROM transport.segment",
    ],
)  # fmt: skip
def test_readers_see_why_an_event_waits_and_not_what_it_says(database: TestDatabase, statement: str) -> None:
    with connect(database.dsn(), Role.READER) as connection:
        connection.execute("SELECT set_config('ledger.book_id', '1', false)")
        connection.execute("SELECT code, detail, waits_for FROM ledger.dead_letter")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.parametrize("name", ["refund", "payout"])
def test_states_that_a_view_may_show_stand_in_its_comment(database: TestDatabase, name: str) -> None:
    with psycopg.connect(database.dsn()) as admin:
        row = admin.execute(
            """
            SELECT col_description(attrelid, attnum) FROM pg_attribute
            WHERE attrelid = %s::regclass AND attname = 'state'
            """,
            [f"read.{name}"],
        ).fetchone()
    assert row is not None
    kind = PartKind(name)
    reached = {state_of(kind, Part(told=1 << BITS * step.number)) for step in STEPS.values() if step.kind is kind}
    assert {state.value for state in reached | {State.TAKEN_BACK}} == set(re.findall(r"[A-Z_]{2,}", row[0]))


def test_amounts_in_whole_units_are_exact_decimals(database: TestDatabase, pool: ConnectionPool) -> None:
    with psycopg.connect(database.dsn()) as admin:
        for minor, scale, whole in ((123456789012345678, 2, "1234567890123456.78"), (5, 0, "5"), (1, 8, "0.00000001")):
            row = admin.execute("SELECT read.amount(%s::bigint, %s::smallint)::text", (minor, scale)).fetchone()
            assert row == (whole,)


def test_lines_of_vouchers_are_the_entries_of_the_accounts(shop: PostedLedger, database: TestDatabase) -> None:
    with psycopg.connect(database.dsn()) as admin:
        different = admin.execute(
            """
            SELECT book_id, voucher_no, line, account, side, amount_minor, purpose FROM read.voucher_line
            EXCEPT SELECT book_id, voucher_no, line, account, side, amount_minor, purpose FROM read.statement
            """
        ).fetchall()
        counted = admin.execute(
            "SELECT (SELECT count(*) FROM read.voucher_line), (SELECT count(*) FROM read.statement)"
        ).fetchone()
    assert different == []
    assert counted is not None
    assert counted[0] == counted[1] > 0
