"""Connections to the store under one of the ledger's database roles.

A process logs in as the user of its DSN and acts as the narrowest role that its work needs. The role is
part of the start-up packet, so that `RESET ROLE` (and a connection pool's reset) falls back to that role
and not to the login.
"""

from enum import StrEnum
from typing import Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PASSING: Final = (
    psycopg.OperationalError,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)
"""What passes by itself, on a new connection: the server is away or busy, broke a deadlock, ended a transaction that
took too long, or takes no writes (any more). psycopg files the last three under InternalError."""


class Role(StrEnum):
    """The roles that the migrations create; what each may do is said there."""

    OWNER = "ledger_owner"
    POSTER = "ledger_poster"
    PROJECTOR = "ledger_projector"
    READER = "ledger_reader"
    RECONCILER = "ledger_reconciler"
    INBOX = "ledger_inbox"
    PUBLISHER = "ledger_publisher"


def dsn_for_role(dsn: str, role: Role) -> str:
    """The same DSN, whose connections act as `role`; options that the DSN already carries are kept."""
    options = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=f"{options} -c role={Role(role).value}".strip())


def connect(dsn: str, role: Role) -> psycopg.Connection:
    """Open a connection that acts as `role`; it commits only when told to."""
    return psycopg.connect(dsn_for_role(dsn, role), autocommit=False)
