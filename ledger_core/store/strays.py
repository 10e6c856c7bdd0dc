"""Strays: events of a book that did not exist when they came. They wait in the system book, each under its own place.

Once the book exists each is decided there as if it arrived now, and in the same transaction the system book notes, as
the next revision of what it parked, that it is not its own: SKIPPED. The inbox of the new book keeps each to once,
whoever else brings it; the lock on the place in the system book keeps two healers from noting it twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import psycopg

from ledger_core.domain.incoming import SYSTEM_BOOK, UNDECODABLE_SOURCE, Incoming
from ledger_core.domain.outcomes import Code, Outcome, Refusal
from ledger_core.domain.strays import Stray
from ledger_core.store.batch import SourceAdvance
from ledger_core.store.books import Book
from ledger_core.store.encoding import rfc3339
from ledger_core.store.items import Item, ParkedLetter, new_item, settle

SYSTEM_BOOK_ID: Final = 0

SERIALISE: Final = "SELECT FROM ledger.book WHERE book_id = 0 FOR NO KEY UPDATE"


def unknown_book(code: str) -> Refusal:
    """Why a stray waits."""
    return Refusal(Code.BOOK_UNKNOWN, f"there is no book {code[:80]}", f"book:{code[:80]}")


def of_no_book(event: Incoming, advances: Sequence[SourceAdvance], *, dropped: bool) -> Incoming:
    """An event of a book that does not exist waits in the system book, under its coordinates; one of a book that was
    dropped is refused there, for nothing is added to that book."""
    record = event.record
    incarnations = {(a.topic, a.partition): a.incarnation for a in advances}
    incarnation = incarnations.get((record.topic, record.partition), 1)
    topic = record.topic.partition("#")[0]  # the cursor of a replay is no part of a record's place
    place = f"{incarnation}:{topic}:{record.partition}:{record.offset}"
    if dropped:
        refusal = Refusal(Code.BOOK_DROPPED, f"book {event.book[:80]} was dropped and takes no posting")
    else:
        refusal = unknown_book(event.book)
    return _in_system_book(event, place, None, refusal)


def is_stray(letter: ParkedLetter) -> bool:
    """Whether a parked event of the system book belongs to another."""
    return letter.book_id == SYSTEM_BOOK_ID and letter.incoming.book != SYSTEM_BOOK


def stray_item(letter: ParkedLetter, books: Mapping[str, Book]) -> Item:
    """What the system book has to say of a stray: that it was decided elsewhere, if its book exists by now."""
    event = letter.incoming
    known = event.book in books and not books[event.book].dropped
    fact, refusal = (Stray(event.book), None) if known else (None, unknown_book(event.book))
    stays = _in_system_book(event, letter.event_id, fact, refusal)
    item = new_item(stays, books[SYSTEM_BOOK], letter.source_id, -1)
    (item.effective_at,) = rfc3339([item.effective_at_us])
    settle(item, Outcome.SKIPPED if known else Outcome.PARKED, refusal, None, ())
    return item


def wait_for_parking(connection: psycopg.Connection[Any]) -> None:
    """Returns when no transaction is about to park a stray that does not see the books that exist by now.

    Who parks one looks for its book under the system book's lock: before ours it commits first, behind ours it sees.
    """
    with connection.transaction():
        connection.execute(SERIALISE)


def arrivals_of(letters: Sequence[ParkedLetter]) -> list[Incoming]:
    """Strays as they arrive in their own book."""
    return [replace(letter.incoming, parked_at=letter.position) for letter in letters if is_stray(letter)]


def _in_system_book(event: Incoming, place: str, fact: Stray | None, refusal: Refusal | None) -> Incoming:
    return Incoming(
        SYSTEM_BOOK,
        UNDECODABLE_SOURCE,
        place,
        event.event_type,
        place,
        event.effective_at_us,
        event.fingerprint,
        fact,
        refusal,
        event.record,
    )
