"""The schema distributes by book: every key and foreign key leads with book_id, but for a listed few."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests.support.databases import TestDatabase

pytestmark = pytest.mark.postgres

OUR_SCHEMAS = ["ledger", "projections", "reconciliation", "webhook", "transport", "read", "ledger_migrations"]

REFERENCE_TABLES = {
    "ledger.asset": "what money is counted in, the same for every book",
    "ledger.book_directory": "finds a book by its code, before its id is known",
    "ledger.source_position": "cursors of topics, whose partitions carry many books",
    "ledger.maintenance": "leads with book_id; 0 stands for every book",
    "projections.source_position": "cursors of topics",
    "ledger_migrations.migration": "the schema's own history",
}
"""Tables with keys that may lead with something else, and why."""

OTHER_SCHEMAS = {"transport"}
"""The embedded log is a transport, not the ledger: it knows no books."""

KEYS = """
SELECT conrelid::regclass::text AS table_name, conname, contype::text,
    (SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]) AS first_column,
    confrelid::regclass::text AS references_table,
    (SELECT attname FROM pg_attribute WHERE attrelid = confrelid AND attnum = confkey[1]) AS references_column
FROM pg_constraint JOIN pg_namespace ON pg_namespace.oid = connamespace
WHERE nspname = ANY (%s) AND contype IN ('p', 'u', 'f', 'x') ORDER BY 1, 2"""

UNIQUE_INDEXES = """
SELECT indrelid::regclass::text, indexrelid::regclass::text,
    (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0])
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE indisunique AND nspname = ANY (%s) ORDER BY 1, 2"""


@pytest.fixture
def catalogue(database: TestDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn()) as connection:
        yield connection


def is_exempt(table: str) -> bool:
    return table in REFERENCE_TABLES or table.partition(".")[0] in OTHER_SCHEMAS


def test_every_key_leads_with_the_book(catalogue: psycopg.Connection[Any]) -> None:
    keys = [row for row in catalogue.execute(KEYS, (OUR_SCHEMAS,)) if row[2] != "f"]
    assert len(keys) > 20
    assert [row[:2] for row in keys if row[3] != "book_id" and not is_exempt(row[0])] == []


def test_every_unique_index_leads_with_the_book(catalogue: psycopg.Connection[Any]) -> None:
    indexes = catalogue.execute(UNIQUE_INDEXES, (OUR_SCHEMAS,)).fetchall()
    assert [row[:2] for row in indexes if row[2] != "book_id" and not is_exempt(row[0])] == []


def test_every_foreign_key_leads_from_book_to_book(catalogue: psycopg.Connection[Any]) -> None:
    keys = [row for row in catalogue.execute(KEYS, (OUR_SCHEMAS,)) if row[2] == "f"]
    assert len(keys) > 5
    bad = [row[:2] for row in keys if (row[3], row[5]) != ("book_id", "book_id") and not is_exempt(row[0])]
    assert bad == []


def test_every_table_of_a_book_has_its_book(catalogue: psycopg.Connection[Any]) -> None:
    tables = catalogue.execute(
        """SELECT pg_class.oid::regclass::text, EXISTS (SELECT FROM pg_attribute
               WHERE attrelid = pg_class.oid AND attname = 'book_id' AND attnotnull)
           FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
           WHERE relkind IN ('r', 'p') AND nspname = ANY (%s)""",
        (OUR_SCHEMAS,),
    ).fetchall()
    assert [name for name, has_book in tables if not has_book and not is_exempt(name)] == []


def test_every_exception_still_exists(catalogue: psycopg.Connection[Any]) -> None:
    for table in REFERENCE_TABLES:
        row = catalogue.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        assert row is not None
        assert row[0] is not None, f"{table} is gone: take it off the list"


def test_every_table_of_a_book_walls_off_readers(catalogue: psycopg.Connection[Any]) -> None:
    rows = catalogue.execute(
        """SELECT pg_class.oid::regclass::text FROM pg_class
           JOIN pg_namespace ON pg_namespace.oid = relnamespace
           JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'book_id'
           WHERE relkind IN ('r', 'p') AND NOT relrowsecurity
               AND nspname IN ('ledger', 'projections', 'reconciliation', 'webhook')
               AND has_any_column_privilege('ledger_reader', pg_class.oid, 'SELECT')"""
    ).fetchall()
    # These say how far a book is, and hold nothing of what is in it.
    open_to_readers = {"ledger.book_directory", "ledger.maintenance", "ledger.relay_checkpoint"}
    assert {row[0] for row in rows} <= open_to_readers


def test_every_view_looks_with_the_eyes_of_who_asks(catalogue: psycopg.Connection[Any]) -> None:
    rows = catalogue.execute(
        """SELECT pg_class.oid::regclass::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
           WHERE relkind = 'v' AND nspname = ANY (%s)
               AND NOT coalesce('security_invoker=true' = ANY (reloptions) OR 'security_invoker=on' = ANY (reloptions),
                   false)""",
        (OUR_SCHEMAS,),
    ).fetchall()
    assert rows == []
