"""Reconciliation is detect-only, and a database role proves it."""

import psycopg
import pytest

from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import captured
from tests.support.shop import book_id_of, posting, scan_book


def test_the_reconciler_may_write_findings_and_scans_and_nothing_else(database: TestDatabase) -> None:
    with psycopg.connect(database.dsn()) as admin:
        granted = admin.execute(
            """
            SELECT n.nspname || '.' || c.relname, privilege
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) AS privilege
            WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
              AND n.nspname NOT LIKE 'pg_toast%' AND n.nspname NOT LIKE 'pg_temp%'
              AND has_table_privilege('ledger_reconciler', c.oid, privilege)
            ORDER BY 1, 2
            """
        ).fetchall()
        sequences = admin.execute(
            """
            SELECT sequencename FROM pg_sequences WHERE has_sequence_privilege(
                'ledger_reconciler', format('%I.%I', schemaname, sequencename), 'USAGE, UPDATE')
            """
        ).fetchall()
        creates = admin.execute(
            """
            SELECT nspname FROM pg_namespace WHERE has_schema_privilege('ledger_reconciler', oid, 'CREATE')
              AND nspname NOT LIKE 'pg_temp%'
            """
        ).fetchall()
        memberships = admin.execute(
            "SELECT roleid::regrole::text FROM pg_auth_members WHERE member = 'ledger_reconciler'::regrole"
        ).fetchall()
    assert granted == [
        ("reconciliation.finding", "INSERT"),
        ("reconciliation.finding", "UPDATE"),
        ("reconciliation.scan", "INSERT"),
    ]
    assert (sequences, creates, memberships) == ([], [], [])


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ledger.maintenance (book_id, scope, mode, reason) VALUES (0, 'all', 'drain', '')",
        "UPDATE ledger.book SET posting_mode = 'halted'",
        "UPDATE ledger.account_head SET credits_posted = 0",
        "DELETE FROM ledger.entry",
        "TRUNCATE ledger.event",
        "SELECT nextval('ledger.batch_id')",
        "DELETE FROM reconciliation.finding",
        "TRUNCATE reconciliation.finding",
        "UPDATE reconciliation.scan SET position = 0",
        "SET ROLE ledger_owner; UPDATE ledger.book SET position = 0",
    ],
)
def test_the_reconciler_is_refused(database: TestDatabase, statement: str) -> None:
    with connect(database.dsn(), Role.RECONCILER) as connection:
        # The login of the tests is a superuser; the role's own rights are what counts.
        connection.execute("SET SESSION AUTHORIZATION ledger_reconciler")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM reconciliation.finding",
        "TRUNCATE reconciliation.finding",
        "UPDATE reconciliation.finding SET subject = 'another'",
        "UPDATE reconciliation.finding SET reopened = reopened - 1",
        "UPDATE reconciliation.finding SET state = 'RESOLVED'",
        "UPDATE reconciliation.scan SET position = 0",
        "DELETE FROM reconciliation.scan",
    ],
)
def test_findings_and_scans_keep_their_history_even_from_the_owner(database: TestDatabase, statement: str) -> None:
    with posting(database) as shop:
        shop.post([captured("o", 500)])
    scan_book(database, book_id_of(database))
    with psycopg.connect(database.dsn()) as admin, pytest.raises(psycopg.IntegrityError):
        admin.execute(statement.encode())
