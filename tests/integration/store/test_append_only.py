"""What no one may change or remove, found in the catalogue: each table tried in raw SQL by each role."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
import pytest
from psycopg import errors

from ledger_core.store.connection import Role
from tests.support.catalogue import OF_THE_LEDGER, RUNTIME_ROLES, roles_with_rights, tables_of_the_ledger
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.hands import WRITERS, acting_as
from tests.support.posted_ledger import PostedLedger, captured

pytestmark = pytest.mark.postgres

REMOVALS = {
    "DELETE": "DELETE FROM {table}",
    "DELETE of nothing": "DELETE FROM {table} WHERE false",
    "TRUNCATE": "TRUNCATE {table} CASCADE",
    "MERGE": "MERGE INTO {table} t USING (VALUES (1)) AS one (x) ON true WHEN MATCHED THEN DELETE",
}
CHANGES = {
    "UPDATE": "UPDATE {table} SET {column} = {column}",
    "UPDATE of nothing": "UPDATE {table} SET {column} = {column} WHERE false",
}

LOSES_ROWS = {
    "ledger.maintenance": "a pause of posting ends by taking its row away",
    "ledger.relay_checkpoint": "without one the relay sends a book again from its beginning: repeated, never lost",
    "webhook.untold": "a queue: what was told of a webhook leaves it, the facts stay where they are",
}
"""Tables whose rows may go, and why. All others of the ledger keep theirs, whatever anybody does."""

WRITE_THE_LEDGER = {"ledger_projector": {"ledger.relay_checkpoint"}}
"""Who but the poster may add rows to the ledger's own tables."""


@pytest.fixture(scope="module")
def posted(postgres_server: str) -> Iterator[TestDatabase]:
    """A book with one capture. All that is tried here is rolled back, so one database serves all."""
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured("o-1", 1_000, {"a": 1_000})])
    yield database
    drop_database(database)


@pytest.fixture(scope="module")
def tables(posted: TestDatabase) -> Mapping[str, tuple[str, bool]]:
    with psycopg.connect(posted.dsn()) as connection:
        found = tables_of_the_ledger(connection)
    assert {"ledger.event", "ledger.entry", "ledger.block", "ledger.inbox"} <= found.keys()
    return found


def refusal(connection: psycopg.Connection[Any], statement: str) -> str:
    """By what the statement is refused, or what became of it."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except errors.InsufficientPrivilege:
        return "no right"
    except errors.IntegrityConstraintViolation as error:
        # The class itself: foreign keys and checks raise subclasses of it, which are no guard.
        return "guard" if type(error) is errors.IntegrityConstraintViolation else type(error).__name__
    except psycopg.Error as error:
        return type(error).__name__
    return "done"


def test_the_roles_of_the_code_are_those_that_have_rights(posted: TestDatabase) -> None:
    with psycopg.connect(posted.dsn()) as connection:
        assert roles_with_rights(connection) == {role.value for role in Role}


@pytest.mark.parametrize("role", [Role.OWNER, None])
def test_what_was_written_stays_under_everybody_even_the_owner(
    role: Role | None, posted: TestDatabase, tables: Mapping[str, tuple[str, bool]]
) -> None:
    """A table whose rows no role may change at run time refuses the owner, too; and no table loses rows."""
    passed = []
    with acting_as(posted, role) as connection:
        for table, (column, is_mutable) in tables.items():
            if table in LOSES_ROWS:
                continue
            for change, statement in (REMOVALS if is_mutable else REMOVALS | CHANGES).items():
                answer = refusal(connection, statement.format(table=table, column=column))
                if answer != "guard":
                    passed.append(f"{change} of {table}: {answer}")
    assert passed == []


@pytest.mark.parametrize("role", RUNTIME_ROLES)
def test_no_runtime_role_has_the_right_to_try(
    role: Role, posted: TestDatabase, tables: Mapping[str, tuple[str, bool]]
) -> None:
    passed = []
    with acting_as(posted, role) as connection:
        for table, (column, is_mutable) in tables.items():
            if table in LOSES_ROWS:
                continue
            for change, statement in (REMOVALS if is_mutable else REMOVALS | CHANGES).items():
                answer = refusal(connection, statement.format(table=table, column=column))
                if answer != "no right":
                    passed.append(f"{change} of {table}: {answer}")
    assert passed == []


@pytest.mark.parametrize("role", [role for role in RUNTIME_ROLES if role is not Role.POSTER])
def test_only_the_poster_adds_to_the_ledger(
    role: Role, posted: TestDatabase, tables: Mapping[str, tuple[str, bool]]
) -> None:
    with acting_as(posted, role) as connection:
        answers = {
            table: refusal(connection, f"INSERT INTO {table} DEFAULT VALUES")
            for table in tables
            if table.startswith("ledger.")
        }
    added = {table for table, answer in answers.items() if answer != "no right"}
    assert added == WRITE_THE_LEDGER.get(role.value, set())


def test_what_may_lose_rows_still_exists(tables: Mapping[str, tuple[str, bool]]) -> None:
    assert LOSES_ROWS.keys() <= tables.keys()
    assert {table.partition(".")[0] for table in tables} == set(OF_THE_LEDGER)


LETTER_CHANGES = (
    "value = 'other'", "key = NULL", "headers = '[]'", "topic = 'other'", "log_offset = 7", "code = 'OTHER'",
    "detail = ''", "outcome = 'PARKED'", "order_key = 'other'", "event_id = 'other'", "revision = 2",
    "resolved_position = 1", "resolved_position = NULL",
)  # fmt: skip


@pytest.mark.parametrize("role", WRITERS)
def test_a_dead_letter_stays_as_it_came(role: Role | None, posted: TestDatabase) -> None:
    """Its bytes, coordinates and code; what resolved it is said once, what it waits for may change."""
    with acting_as(posted, role) as connection:
        connection.execute(
            """INSERT INTO ledger.dead_letter (book_id, position, source_id, event_id, revision, outcome, code, detail,
                   order_key, topic, partition, incarnation, log_offset, timestamp_ms, key, value, headers)
               VALUES (1, 1, 1, 'e', 1, 'REJECTED', 'NOT_JSON', 'it is not', 'o', 'payments', 0, 1, 1, 1, 'k', 'v',
                   '[["a", "b"]]')"""
        )
        letter = "UPDATE ledger.dead_letter SET {} WHERE book_id = 1 AND position = 1"
        connection.execute(letter.format("waits_for = 'another', resolved_position = 2"))
        passed = {change: refusal(connection, letter.format(change)) for change in LETTER_CHANGES}
    assert passed == dict.fromkeys(LETTER_CHANGES, "guard")
