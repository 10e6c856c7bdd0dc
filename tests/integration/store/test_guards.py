"""What the database itself refuses, whoever writes: each thing tried in raw SQL by every role that could try."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg import errors

from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.connection import Role, connect
from tests.support.catalogue import RUNTIME_ROLES, readable_by_book
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.hands import WRITERS, acting_as, new_account
from tests.support.posted_ledger import PostedLedger, captured

pytestmark = pytest.mark.postgres

TELLS_ITS_BOOK = {"ledger.book_directory", "ledger.relay_checkpoint"}
"""How far a book is, and what it is called: nothing of what is in it."""


@pytest.fixture(scope="module")
def posted(postgres_server: str) -> Iterator[TestDatabase]:
    """A book with one capture. All that is tried here is refused or rolled back, so one database serves all."""
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured("o-1", 1_000, {"a": 1_000})])
    PeriodLifecycle(lambda: connect(database.dsn(), Role.POSTER), "shop").close(date(2020, 12, 31), reason="year end")
    yield database
    drop_database(database)


def place(database: TestDatabase) -> dict[str, int]:
    """Where the book stands, and two accounts with what their next entries must be."""
    with acting_as(database, None) as connection:
        position, number = connection.execute(
            "SELECT position, block_number FROM ledger.book WHERE book_id = 1"
        ).fetchall()[0]
        heads = connection.execute(
            """SELECT account_id, posting_sequence, debits_posted - credits_posted FROM ledger.account_head
               WHERE book_id = 1 ORDER BY account_id LIMIT 2"""
        ).fetchall()
    first, second = heads
    return {
        "position": position + 1, "number": number + 1,
        "a": first[0], "a_sequence": first[1], "a_running": first[2],
        "b": second[0], "b_sequence": second[1], "b_running": second[2],
    }  # fmt: skip


BLOCK = """
INSERT INTO ledger.block (book_id, number, batch_id, first_position, last_position, recorded_at, merkle_root,
    previous_hash, hash)
VALUES (1, %(number)s, -1, %(position)s, %(position)s, now(), '', '', '')"""

HEADS = """
UPDATE ledger.account_head SET posting_sequence = posting_sequence + 1,
    debits_posted = debits_posted + CASE account_id WHEN %(a)s THEN 5 ELSE 0 END,
    credits_posted = credits_posted + CASE account_id WHEN %(b)s THEN 5 ELSE 0 END
WHERE book_id = 1 AND account_id IN (%(a)s, %(b)s)"""

ENTRIES = """
INSERT INTO ledger.entry (book_id, position, account_id, posting_sequence, line, side, amount_minor, running_minor,
    asset_id, purpose, effective_at)
VALUES (1, %(position)s, %(a)s, %(a_sequence)s + 1, 1, 'D', 5, %(a_running)s + 5, 986, 1, now()),
       (1, %(position)s, %(b)s, %(b_sequence)s + 1, 2, 'C', 5, %(b_running)s - 5, 986, 1, now())"""

LOPSIDED = ENTRIES.replace("'C', 5,", "'C', 4,")
ONE_SIDED = ENTRIES.partition(",\n       (1")[0]
RENUMBERED = ENTRIES.replace("+ 1, 2, 'C'", "+ 1, 3, 'C'")
MIXED = ENTRIES.replace("%(b_running)s - 5, 986", "%(b_running)s - 5, 840")

HOLED = ENTRIES.replace(
    "\n       (1",
    "\n       (1, %(position)s, %(a)s, %(a_sequence)s + 3, 2, 'D', 5, %(a_running)s + 10, 986, 1, now()),\n       (1",
).replace("+ 1, 2, 'C', 5, %(b_running)s - 5", "+ 1, 3, 'C', 10, %(b_running)s - 10")
HEADS_OF_HOLED = """
UPDATE ledger.account_head SET posting_sequence = posting_sequence + CASE account_id WHEN %(a)s THEN 3 ELSE 1 END,
    debits_posted = debits_posted + CASE account_id WHEN %(a)s THEN 10 ELSE 0 END,
    credits_posted = credits_posted + CASE account_id WHEN %(b)s THEN 10 ELSE 0 END
WHERE book_id = 1 AND account_id IN (%(a)s, %(b)s)"""


def write(connection: psycopg.Connection[Any], values: dict[str, int], *statements: str) -> None:
    for statement in statements:
        connection.execute(statement, values)


@pytest.mark.parametrize("role", WRITERS)
def test_a_balanced_voucher_in_order_is_taken(role: Role | None, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection:
        write(connection, place(posted), BLOCK, HEADS, ENTRIES)


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    ("statements", "refusal"),
    [
        pytest.param((BLOCK, HEADS, LOPSIDED), "VOUCHER_UNBALANCED", id="debits and credits differ"),
        pytest.param((BLOCK, HEADS, ONE_SIDED), "VOUCHER_UNBALANCED", id="a single entry"),
        pytest.param((BLOCK, HEADS, RENUMBERED), "VOUCHER_UNBALANCED", id="lines are not 1 to n"),
        pytest.param((BLOCK, HEADS, MIXED), "VOUCHER_UNBALANCED", id="balanced only across currencies"),
        pytest.param((HEADS, ENTRIES), "ENTRY_OUTSIDE_BLOCK", id="no block"),
        pytest.param((BLOCK, ENTRIES), "HEAD_DIFFERS", id="heads were not raised"),
        pytest.param(
            (BLOCK, HEADS, ENTRIES.replace("%(a_running)s + 5", "%(a_running)s + 6")),
            "HEAD_DIFFERS",
            id="running balance is not the head's",
        ),
        pytest.param(
            (BLOCK, HEADS, ENTRIES.replace("%(a_sequence)s + 1", "%(a_sequence)s + 2")),
            "HEAD_DIFFERS",
            id="a sequence number is left out",
        ),
        pytest.param((BLOCK, HEADS_OF_HOLED, HOLED), "HEAD_DIFFERS", id="a hole between two entries of one account"),
        pytest.param(
            (BLOCK, HEADS, ENTRIES.replace("986", "840")), "HEAD_DIFFERS", id="another currency than the account's"
        ),
        pytest.param(
            (BLOCK, HEADS, ENTRIES.replace("1, now())", "1, '2020-12-31T23:59:59.999999Z')")),
            "PERIOD_CLOSED",
            id="in a closed period",
        ),
    ],
)
def test_entries_are_refused(
    statements: tuple[str, ...], refusal: str, role: Role | None, posted: TestDatabase
) -> None:
    with acting_as(posted, role) as connection, pytest.raises(errors.CheckViolation, match=refusal):
        write(connection, place(posted), *statements)


@pytest.mark.parametrize("role", WRITERS)
def test_entries_by_copy_meet_the_same_guard(role: Role | None, posted: TestDatabase) -> None:
    values = place(posted)
    line = (1, values["position"], values["a"], values["a_sequence"] + 1, 1, "D", 5, values["a_running"] + 5, 986, 1)
    with acting_as(posted, role) as connection:
        write(connection, values, BLOCK, HEADS)
        with pytest.raises(errors.CheckViolation, match="VOUCHER_UNBALANCED"):
            copy_entry(connection, (*line, "2026-01-01"))


def copy_entry(connection: psycopg.Connection[Any], row: tuple[object, ...]) -> None:
    with connection.cursor().copy(
        """COPY ledger.entry (book_id, position, account_id, posting_sequence, line, side, amount_minor,
               running_minor, asset_id, purpose, effective_at) FROM STDIN"""
    ) as copy:
        copy.write_row(row)


@pytest.mark.parametrize("role", WRITERS)
def test_entries_into_a_block_of_another_transaction_are_refused(role: Role | None, posted: TestDatabase) -> None:
    values = place(posted)
    with acting_as(posted, role) as connection:
        write(connection, values, HEADS)
        late = ENTRIES.replace("%(position)s", "%(position)s - 1")
        with pytest.raises(errors.CheckViolation, match="ENTRY_OUTSIDE_BLOCK"):
            write(connection, values, late)


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("amount", [0, -5])
def test_an_amount_that_is_not_positive_is_refused(role: Role | None, amount: int, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection, pytest.raises(errors.CheckViolation, match="amount_minor"):
        write(connection, place(posted), BLOCK, HEADS, ENTRIES.replace(" 5, %", f" {amount}, %"))


@pytest.mark.parametrize("role", WRITERS)
def test_a_second_entry_of_one_sequence_number_is_refused(role: Role | None, posted: TestDatabase) -> None:
    repeated = ENTRIES.replace("%(a_sequence)s + 1", "%(a_sequence)s")
    with acting_as(posted, role) as connection, pytest.raises(errors.UniqueViolation, match="entry_pkey"):
        write(connection, place(posted), BLOCK, HEADS, repeated)


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("status", ["F", "C"])
def test_a_frozen_or_closed_account_takes_no_posting(role: Role | None, status: str, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection:
        values = {**place(posted), "a": new_account(connection), "a_sequence": 0, "a_running": 0}
        connection.execute("UPDATE ledger.account_head SET status = %s WHERE account_id = %s", (status, values["a"]))
        with pytest.raises(errors.CheckViolation, match="HEAD_REFUSED"):
            write(connection, values, BLOCK, HEADS)


@pytest.mark.parametrize("role", WRITERS)
def test_entries_past_a_frozen_head_are_refused(role: Role | None, posted: TestDatabase) -> None:
    values = place(posted)
    with acting_as(posted, role) as connection:
        connection.execute("UPDATE ledger.account_head SET status = 'F' WHERE account_id = %(a)s", values)
        with pytest.raises(errors.CheckViolation, match="HEAD_DIFFERS"):
            write(connection, values, BLOCK, ENTRIES)


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize(
    "change", ["posting_sequence = posting_sequence - 1", "asset_id = 840", "posting_sequence = 0"]
)
def test_a_head_neither_falls_nor_changes_its_currency(role: Role | None, change: str, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection, pytest.raises(errors.CheckViolation, match="HEAD_REFUSED"):
        connection.execute(f"UPDATE ledger.account_head SET {change}")


@pytest.mark.parametrize("role", WRITERS)
def test_a_head_begins_empty(role: Role | None, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection:
        connection.execute(
            "INSERT INTO ledger.account (book_id, account_id, code, type, asset_id) VALUES (1, 99, 'x', 'asset', 986)"
        )
        with pytest.raises(errors.CheckViolation, match="HEAD_REFUSED"):
            connection.execute(
                """INSERT INTO ledger.account_head (book_id, account_id, asset_id, debits_posted)
                   VALUES (1, 99, 986, 5)"""
            )


@pytest.mark.parametrize("role", WRITERS)
def test_two_vouchers_with_one_number_are_refused(role: Role | None, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection, pytest.raises(errors.UniqueViolation, match="event_voucher_no"):
        connection.execute(
            """INSERT INTO ledger.event (book_id, position, voucher_no, type, state)
               VALUES (1, 1000, 1, 'voucher.posted', '{}')"""
        )


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("table", ["event", "inbox", "block"])
def test_no_row_of_the_log_is_written_twice(role: Role | None, table: str, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection, pytest.raises(errors.UniqueViolation):
        connection.execute(f"INSERT INTO ledger.{table} SELECT * FROM ledger.{table} LIMIT 1")


@pytest.mark.parametrize("role", RUNTIME_ROLES)
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger.event DISABLE TRIGGER ALL",
        "DROP TABLE ledger.event CASCADE",
        "SET session_replication_role = replica",
        "CREATE TABLE ledger.mine ()",
        "SET ROLE ledger_owner",
        "CREATE OR REPLACE FUNCTION ledger.refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
    ],
)
def test_no_runtime_role_can_put_the_guards_away(role: Role, statement: str, posted: TestDatabase) -> None:
    with psycopg.connect(posted.dsn()) as connection:
        # As a login of its own, not through SET ROLE, from which a superuser could step back.
        connection.execute(f"SET SESSION AUTHORIZATION {role.value}")
        with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
            connection.execute(statement)


def test_a_reader_sees_one_book_and_by_default_none(posted: TestDatabase) -> None:
    """Whatever a reader may read that has a book: tables and views, those of tomorrow, too."""
    with psycopg.connect(posted.dsn()) as connection:
        relations = readable_by_book(connection, Role.READER) - TELLS_ITS_BOOK
    assert {"ledger.event", "ledger.entry", "ledger.inbox", "read.account", "reconciliation.finding"} <= relations
    with acting_as(posted, Role.READER) as connection:
        for own in ("", "1", "0", "2", "x' OR true --"):
            connection.execute("SELECT set_config('ledger.book_id', %s, true)", [own])
            for relation in relations:
                seen = connection.execute(f"SELECT DISTINCT book_id FROM {relation}").fetchall()
                assert {str(row[0]) for row in seen} <= {own}, relation
        connection.execute("SELECT set_config('ledger.book_id', '1', true)")
        assert connection.execute("SELECT DISTINCT book_id FROM ledger.event").fetchall() == [(1,)]


def test_what_tells_its_book_still_exists(posted: TestDatabase) -> None:
    with psycopg.connect(posted.dsn()) as connection:
        assert readable_by_book(connection, Role.READER) >= TELLS_ITS_BOOK


@pytest.mark.parametrize("role", WRITERS)
def test_a_source_position_that_counts_records_twice_is_refused(role: Role | None, posted: TestDatabase) -> None:
    statement = "UPDATE ledger.source_position SET posted = posted + 1, gaps = gaps - 1"
    with acting_as(posted, role) as connection, pytest.raises(errors.CheckViolation, match="gaps"):
        connection.execute(statement)
