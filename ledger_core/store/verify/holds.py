"""Holds against the sum of their events, by sums that do not depend on their order, as `subjects` does for payments.

Every event of a hold says in its member `hold` what it did. Equal sums over events and over rows mean equal rows, short
of a coincidence; different ones start the exact, slow comparison.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zlib import crc32

import numpy as np
import psycopg
from numpy.typing import NDArray

from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd
from ledger_core.store.verify.subjects import OrderKeys, amount_of

HOLD_EXPIRED: Final = "hold.expired"
COLUMNS: Final = (
    "amount", "captured", "released", "tolerance", "expires_us", "account", "currency", "side", "placed", "closed",
    "closed_by",
)  # fmt: skip
CLOSED_BY: Final[Mapping[str, int]] = {"CAPTURED": 1, "RELEASED": 2, "EXPIRED": 3}
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


def _zeros() -> NDArray[np.uint64]:
    return np.zeros(len(COLUMNS), dtype=np.uint64)


@dataclass(slots=True)
class HoldSums:
    """For each column the sum over all holds of `value * hash(hold id)`, modulo 2^64."""

    sums: NDArray[np.uint64] = field(default_factory=_zeros)
    counted: int = 0

    def take_events(self, hold_ids: Sequence[str], positions: Sequence[int], documents: Sequence[Document]) -> None:
        """Adds what those of these events did that are about holds. What can't be read counts as nothing, so that the
        sums differ."""
        told = [
            (hold_id, _values(position, amount_of(document), document))
            for hold_id, position, document in zip(hold_ids, positions, documents, strict=True)
            if isinstance(document.get("hold"), dict)
        ]
        if told:
            self.counted += sum(
                document["hold"].get("status") == "PLACED" for document in documents if "hold" in document
            )
            ids, rows = zip(*told, strict=True)
            self._add(ids, np.array(rows, dtype=np.int64).T)

    def take_rows(self, hold_ids: Sequence[str], columns: Sequence[Int64s]) -> None:
        """Adds rows; `columns` in the order of `COLUMNS`."""
        self.counted += len(hold_ids)
        self._add(hold_ids, columns)

    def _add(self, hold_ids: Sequence[str], columns: Iterable[Int64s]) -> None:
        hashes = np.fromiter(map(_hash, hold_ids), dtype=np.uint64, count=len(hold_ids)) * _SPREAD
        # Unsigned columns wrap around in silence (single numbers would warn): sums modulo 2^64.
        for column, values in enumerate(columns):
            self.sums[column : column + 1] += np.sum(hashes * values.astype(np.int64).view(np.uint64), dtype=np.uint64)


def _values(position: int, amount_minor: int, document: Document) -> list[int]:
    """What one event adds, in the order of `COLUMNS`."""
    said = document["hold"]
    status = str(said.get("status"))
    if status == "PLACED":
        account, currency = _hash(str(said.get("account"))), _hash(str(document.get("currency")))
        terms = (_number(said.get("tolerance_bps")), _time(said), account, currency, _side(str(said.get("side"))))
        return [amount_minor, 0, 0, *terms, position, 0, 0]
    closed_by = CLOSED_BY.get(status, 0)
    released_minor = _number(said.get("released_minor"))
    return [0, amount_minor, released_minor, 0, 0, 0, 0, 0, 0, position if closed_by else 0, closed_by]


def _each(number: Callable[[str], int], texts: Sequence[str]) -> Int64s:
    return np.fromiter(map(number, texts), dtype=np.int64, count=len(texts))


def _hash(text: str) -> int:
    return crc32(text.encode())


def _side(text: str) -> int:
    return 1 if text == "D" else 2


def _number(value: object) -> int:
    try:
        number = int(str(value or 0))
    except ValueError:
        return 0
    return number if abs(number) < 2**63 else 0


def _time(said: Mapping[str, Any]) -> int:
    """Microseconds since 1970 of the expiry, 0 for none."""
    text = said.get("expires_at")
    try:
        return int(np.datetime64(str(text).removesuffix("Z"), "us").astype(np.int64)) if text else 0
    except ValueError:
        return 0


def check_holds(
    connection: psycopg.Connection[Any], book: BookEnd, events: HoldSums, tally: Tally, keys: OrderKeys
) -> None:
    """Rows of one book against what its events added up to, of these order keys or all; and what is held of all
    accounts against the rows."""
    queries = load_queries("ledger_core.store.verify", "holds.sql")
    rows = HoldSums()
    parameters = {"book_id": book.book_id}
    with connection.cursor(name="holds", binary=True) as cursor:
        cursor.itersize = 1
        cursor.execute(queries["holds"], {**parameters, "keys": keys})
        for hold_ids, accounts, currencies, sides, statuses, *numbers in cursor:
            amount, captured, released, tolerance, expires, placed, closed = numbers
            columns = [
                amount, captured, released, tolerance, expires, _each(_hash, accounts), _each(_hash, currencies),
                _each(_side, sides), placed, closed, _each(lambda status: CLOSED_BY.get(status, 0), statuses),
            ]  # fmt: skip
            rows.take_rows(hold_ids, columns)
    tally.count("holds", rows.counted)
    if not np.array_equal(rows.sums, events.sums):
        try:
            with connection.transaction():
                row = connection.execute(queries["first_bad_hold"], parameters).fetchone()
        except psycopg.DataError:  # a state that is no JSON, which the Merkle roots name
            row = None
        tally.bad("holds", f"book {book.code}: hold {row[0] if row else '(unknown)'}")
    accounts_held, first = connection.execute(queries["held_amounts"], parameters).fetchone() or (0, None)
    tally.count("held_amounts", accounts_held)
    if first is not None:
        tally.bad("held_amounts", f"book {book.code}: account {first}")
