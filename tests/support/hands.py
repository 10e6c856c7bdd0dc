"""A hand with raw SQL: what it does is rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from ledger_core.store.connection import Role
from tests.support.databases import TestDatabase

WRITERS: Final = (Role.POSTER, Role.OWNER, None)
"""Who may insert into the ledger at all; None is a superuser."""


@contextmanager
def acting_as(database: TestDatabase, role: Role | None) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database.dsn(role)) as connection:
        connection.execute("SET TRANSACTION READ WRITE")  # rights are tried, not the reader's habit of read-only
        yield connection
        connection.rollback()


def new_account(connection: psycopg.Connection[Any]) -> int:
    """Opens an account of book 1, in BRL, by the rows alone."""
    row = connection.execute(
        "INSERT INTO ledger.account (book_id, code, type, asset_id) VALUES (1, 'n', 'asset', 986) RETURNING account_id"
    ).fetchone()
    assert row is not None
    connection.execute("INSERT INTO ledger.account_head (book_id, account_id, asset_id) VALUES (1, %s, 986)", row)
    return int(row[0])
