"""What a process demands of the PostgreSQL server before it starts (invariant I32)."""

from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from consumers.settings import ConfigurationError

OLDEST_VERSION: Final = 15
DSN_KEY: Final = "LEDGER_POSTGRES_DSN"

SERVER: Final[LiteralString] = """
    SELECT current_setting('server_version_num')::integer / 10000, current_setting('fsync'),
           current_setting('synchronous_commit'), current_setting('full_page_writes'), pg_is_in_recovery(),
           session_user::text,
           (SELECT rolsuper FROM pg_roles WHERE rolname = session_user),
           EXISTS (SELECT FROM pg_roles WHERE rolname = 'ledger_owner' AND pg_has_role(session_user, oid, 'MEMBER'))
"""


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What the server says of itself and of our login."""

    version: int
    fsync: str
    synchronous_commit: str
    full_page_writes: str
    in_recovery: bool
    login: str
    superuser: bool
    owner: bool


def read_server(connection: psycopg.Connection) -> ServerFacts:
    """Asks the server; needs no right beyond connecting."""
    row = connection.execute(SERVER).fetchone()
    assert row is not None  # a SELECT without FROM yields one row
    return ServerFacts(*row)


def unsafe_settings(facts: ServerFacts, *, allow_owner_login: bool) -> dict[str, str]:
    """What keeps a process from starting, by the key to change; empty when all is well."""
    problems: dict[str, str] = {}
    if facts.version < OLDEST_VERSION:
        problems[DSN_KEY] = f"PostgreSQL {facts.version} is too old: use {OLDEST_VERSION} or later"
    if facts.fsync != "on":
        problems["fsync"] = "is off at the server: a crash would lose or tear what was acknowledged"
    if facts.synchronous_commit == "off":
        problems["synchronous_commit"] = "is off at the server: a crash would lose what was acknowledged"
    if facts.full_page_writes != "on":
        problems["full_page_writes"] = "is off at the server: a crash could tear pages"
    if facts.in_recovery:
        problems[DSN_KEY] = "names a standby, which can't be written to"
    if (facts.superuser or facts.owner) and not allow_owner_login:
        who = "a superuser" if facts.superuser else "a member of ledger_owner"
        problems[DSN_KEY] = (
            f"logs in as {who}: give a login that is a member of ledger_poster and ledger_projector, "
            "or on a development machine set LEDGER_ALLOW_OWNER_LOGIN=true"
        )
    return problems


def demand_safe_server(dsn: str, *, allow_owner_login: bool) -> ServerFacts:
    """Raises `ConfigurationError` naming every unsafe key; psycopg.OperationalError when the server is away."""
    with psycopg.connect(dsn, connect_timeout=10) as connection:
        facts = read_server(connection)
    if problems := unsafe_settings(facts, allow_owner_login=allow_owner_login):
        raise ConfigurationError(problems)
    return facts
