"""Whatever column of the log is changed in one row, verification finds it; but for those listed, with the reason."""

from collections.abc import Iterator

import psycopg
import pytest

from ledger_core.store.verify import verify
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.posted_ledger import PostedLedger, captured, refunded
from tests.support.tampering import tampering

pytestmark = pytest.mark.postgres

TABLES = ("event", "block", "entry", "inbox")
BEYOND = {
    ("inbox", "fingerprint"): "nothing else holds it: the bytes of an accepted event stay with who sent them",
}
CHANGES = {
    "bigint": "{0} + 1000",
    "integer": "{0} + 1000",
    "smallint": "{0} + 1000",
    "text": "{0} || 'x'",
    "bytea": "set_byte({0}, 0, get_byte({0}, 0) # 1)",
    '"char"': "CASE {0} WHEN 'D' THEN 'C'::\"char\" ELSE 'D'::\"char\" END",
    "timestamp with time zone": "{0} + interval '1 microsecond'",
    "uuid": "gen_random_uuid()",
}
"""By type: another value."""
EARLIER = {("block", "first_position"): "{0} - 1"}
"""The table itself refuses the other one."""


@pytest.fixture(scope="module")
def database(postgres_server: str) -> Iterator[TestDatabase]:
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        ledger.post([captured("o-1", 100, {"a": 60}), captured("o-2", 100, {"b": 100}), refunded("o-2", 5)])
    yield database
    drop_database(database)


def columns(connection: psycopg.Connection, table: str) -> list[tuple[str, str]]:
    return connection.execute(
        """SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum""",
        (f"ledger.{table}",),
    ).fetchall()


def changed(connection: psycopg.Connection, table: str, column: str, change: str) -> int:
    """Changes one row that has something in that column: the last one of the book."""
    statement = f"""UPDATE ledger.{table} SET {column} = {change.format(column)} WHERE ctid = (
        SELECT ctid FROM ledger.{table} WHERE book_id = 1 AND {column} IS NOT NULL AND {column}::text <> ''
        ORDER BY ctid DESC LIMIT 1)"""
    return connection.execute(statement.encode()).rowcount


@pytest.mark.parametrize("table", TABLES)
def test_a_change_of_any_column_is_found(table: str, database: TestDatabase) -> None:
    with tampering(database) as connection:
        # Of itself the table takes no block with other positions than it has marks.
        connection.execute("ALTER TABLE ledger.block DROP CONSTRAINT IF EXISTS block_leaf_marks_check")
        connection.execute(f"CREATE TABLE public.{table} AS TABLE ledger.{table}".encode())
        asked = columns(connection, table)
    unseen = []
    for column, kind in asked:
        with tampering(database) as connection:
            assert changed(connection, table, column, EARLIER.get((table, column), CHANGES[kind])) == 1, column
        if verify(database.dsn(), processes=1).ok:
            unseen.append((table, column))
        with tampering(database) as connection:
            connection.execute(f"DELETE FROM ledger.{table}".encode())
            connection.execute(f"INSERT INTO ledger.{table} SELECT * FROM public.{table}".encode())
    assert verify(database.dsn(), processes=1).ok
    assert unseen == [place for place in BEYOND if place[0] == table]
