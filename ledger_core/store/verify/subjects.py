"""What is known of each payment against the sum of its events, by sums that do not depend on their order.

For each column the sum over all payments of `amount * hash(order key)`, modulo 2^64, is made twice: over events and
over rows. Equal sums mean equal rows, short of a coincidence; different ones start the exact, slow comparison.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, Final
from zlib import crc32

import numpy as np
import psycopg
from numpy.typing import NDArray

from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd

KINDS: Final = (
    b"payment.authorized.v1", b"payment.captured.v1", b"payment.refunded.v1", b"payment.voided.v1",
    b"payment.failed.v1", b"payment.authorization_expired.v1",
)  # fmt: skip
"""Upstream events that subjects remember, in the order of the columns; one more holds places of captures."""

CAPTURE: Final = KINDS.index(b"payment.captured.v1")
REFUND: Final = KINDS.index(b"payment.refunded.v1")
VOID: Final = KINDS.index(b"payment.voided.v1")
"""From here on a column counts."""
COLUMN_OF: Final = {kind: column for column, kind in enumerate(KINDS)} | {b"refund.completed.v1": REFUND}

OrderKeys = Sequence[str] | None
"""Those that rows are compared of; None for all."""

_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


def _hashes(order_keys: Sequence[str]) -> NDArray[np.uint64]:
    hashed = np.fromiter(map(crc32, map(str.encode, order_keys)), dtype=np.uint64, count=len(order_keys))
    return hashed * _SPREAD


def _zeros() -> NDArray[np.uint64]:
    return np.zeros(len(KINDS) + 1, dtype=np.uint64)


@dataclass(slots=True)
class SubjectSums:
    """Sums per column: authorised, captured, refunded, voided, failed, expired, and places of captures."""

    sums: NDArray[np.uint64] = field(default_factory=_zeros)
    counted: int = 0

    def take_events(
        self,
        order_keys: Sequence[str],
        positions: Sequence[int],
        kinds: Sequence[bytes],
        amounts_minor: Sequence[int],
        references: Callable[[Int64s], Int64s],
    ) -> None:
        """Add outcomes; `references` tells the places (batch and ordinal) of positions."""
        remembered = [kind in COLUMN_OF for kind in kinds]
        hashes = _hashes(list(compress(order_keys, remembered)))
        kind = np.fromiter(map(COLUMN_OF.__getitem__, compress(kinds, remembered)), dtype=np.int64, count=len(hashes))
        amounts = np.fromiter(compress(amounts_minor, remembered), dtype=np.int64, count=len(hashes))
        amounts[kind >= VOID] = 1
        self.counted += len(hashes)
        for column in range(len(KINDS)):
            chosen = kind == column
            self._add(column, hashes[chosen], amounts[chosen])
        captured = kind == CAPTURE
        places = np.fromiter(compress(positions, remembered), dtype=np.int64, count=len(hashes))[captured]
        if len(places):
            self._add(len(KINDS), hashes[captured], references(places))

    def take_kind(self, kind: bytes, order_keys: Sequence[str], amounts_minor: Int64s, places: Int64s) -> None:
        """Add outcomes that all answer one kind of upstream event; `places` are their references."""
        column = COLUMN_OF.get(kind)
        if column is None:
            return
        hashes = _hashes(order_keys)
        self.counted += len(hashes)
        self._add(column, hashes, np.ones_like(amounts_minor) if column >= VOID else amounts_minor)
        if column == CAPTURE:
            self._add(len(KINDS), hashes, places)

    def take_back(self, reversed_rows: Sequence[tuple[str, str, int, int]]) -> None:
        """Takes out what requests reversed: order key, event type, amount and place of each reversed voucher."""
        for order_key, event_type, amount_minor, reference in reversed_rows:
            hashed = _hashes([order_key])
            if event_type.startswith("payment.captured."):
                self._add(CAPTURE, hashed, np.array([-amount_minor], dtype=np.int64))
                self._add(len(KINDS), hashed, np.array([-reference], dtype=np.int64))
            elif event_type.startswith("payment.refunded."):
                self._add(REFUND, hashed, np.array([-amount_minor], dtype=np.int64))

    def take_rows(self, order_keys: Sequence[str], columns: Sequence[Int64s]) -> None:
        hashes = _hashes(order_keys)
        self.counted += len(hashes)
        for column, values in enumerate(columns):
            self._add(column, hashes, values)

    def _add(self, column: int, hashes: NDArray[np.uint64], values: Int64s) -> None:
        # Unsigned columns wrap around in silence (single numbers would warn): sums modulo 2^64.
        self.sums[column : column + 1] += np.sum(hashes * values.view(np.uint64), dtype=np.uint64)


def amount_of(document: dict[str, Any]) -> int:
    """Amount of a decoded state; 0 for what is no amount: the sums then differ, and the exact comparison finds it."""
    try:
        amount = int(document["amount_minor"])
    except (KeyError, TypeError, ValueError):  # a void may have none
        return 0
    return amount if abs(amount) < 2**63 else 0


def sum_rows(connection: psycopg.Connection[Any], book_id: int, keys: OrderKeys) -> SubjectSums:
    """The sums over the rows of one book; of these order keys, or all."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    rows = SubjectSums()
    with connection.cursor(name="subjects", binary=True) as cursor:
        cursor.itersize = 1
        cursor.execute(queries["subjects"], {"book_id": book_id, "keys": keys})
        for order_keys, *columns in cursor:
            rows.take_rows(order_keys, columns)
    return rows


def check_subjects(
    connection: psycopg.Connection[Any],
    book: BookEnd,
    events: SubjectSums,
    tally: Tally,
    keys: OrderKeys,
    rows: SubjectSums | None = None,
) -> None:
    """Rows of one book against what its events added up to; of these order keys, or all. `rows` is their sum where that
    is known already."""
    queries = load_queries("ledger_core.store.verify", "checks.sql")
    rows = sum_rows(connection, book.book_id, keys) if rows is None else rows
    parameters = {"book_id": book.book_id, "keys": keys}
    tally.count("subjects", rows.counted)
    try:
        with connection.transaction():
            events.take_back(connection.execute(queries["reversed_of_payments"], parameters).fetchall())
    except psycopg.DataError as error:  # a state that is no JSON, which the Merkle roots name
        tally.bad("subjects", f"book {book.code}: a reversed voucher can't be read: {error.diag.message_primary}")
    if np.array_equal(rows.sums, events.sums):
        return
    try:
        with connection.transaction():
            row = connection.execute(queries["first_bad_subject"], parameters).fetchone()
    except psycopg.DataError:  # a state that is no JSON, which the Merkle roots name
        row = None
    tally.bad("subjects", f"book {book.code}: order key {row[0] if row else '(unknown)'}")
