"""What the store can raise, by what the caller must do.

StoreError
├── FenceLostError       another worker moved these partitions: drop them, go on without
├── SurpriseError        what was prepared does not hold under lock: roll back, go the exact path
│   ├── ChartMovedError      read the charts again and prepare anew
│   ├── LimitReachedError    this batch only: an account would pass a limit
│   ├── KeyKnownError        prepare anew, and ask the inbox first
│   └── UnopenedError        open these accounts, then prepare anew
├── HoldsDueError        holds whose time has come are touched: let them expire first, then post again
├── BatchTooLargeError   more events than a batch may write: post it in pieces (`Poster.post` does)
├── QueueFullError       too much waits on one order key: bring about what it waits for, then post again
├── PostingHaltedError   posting is stopped for now: pause, keep the records, try again
└── CorruptionError      the store contradicts itself: stop, run verify
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger_core.store.unopened import Unopened


class StoreError(Exception):
    """Base of all errors of the store."""


class FenceLostError(StoreError):
    """These partitions do not stand where this worker left them."""

    def __init__(self, partitions: Sequence[tuple[str, int]]) -> None:
        super().__init__(f"partitions moved on without us: {partitions}")
        self.partitions = list(partitions)


class SurpriseError(StoreError):
    """Something can be refused after all, or a row count differs from the one asked for."""


class ChartMovedError(SurpriseError):
    """Another version of a book's chart came into force since this was prepared, or the book was dropped."""


class LimitReachedError(SurpriseError):
    """An account would come to stand beyond a limit that refuses, or that has to be told."""


class KeyKnownError(SurpriseError):
    """An event that would open an account was decided before: it opens nothing."""


class UnopenedError(SurpriseError):
    """Events that are accepted name accounts that are not open, and open on the fly."""

    def __init__(self, accounts: "Sequence[Unopened]") -> None:
        super().__init__(f"{len(accounts)} accounts are to open")
        self.accounts = list(accounts)


class HoldsDueError(StoreError):
    """These holds (book id, hold id) were due by `moment`, and the log does not say so yet."""

    def __init__(self, keys: Sequence[tuple[int, str]], moment: datetime) -> None:
        super().__init__(f"{len(keys)} holds are due")
        self.keys = list(keys)
        self.moment = moment


class BatchTooLargeError(StoreError):
    """A batch would write more events than a log reference can count; nothing was posted.

    To a caller of `Poster.post` it says that one event alone would: `partitions` are its own.
    """

    code = "EVENT_TOO_LARGE"

    def __init__(self, bound: int, partitions: Sequence[tuple[str, int]] = ()) -> None:
        super().__init__(f"one transaction would write more than {bound:,} events of the log")
        self.bound = bound
        self.partitions = list(partitions)


class QueueFullError(StoreError):
    """More events of one order key wait than its queue may hold; nothing was posted."""

    code = "ORDER_KEY_QUEUE_FULL"

    def __init__(self, order_key: str, partitions: Sequence[tuple[str, int]]) -> None:
        super().__init__(f"the queue of order key {order_key!r} is full")
        self.partitions = list(partitions)


class PostingHaltedError(StoreError):
    """These books take no postings; or, where none is named, a batch could not be posted in many tries."""

    def __init__(self, books: Sequence[str], detail: str = "") -> None:
        more = f" and into {len(books) - 1} more" if len(books) > 1 else ""
        super().__init__(detail or f"posting into book {books[0]}{more} is halted")
        self.books = list(books)


class CorruptionError(StoreError):
    """Rows that must exist are not there, or contradict each other."""
