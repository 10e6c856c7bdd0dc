"""Posts what was parked, once a command has made true what it waited for."""

from api.cli.stores import Store
from consumers.bootstrap import database_decoder
from ledger_core.store.poster import Poster


def heal(store: Store, book: str, waits_for: str) -> int:
    """Decides the events of a book that wait for this; returns how many have an outcome now."""
    poster = Poster(store.dsn, decode=database_decoder(store.dsn).decode)
    poster.open()
    try:
        return len(poster.heal(book, waits_for).healed)
    finally:
        poster.close()
