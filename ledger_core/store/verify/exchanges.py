"""Payments across currencies against the log: what was paid and credited, and what of both went back.

As for parts: sums that do not depend on the order of events, and the slow comparison only where they differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from zlib import crc32

import psycopg

from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd
from ledger_core.store.verify.subjects import OrderKeys, amount_of

_CAPTURED: Final = "payment.captured.v1"
_BY_REQUEST: Final = "voucher.void_requested.v1"
_MOVES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType({
    _CAPTURED: (0, 1),
    "payment.refunded.v1": (1, 1), "refund.completed.v1": (1, 1), "chargeback.opened.v1": (1, 1),
    "chargeback.won.v1": (1, -1),
})  # fmt: skip
"""Upstream types that move something: came (0) or went back (1), and whether that rises or falls."""
_MASK: Final = (1 << 64) - 1
_SPREAD: Final = 0x9E3779B97F4A7C15
COLUMNS: Final = 4
"""Paid, credited, both back."""


@dataclass(slots=True)
class ExchangeSums:
    """For each column the sum over all payments of `amount * hash(order key and currency)`, modulo 2^64."""

    sums: list[int] = field(default_factory=lambda: [0] * COLUMNS)
    counted: int = 0

    def take_events(self, order_keys: Sequence[str], documents: Sequence[Document]) -> None:
        """Adds accepted events that say what they moved in another currency."""
        for order_key, document in zip(order_keys, documents, strict=True):
            if "exchanged" not in document or "kind" not in document:
                continue
            try:
                self._take(order_key, document)
            except (ValueError, KeyError, TypeError, IndexError):
                continue  # the sums then differ

    def _take(self, order_key: str, document: Document) -> None:
        event_type, times = str(document["event_type"]), 1
        if event_type == _BY_REQUEST:
            event_type, times = str(document["reverses"][0]["event_type"]), -1
        if event_type not in _MOVES:
            return
        back, sign = _MOVES[event_type]
        said = document["exchanged"]
        amounts = (sign * times * amount_of(document), sign * times * int(said["amount_minor"]))
        self._add(order_key, said["currency"], (*amounts, 0, 0) if not back else (0, 0, *amounts))

    def take_row(self, order_key: str, currency: str, amounts: Sequence[int]) -> None:
        self.counted += 1
        self._add(order_key, currency, amounts)

    def _add(self, order_key: str, currency: str, amounts: Sequence[int]) -> None:
        hashed = crc32(f"{order_key}\0{currency}".encode()) * _SPREAD
        self.sums = [(known + hashed * amount) & _MASK for known, amount in zip(self.sums, amounts, strict=True)]

    def join(self, later: "ExchangeSums") -> None:
        self.sums = [(one + other) & _MASK for one, other in zip(self.sums, later.sums, strict=True)]


def check_exchanges(
    connection: psycopg.Connection[Any], book: BookEnd, events: ExchangeSums, tally: Tally, keys: OrderKeys
) -> None:
    """Rows of one book against what its events added up to, of these order keys or all."""
    queries = load_queries("ledger_core.store.verify", "exchanges.sql")
    rows = ExchangeSums()
    with connection.cursor(name="exchanges", binary=True) as cursor:
        cursor.itersize = 10_000
        cursor.execute(queries["exchanges"], {"book_id": book.book_id, "keys": keys})
        for order_key, currency, *amounts in cursor:
            rows.take_row(order_key, currency, amounts)
    tally.count("exchanges", rows.counted)
    bad: tuple[Any, ...] | None = None
    try:
        with connection.transaction():
            if rows.sums != events.sums:
                bad = connection.execute(queries["first_bad_exchange"], {"book_id": book.book_id}).fetchone()
                bad = bad or ("(unknown)",)
            bad = bad or connection.execute(queries["first_bad_mark"], {"book_id": book.book_id}).fetchone()
    except psycopg.DataError:  # a state that is no JSON, which the Merkle roots name
        bad = ("(unknown)",)
    if bad is not None:
        tally.bad("exchanges", f"book {book.code}: order key {bad[0]}")
