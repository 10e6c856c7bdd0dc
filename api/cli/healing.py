"""Posts what was parked, once a command has made true what it waited for."""

from collections.abc import Callable, Mapping
from functools import partial

from api.cli.stores import Store
from consumers.bootstrap import database_decoder
from ledger_core.store.poster import Poster


def decided(healed: int) -> str:
    """How many parked events were decided, in words."""
    return f"{healed:,} parked event{' was' if healed == 1 else 's were'} decided"


def heal(store: Store, book: str, waits_for: str) -> int:
    """Decides the events of a book that wait for this; returns how many have an outcome now."""
    poster = Poster(store.dsn, decode=database_decoder(store.dsn).decode)
    poster.open()
    try:
        return len(poster.heal(book, waits_for).healed)
    finally:
        poster.close()


def heal_all(store: Store, book: str, awaited: Mapping[str, int], progress: Callable[[int, int], None]) -> int:
    """Decides what waits for any of these, each given with how many order keys do, a few of them a transaction;
    `progress` hears how many were looked at, of how many. Returns how many events have an outcome now."""
    poster = Poster(store.dsn, decode=database_decoder(store.dsn).decode)
    poster.open()
    before, total, healed = 0, sum(awaited.values()), 0
    try:
        for waits_for, keys in awaited.items():
            progress(before, total)
            looked_at = partial(_within, progress, before, keys, total)
            healed += len(poster.heal(book, waits_for, looked_at).healed)
            before += keys
        progress(total, total)
    finally:
        poster.close()
    return healed


def _within(progress: Callable[[int, int], None], before: int, keys: int, total: int, looked_at: int) -> None:
    """Others may have parked or healed meanwhile: one name never counts for more than it had."""
    progress(before + min(looked_at, keys), total)
