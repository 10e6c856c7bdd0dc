"""Keys that tests sign with, and signing as the command does."""

from ledger_core.store.connection import Role, connect
from ledger_core.store.proof.notes import SigningKey
from ledger_core.store.proof.signing import StoredCheckpoint, sign_book
from tests.support.posted_ledger import BOOK

KEY = SigningKey("ledger", bytes(range(32)))
OTHER_KEY = SigningKey("ledger", bytes(range(1, 33)))


def signed(dsn: str, book: str = BOOK, key: SigningKey = KEY) -> StoredCheckpoint:
    """The book's end, signed now."""
    with connect(dsn, Role.POSTER) as connection:
        connection.autocommit = True
        stored, _ = sign_book(connection, book, key)
    assert stored is not None
    return stored
