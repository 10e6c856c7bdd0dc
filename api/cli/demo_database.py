"""The database of demos: made anew by each, and never in the place of one that is somebody else's."""

from typing import Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from api.cli.errors import CliError
from api.cli.stores import DEMO_DATABASE

MARK: Final = "made by ledgerctl demo: the next demo drops it"
"""A database with this comment is a demo's."""

COMMENT: Final[LiteralString] = """
    SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = %s
"""


def fresh_demo_database(server_dsn: str, *, ours: bool) -> str:
    """The DSN of an empty database. The last demo's is dropped, with whoever is connected to it.

    On a server that is not `ours` alone, one without the demos' mark is left as it is: raises `CliError`.
    """
    name = sql.Identifier(DEMO_DATABASE)
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        row = connection.execute(COMMENT, (DEMO_DATABASE,)).fetchone()
        if row is not None and row[0] != MARK and not ours:
            raise CliError(
                "DEMO_DATABASE_FOREIGN",
                f"the server has a database {DEMO_DATABASE!r} that no demo made: it is left as it is",
                f"rename it, or name another server (LEDGER_POSTGRES_DSN); if it may go: DROP DATABASE {DEMO_DATABASE}",
            )
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(MARK)))
    return make_conninfo(server_dsn, dbname=DEMO_DATABASE)
