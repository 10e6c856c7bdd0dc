"""Parked events as their dead letters keep them: decided only as what was received, under the key that was given."""

from collections.abc import Mapping, Sequence

from ledger_core.store.books import Book
from ledger_core.store.errors import CorruptionError
from ledger_core.store.items import ParkedLetter
from ledger_core.store.strays import is_stray, unknown_book

Fingerprints = Mapping[tuple[int, int, str], bytes]
"""By book_id, source_id and event_id, as the inbox has them."""


def demand_unchanged(letters: Sequence[ParkedLetter], books: Mapping[str, Book], fingerprints: Fingerprints) -> None:
    """The bytes of a dead letter lie outside the log: what they say now must be what was parked.

    Raises `CorruptionError`, naming the first that says something else.
    """
    for letter in letters:
        known = fingerprints.get(letter.inbox_key)
        if known != letter.incoming.fingerprint or not _in_its_place(letter, books):
            raise CorruptionError(
                f"the parked event at position {letter.position} of book {letter.book_id} "
                "is not what was received: run verify"
            )


def _in_its_place(letter: ParkedLetter, books: Mapping[str, Book]) -> bool:
    event = letter.incoming
    if is_stray(letter):
        return unknown_book(event.book).waits_for == letter.waits_for
    book = books.get(event.book)
    return book is not None and (book.book_id, book.sources.get(event.source), event.event_id, event.order_key) == (
        letter.book_id, letter.source_id, letter.event_id, letter.order_key,
    )  # fmt: skip
