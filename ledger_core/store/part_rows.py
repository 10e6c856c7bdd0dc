"""Rows of refunds, settlements, payouts, transfers …: read once their subjects are locked, and written back.

A batch without any of them comes here for nothing. What was never told is not there, and is a new part.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ledger_core.domain.cases import PartKey, SubjectKey
from ledger_core.domain.custody import FOLLOWS
from ledger_core.domain.life_cycles import LIFE_CYCLES, life_cycle_of
from ledger_core.domain.originals import VoucherKey
from ledger_core.domain.part_life import REFERS, key_of
from ledger_core.domain.parts import OF_PAYMENT, OF_SPLIT, Part, PartKind
from ledger_core.domain.payments import PaymentCaptured, PaymentVoided, SplitCaptured
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.stories import (
    ChargebackWon,
    SettlementConfirmed,
    SettlementFailed,
    SettlementFinalityConfirmed,
    SettlementFinalityFailed,
)
from ledger_core.domain.subjects import PARTS, SPLIT, Subject
from ledger_core.domain.transfers import STEP_FACTS
from ledger_core.store.exchange_rows import ExchangeRows
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries
from ledger_core.store.subject_rows import key_columns
from ledger_core.store.transaction import Transaction

QUERIES = load_queries("ledger_core.store", "parts.sql")


_ABOUT_LEGS = (
    SplitCaptured,
    *FOLLOWS,
    ChargebackWon,
    SettlementConfirmed,
    SettlementFailed,
    SettlementFinalityConfirmed,
    SettlementFinalityFailed,
    VoidRequested,
)
"""Facts that read or change the legs of their payment."""


class PartRows:
    """Parts under the locks of their subjects. `known` is what decisions read and change."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._stored: dict[PartKey, Part] = {}
        self.known: dict[PartKey, Part] = {}
        self.legs: dict[SubjectKey, set[PartKey]] = {}
        """Of split payments: which of them say how."""
        self.exchanges = ExchangeRows(transaction.cursor)
        """Of payments across currencies, besides."""

    def read(self, items: Sequence[Item], subjects: Mapping[SubjectKey, Subject]) -> None:
        """The parts that these items, parked ones included, are about."""
        self.exchanges.read(subjects)
        wanted = sorted(set(_wanted(items, subjects)))
        if wanted:
            self._take(self._transaction.cursor.execute(QUERIES["parts"], _key_columns(wanted)).fetchall())
        reversals = {item.subject_key for item in items if isinstance(item.fact, VoidRequested)}
        if reversals:
            self._take(self._transaction.cursor.execute(QUERIES["parts_to_reverse"], key_columns(reversals)).fetchall())
        split = _split_keys(items, subjects)
        if split:
            self._take(self._transaction.cursor.execute(QUERIES["legs"], key_columns(split)).fetchall())
            for key in self.known:
                if key[2] in OF_SPLIT:
                    self.legs.setdefault(key[:2], set()).add(key)
        whole = {item.subject_key for item in items if isinstance(item.fact, STEP_FACTS)}
        whole |= captured_in_parts(items, subjects)
        if whole:
            self._take(self._transaction.cursor.execute(QUERIES["parts_of_keys"], key_columns(whole)).fetchall())

    def _take(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id, vouchers = row
            part = Part(told, amount_minor, used_minor, asset_id, vouchers.tolist())
            key = (book_id, order_key, kind, part_id)
            if key in self.known:
                continue
            self.known[key] = part
            self._stored[key] = replace(part, vouchers=list(part.vouchers))

    def first_told(self, items: Sequence[Item]) -> dict[PartKey, str]:
        """Of what is told again: the id of the event that told it first."""
        keys = {once(item) for item in items if (once := life_cycle_of(item.fact).once) is not None}
        known = sorted(keys & self._stored.keys())
        if not known:
            return {}
        parameters = {
            "books": [key[0] for key in known],
            "references": [self._stored[key].vouchers[0] for key in known],
        }
        rows = self._transaction.cursor.execute(QUERIES["first_told"], parameters).fetchall()
        return {known[place - 1]: event_id for place, event_id in rows}

    def referred_to(self, items: Sequence[Item], subjects: Mapping[SubjectKey, Subject]) -> list[VoucherKey]:
        """Vouchers in the log that these items may take back, or are compared with; and those of the refunds of
        payments that several accounts may have paid."""
        steps = [
            (item.book.book_id, reference)
            for item in items
            if isinstance(item.fact, REFERS) and (part := self.known.get(key_of(item))) is not None
            for reference in part.vouchers
        ]
        asked = captured_in_parts(items, subjects)
        return steps + [
            (book_id, reference)
            for (book_id, order_key, kind, _), part in self.known.items()
            if asked and kind == PartKind.REFUND and (book_id, order_key) in asked
            for reference in part.vouchers
        ]

    def write(self) -> None:
        """Writes what decisions changed, and only that."""
        self.exchanges.write()
        changed = sorted(key for key, part in self.known.items() if part != self._stored.get(key))
        if not changed:
            return
        parts = [self.known[key] for key in changed]
        parameters = {
            **_key_columns(changed),
            "told": [part.told for part in parts],
            "amounts": [part.amount_minor for part in parts],
            "used": [part.used_minor for part in parts],
            "assets": [part.asset_id for part in parts],
            "vouchers": ["{" + ",".join(map(str, part.vouchers)) + "}" for part in parts],
        }
        self._transaction.cursor.execute(QUERIES["write_parts"], parameters)


def _wanted(items: Sequence[Item], subjects: Mapping[SubjectKey, Subject]) -> Iterable[PartKey]:
    for item in items:
        fact = item.fact
        life = LIFE_CYCLES.get(type(fact))
        if life is not None and life.counted_in is not None:
            yield life.counted_in(item)
        if life is not None and life.once is not None:
            yield life.once(item)
        if life is not None and life.has_part:
            yield key_of(item)
        elif not isinstance(fact, PaymentVoided):
            continue
        subject = subjects.get(item.subject_key)
        if subject is not None and subject.marks & PARTS:
            yield (*item.subject_key, *OF_PAYMENT)


def _split_keys(items: Iterable[Item], subjects: Mapping[SubjectKey, Subject]) -> set[SubjectKey]:
    """Order keys of split payments whose legs matter to these items."""
    return {
        item.subject_key
        for item in items
        if isinstance(item.fact, _ABOUT_LEGS)
        and (subject := subjects.get(item.subject_key)) is not None
        and subject.marks & SPLIT
    }


def captured_in_parts(items: Sequence[Item], subjects: Mapping[SubjectKey, Subject]) -> set[SubjectKey]:
    """Order keys of payments with several captures, of which something goes back: each may come from elsewhere."""
    asked = {item.subject_key for item in items if isinstance(item.fact, (*FOLLOWS, VoidRequested))}
    if not asked:
        return asked
    counts = Counter(item.subject_key for item in items if isinstance(item.fact, PaymentCaptured))
    counts.update({key: len(subjects[key].captures) for key in asked if key in subjects})
    return {key for key in asked if counts[key] > 1}


def _key_columns(keys: Sequence[PartKey]) -> dict[str, Sequence[object]]:
    books, order_keys, kinds, ids = zip(*keys, strict=True)
    return {"books": list(books), "keys": list(order_keys), "kinds": list(kinds), "ids": list(ids)}
