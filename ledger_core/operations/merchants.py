"""Give each merchant its book: opened with its chart and control accounts, active or dropped, as its latest change says
(change data capture of the merchants' table).

A change is applied once, and never after a later one of its partition: what comes again changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psycopg

from ledger_core.domain.merchants import MerchantChanged, MerchantStatus
from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.books import BookExistsError, Books, Opening, create_book, open_accounts

PROVISIONED: Final = "book.provisioned"
ACTIVATED: Final = "book.activated"
DROPPED: Final = "book.dropped"
TYPE_OF_STATUS: Final = {
    MerchantStatus.PROVISIONED: PROVISIONED,
    MerchantStatus.ACTIVE: ACTIVATED,
    MerchantStatus.DROPPED: DROPPED,
}

BOOK: Final = "SELECT book_id FROM ledger.book_directory WHERE code = %s"
MERCHANT: Final = """
SELECT merchant_id, status, topic, partition, incarnation, log_offset
FROM ledger.merchant WHERE book_id = %s FOR UPDATE"""
KEEP: Final = """
INSERT INTO ledger.merchant (book_id, merchant_id, status, topic, partition, incarnation, log_offset)
VALUES (%(book_id)s, %(merchant_id)s, %(status)s, %(topic)s, %(partition)s, %(incarnation)s, %(offset)s)
ON CONFLICT (book_id) DO UPDATE SET status = excluded.status, topic = excluded.topic, partition = excluded.partition,
    incarnation = excluded.incarnation, log_offset = excluded.log_offset"""
SET_MODE: Final = """
UPDATE ledger.book SET posting_mode = %(mode)s
WHERE book_id = %(book_id)s AND (posting_mode <> 'halted' OR %(mode)s = 'dropped')"""


@dataclass(frozen=True, slots=True)
class ChangePlace:
    """Where a change stands in its topic; `incarnation` counts how often the topic began anew."""

    topic: str
    partition: int
    incarnation: int
    offset: int

    def follows(self, other: "ChangePlace") -> bool:
        """Whether it is to be applied after the other. Changes of one row stand in one partition, so that between
        partitions the one read last counts."""
        if (self.topic, self.partition) != (other.topic, other.partition):
            return True
        return (self.incarnation, self.offset) > (other.incarnation, other.offset)


@dataclass(frozen=True, slots=True)
class Applied:
    """What a change did: None where it had been applied before, or said nothing."""

    book: str
    created: bool
    status: MerchantStatus | None


def apply_change(
    connection: psycopg.Connection[Any], change: MerchantChanged, place: ChangePlace, chart: Mapping[str, object]
) -> Applied:
    """Applies one change in a transaction of its own, as the poster role. Order of locks: accounts, heads, book."""
    if change.status is None:
        return Applied(change.book, created=False, status=None)
    with connection.transaction():
        book_id, created = _book_of(connection, change.book, chart)
        known = connection.execute(MERCHANT, (book_id,)).fetchone()
        if known is not None and not place.follows(ChangePlace(*known[2:])):
            return Applied(change.book, created=False, status=None)
        _open_controls(connection, change)
        status_before = MerchantStatus(known[1]) if known is not None else None
        if change.status is not status_before:
            _enter(connection, book_id, change, place)
        connection.execute(KEEP, {
            "book_id": book_id, "merchant_id": change.merchant_id, "status": change.status.value, "topic": place.topic,
            "partition": place.partition, "incarnation": place.incarnation, "offset": place.offset,
        })  # fmt: skip
        return Applied(change.book, created, change.status if change.status is not status_before else None)


def _book_of(connection: psycopg.Connection[Any], code: str, chart: Mapping[str, object]) -> tuple[int, bool]:
    """The book's id, and whether it had to be created. A book that was opened by hand becomes the merchant's."""
    row = connection.execute(BOOK, (code,)).fetchone()
    if row is not None:
        return int(row[0]), False
    try:
        with connection.transaction():
            return create_book(connection, code, dict(chart)), True
    except BookExistsError:  # by another process, meanwhile
        row = connection.execute(BOOK, (code,)).fetchone()
        assert row is not None
        return int(row[0]), False


def _open_controls(connection: psycopg.Connection[Any], change: MerchantChanged) -> None:
    """By the book's own chart, whoever made it."""
    books = Books(connection)
    books.assets.load()
    book = books.find([change.book])[change.book]
    openings = [
        Opening(template.pattern.replace("{currency}", currency), currency, template)
        for currency in change.currencies
        for template in book.chart.controls.values()
        if "{currency}" in template.pattern
    ]
    if openings:
        open_accounts(connection, book, openings, books.assets)


def _enter(connection: psycopg.Connection[Any], book_id: int, change: MerchantChanged, place: ChangePlace) -> None:
    """The new status as an event of the book, and whether it takes postings."""
    assert change.status is not None
    said = {"merchant_id": change.merchant_id, "cause": [place.topic, place.partition, place.offset]}
    append_events(connection, book_id, [NewEvent(TYPE_OF_STATUS[change.status], orjson.dumps(said))])
    mode = "dropped" if change.status is MerchantStatus.DROPPED else "open"
    connection.execute(SET_MODE, {"mode": mode, "book_id": book_id})
