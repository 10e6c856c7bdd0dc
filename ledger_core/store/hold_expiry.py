"""Expiry of holds: an event with a position, in a transaction of its own, before anything is decided on the hold.

Postings call it for holds that they find due, the scheduler for all others; both read the database's clock, and
decisions read only what was written. Order of locks: subjects, heads, book.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
import psycopg

from ledger_core.domain import holds
from ledger_core.domain.cases import SubjectKey
from ledger_core.domain.holds import Hold
from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.errors import CorruptionError, PostingHaltedError
from ledger_core.store.hold_rows import QUERIES, hold_of

HOLD_EXPIRED: Final = "hold.expired"
EXPIRED_AT_ONCE: Final = 500
"""Holds of one transaction of the scheduler: postings into the book wait for it."""


def expire_due(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """Lets every hold expire that is due now, in all books that take postings; returns how many by book.

    A few at a time, each time in a transaction of its own: a hold that another process let expire meanwhile is
    left as it is. `connection` is in autocommit mode, as the poster.
    """
    expired: Counter[str] = Counter()
    for book_id, code in connection.execute(QUERIES["books_with_due_holds"]).fetchall():
        while keys := _due_in(connection, book_id):
            with connection.transaction():
                row = connection.execute(QUERIES["moment"]).fetchone()
                assert row is not None
                count = expire_holds(connection, book_id, keys, row[0])
            if not count:  # all of them are done already, or the clock was set back: the next round sees
                break
            expired[code] += count
    return dict(expired)


def _due_in(connection: psycopg.Connection[Any], book_id: int) -> list[str]:
    parameters = {"book_id": book_id, "limit": EXPIRED_AT_ONCE}
    return [row[0] for row in connection.execute(QUERIES["due_holds"], parameters).fetchall()]


def expire_keys(connection: psycopg.Connection[Any], keys: Sequence[SubjectKey], moment: datetime) -> None:
    """Lets these holds expire that were due by `moment`, book by book, each in a transaction of its own."""
    for book_id in sorted({book_id for book_id, _ in keys}):
        with connection.transaction():
            expire_holds(connection, book_id, [key for owner, key in keys if owner == book_id], moment)


def expire_holds(connection: psycopg.Connection[Any], book_id: int, keys: Sequence[str], moment: datetime) -> int:
    """Lets those of these holds expire that are open and were due by `moment`, in the caller's transaction.

    Returns how many. Raises `PostingHaltedError` where the book takes no postings.
    """
    book: dict[str, object] = {"book_id": book_id}
    connection.execute(QUERIES["lock_subjects"], {**book, "keys": list(keys)})
    rows = connection.execute(
        QUERIES["locked_holds"], {"books": [book_id] * len(keys), "keys": sorted(keys), "moment": moment}
    ).fetchall()
    due = {hold_id: hold_of(book_id, columns) for _, hold_id, *columns, is_due in rows if is_due}
    if not due:
        return 0
    pending = _lock_heads(connection, book_id, due)
    mode = connection.execute(QUERIES["lock_book"], book).fetchone()
    if mode is None or mode[0] != "open":
        raise PostingHaltedError([mode[1] if mode else str(book_id)])
    # nothing can be refused after this line
    events = []
    for hold_id, hold in due.items():
        given_back_minor = holds.expire(hold)
        pending[hold.head & 0xFFFFFFFF][hold.terms.side] -= given_back_minor
        events.append(NewEvent(HOLD_EXPIRED, expired_state(hold_id, hold, given_back_minor), hold_id))
    positions = append_events(connection, book_id, events)
    _write(connection, book_id, due, positions, pending)
    return len(due)


def expired_state(hold_id: str, hold: Hold, given_back_minor: int) -> bytes:
    """State of `hold.expired`."""
    assert hold.expires_at_us is not None
    return orjson.dumps({
        "hold_id": hold_id,
        "account": hold.terms.account,
        "currency": hold.terms.currency,
        "expires_at": holds.rfc3339(hold.expires_at_us),
        "hold": {"status": hold.status.value, "released_minor": str(given_back_minor)},
    })  # fmt: skip


def _lock_heads(connection: psycopg.Connection[Any], book_id: int, due: dict[str, Hold]) -> dict[int, dict[str, int]]:
    """What is held of the accounts of these holds, by account and side."""
    accounts = sorted({hold.head & 0xFFFFFFFF for hold in due.values()})
    rows = connection.execute(QUERIES["lock_heads"], {"book_id": book_id, "accounts": accounts}).fetchall()
    if len(rows) != len(accounts):
        raise CorruptionError("an account has no head: run verify")
    return {account_id: {"D": debits, "C": credits} for account_id, debits, credits in rows}


def _write(
    connection: psycopg.Connection[Any],
    book_id: int,
    expired: dict[str, Hold],
    positions: Sequence[int],
    pending: dict[int, dict[str, int]],
) -> None:
    connection.execute(
        QUERIES["update_pending"],
        {
            "books": [book_id] * len(pending),
            "accounts": list(pending),
            "debits": [sides["D"] for sides in pending.values()],
            "credits": [sides["C"] for sides in pending.values()],
        },
    )
    connection.execute(
        QUERIES["update_holds"],
        {
            "books": [book_id] * len(expired),
            "keys": list(expired),
            "captured": [hold.captured_minor for hold in expired.values()],
            "released": [hold.released_minor for hold in expired.values()],
            "statuses": [hold.status.value for hold in expired.values()],
            "closed": list(positions),
        },
    )
