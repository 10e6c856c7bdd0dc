"""Rows that a benchmark makes for reading: written without the log that only a crash would need."""

import psycopg
from psycopg import sql


def set_unlogged(connection: psycopg.Connection, schema: str, table: str) -> None:
    """The table, and before it those that refer to it: a logged one may refer to none that is not."""
    referring = connection.execute(
        """
        SELECT DISTINCT nspname, relname
        FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE contype = 'f' AND conrelid <> confrelid AND confrelid = to_regclass(%s)
        """,
        (f"{schema}.{table}",),
    ).fetchall()
    for name in referring:
        set_unlogged(connection, *name)
    connection.execute(sql.SQL("ALTER TABLE {} SET UNLOGGED").format(sql.Identifier(schema, table)))
