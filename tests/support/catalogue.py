"""What the database's own catalogue says of tables, rights and guards: a new table or role can't be forgotten."""

from typing import Any, Final

import psycopg

from ledger_core.store.connection import Role

RUNTIME_ROLES: Final = tuple(role for role in Role if role is not Role.OWNER)

OF_THE_LEDGER: Final = ["ledger", "reconciliation", "webhook"]
"""Schemas whose rows are the truth. Read models and the embedded log can be made again from them."""

TABLES: Final = """
SELECT pg_class.oid::regclass::text,
    (SELECT attname FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
     ORDER BY attnum LIMIT 1),
    EXISTS (SELECT FROM unnest(%(roles)s::text[]) role WHERE has_any_column_privilege(role, pg_class.oid, 'UPDATE'))
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname = ANY (%(schemas)s) ORDER BY 1"""

GRANTED: Final = """
SELECT DISTINCT granted.grantee::regrole::text FROM (
    SELECT relacl AS acl FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = ANY (%(ours)s)
    UNION ALL SELECT nspacl FROM pg_namespace WHERE nspname = ANY (%(ours)s)
    UNION ALL SELECT attacl FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = ANY (%(ours)s)
) acls CROSS JOIN aclexplode(acl) granted WHERE granted.grantee <> 0"""

OUR_SCHEMAS: Final = ["ledger", "projections", "reconciliation", "webhook", "transport", "read", "ledger_migrations"]

READABLE: Final = """
SELECT pg_class.oid::regclass::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'book_id'
WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname = ANY (%(ours)s)
    AND has_schema_privilege(%(role)s, pg_namespace.oid, 'USAGE')
    AND has_column_privilege(%(role)s, pg_class.oid, attnum, 'SELECT')"""


def readable_by_book(connection: psycopg.Connection[Any], role: Role) -> set[str]:
    """Tables and views with a book in each row of which the role may read at least that."""
    return {row[0] for row in connection.execute(READABLE, {"ours": OUR_SCHEMAS, "role": role.value})}


def tables_of_the_ledger(connection: psycopg.Connection[Any]) -> dict[str, tuple[str, bool]]:
    """Each table's first column, and whether some role may change its rows at run time."""
    given = {"roles": [role.value for role in RUNTIME_ROLES], "schemas": OF_THE_LEDGER}
    return {name: (column, mutable) for name, column, mutable in connection.execute(TABLES, given)}


def roles_with_rights(connection: psycopg.Connection[Any]) -> set[str]:
    """Every role that was granted anything in a schema of ours."""
    return {row[0] for row in connection.execute(GRANTED, {"ours": OUR_SCHEMAS})}
