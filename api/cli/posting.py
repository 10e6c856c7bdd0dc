"""What commands that write to a book share: transactions as the poster, and posting what a command made right."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg

from api.cli.errors import CliError
from api.cli.stores import Store
from ledger_core.store.connection import Role


def transactions_of(store: Store) -> Callable[[], AbstractContextManager[psycopg.Connection[Any]]]:
    """Opens transactions as the poster role."""

    @contextmanager
    def transactions() -> Iterator[psycopg.Connection[Any]]:
        with store.connect(Role.POSTER) as connection, connection.transaction():
            yield connection

    return transactions


def said(reason: str) -> str:
    """A reason that says something."""
    if not reason.strip():
        raise CliError("REASON_MISSING", "the reason is empty", "say why, with --reason")
    return reason
