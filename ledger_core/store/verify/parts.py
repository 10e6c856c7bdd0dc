"""Refunds, settlements, payouts, transfers … against the steps in the log, as `subjects` does for payments.

What a part was told, the amounts of its steps and the places of its vouchers add up whatever their order. Equal sums
over events and over rows mean equal rows, short of a coincidence; different ones start the exact, slow comparison.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from zlib import crc32

import numpy as np
import orjson
import psycopg

from ledger_core.domain.cash import CashReceived, CashRefunded
from ledger_core.domain.commerce import CogsRecorded, InventoryAdjusted, SaleCompleted
from ledger_core.domain.legs import COMMISSION
from ledger_core.domain.marketplaces import DIRECT
from ledger_core.domain.originals import legs_said
from ledger_core.domain.parts import BITS, COUNTED, CUSTODY, MOST, STEPS, PartKind, Step
from ledger_core.domain.payments import CASH_ON_DELIVERY
from ledger_core.domain.stories import ID_OF
from ledger_core.domain.told_once import ONCE, Once
from ledger_core.domain.transfers import SweepRequested
from ledger_core.store.columns import Int64s
from ledger_core.store.named_sql import load_queries
from ledger_core.store.verify.lines import Document
from ledger_core.store.verify.report import Tally
from ledger_core.store.verify.snapshot import BookEnd
from ledger_core.store.verify.subjects import OrderKeys, amount_of

_STEPS: Final[Mapping[bytes, tuple[Step, str]]] = MappingProxyType({
    f"{step.name}.v1".encode(): (step, ID_OF[fact]) for fact, step in STEPS.items()
})  # fmt: skip
"""Upstream types that are steps, and which member of their state names the part."""

_AMOUNTS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({
    PartKind.REFUND.value: (0, 3, 5), PartKind.CHARGEBACK.value: (0, 2, 3), PartKind.SETTLEMENT.value: (0,),
    PartKind.PAYOUT.value: (0, 1), PartKind.FEE.value: (0,), PartKind.TRANSFER.value: (0, 1),
    PartKind.INFLOW.value: (0, 1), PartKind.MONITORING.value: (), PartKind.APPROVAL.value: (),
})  # fmt: skip
"""Steps that say the amount of their part."""
_USED: Final[Mapping[str, int]] = MappingProxyType({PartKind.SETTLEMENT.value: 0, PartKind.FEE.value: 3})
"""The step that says what is used: of a settlement its amount less its fee."""
_VOUCHERS: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType({
    PartKind.REFUND.value: (3, 5), PartKind.CHARGEBACK.value: (0, 3), PartKind.SETTLEMENT.value: (0, 2),
    PartKind.PAYOUT.value: (0, 1), PartKind.FEE.value: (0, 3), PartKind.TRANSFER.value: (1,),
    PartKind.INFLOW.value: (1,), PartKind.MONITORING.value: (), PartKind.APPROVAL.value: (),
})  # fmt: skip
"""Steps whose vouchers a part remembers: mirrors are the end of theirs."""
_COUNTED: Final[Mapping[bytes, tuple[PartKind, int, int]]] = MappingProxyType({
    b"drawer.opened.v1": (PartKind.DRAWER, 1, 0),
    b"drawer.closed.v1": (PartKind.DRAWER, 0, 1),
    b"payment.intent_created.v1": (PartKind.DELIVERY, 1, 0),
    b"payment.capture_failed.v1": (PartKind.ATTEMPT, 1, 0),
})  # fmt: skip
"""Upstream types that are only counted: in which kind of part, and what each adds to its two numbers."""
_ONCE: Final[Mapping[bytes, Once]] = MappingProxyType({
    f"{told_type}.v1".encode(): ONCE[fact]
    for told_type, fact in (
        ("sale.completed", SaleCompleted), ("cogs.recorded", CogsRecorded), ("inventory.adjusted", InventoryAdjusted),
        ("cash.received", CashReceived), ("cash.refunded", CashRefunded), ("sweep.requested", SweepRequested),
    )
})  # fmt: skip
"""Upstream types of what happens once."""
TOLD: Final = _STEPS.keys() | _COUNTED.keys() | _ONCE.keys()
"""Upstream types that say something of parts."""
_ON_DELIVERY: Final = f'"method":"{CASH_ON_DELIVERY}"'.encode()
_CONFIRMED: Final = b"settlement.confirmed.v1"
_OF_SETTLEMENT: Final = (_CONFIRMED, b"settlement.failed.v1", b"settlement.finality_failed.v1")
_WON: Final = b"chargeback.won.v1"
_MASK: Final = (1 << 64) - 1
_SPREAD: Final = 0x9E3779B97F4A7C15

COLUMNS: Final = 4
"""Told, amounts, used, places of vouchers."""


def _hash(order_key: str, kind: str, part_id: str) -> int:
    return crc32(f"{order_key}\0{kind}\0{part_id}".encode()) * _SPREAD


@dataclass(slots=True)
class PartSums:
    """For each column the sum over all parts of `value * hash(key)`, modulo 2^64."""

    sums: list[int] = field(default_factory=lambda: [0] * COLUMNS)
    counted: int = 0

    def take_events(
        self,
        order_keys: Sequence[str],
        positions: Sequence[int],
        kinds: Sequence[bytes],
        states: Sequence[bytes],
        references: Callable[[Int64s], Int64s],
    ) -> None:
        """Adds the steps among accepted outcomes; `references` tells the places (batch and ordinal) of positions."""
        for at, kind in enumerate(kinds):
            if kind in _COUNTED:
                self._count(order_keys[at], kind, states[at])
        steps = [place for place, kind in enumerate(kinds) if kind in _STEPS or kind in _ONCE]
        if not steps:
            return
        places = references(np.array([positions[at] for at in steps], dtype=np.int64)).tolist()
        for at, reference in zip(steps, places, strict=True):
            take = self._take_once if kinds[at] in _ONCE else self._take_event
            take(order_keys[at], kinds[at], states[at], reference)

    def _take_once(self, order_key: str, event_type: bytes, state: bytes, reference: int) -> None:
        kind, member = _ONCE[event_type]
        with suppress(ValueError, KeyError, TypeError):  # the sums then differ
            self.add(_hash(order_key, kind.value, str(orjson.loads(state)[member])), 0, 1, 0, reference)

    def _take_event(self, order_key: str, event_type: bytes, state: bytes, reference: int) -> None:
        step, member = _STEPS[event_type]
        kind = step.kind.value
        try:
            document = orjson.loads(state)
            part_id, fee_minor = str(document[member]), int(document.get("fee_minor", 0))
            posted = "lines" in document
        except (ValueError, KeyError, TypeError):
            return  # the sums then differ
        amount_minor = amount_of(document)
        used_minor = amount_minor - (fee_minor if kind == PartKind.SETTLEMENT else 0)
        self.add(
            _hash(order_key, kind, part_id),
            1 << BITS * step.number,
            amount_minor if step.number in _AMOUNTS[kind] else 0,
            used_minor if step.number == _USED.get(kind) else 0,
            reference if posted and step.number in _VOUCHERS[kind] else 0,
        )
        with suppress(ValueError, KeyError, TypeError):  # the sums then differ
            self._take_legs(order_key, event_type, document)

    def _take_legs(self, order_key: str, event_type: bytes, document: dict[str, Any]) -> None:
        """What a step of a split payment does to its legs, or brings the platform of it."""
        if event_type in _OF_SETTLEMENT:
            brought_minor, settlement_id = int(document.get(COMMISSION, 0)), str(document["settlement_id"])
            values = (brought_minor, 0) if event_type == _CONFIRMED else (0, brought_minor)
            self.add(_hash(order_key, PartKind.COMMISSION.value, settlement_id), 0, *values, 0)
            return
        self._add_legs(order_key, PartKind.LEG_BACK, document, -1 if event_type == _WON else 1)

    def _add_legs(self, order_key: str, kind: PartKind, document: Mapping[str, Any], times: int) -> None:
        commissions_minor = 0
        for leg in legs_said(document):
            amount_minor, commission_minor = int(leg["amount_minor"]), int(leg[COMMISSION])
            self.add(
                _hash(order_key, kind.value, leg["beneficiary"]), 0, times * amount_minor, times * commission_minor, 0
            )
            commissions_minor += commission_minor
        if document.get("platform_fee") == "kept":
            self.add(_hash(order_key, PartKind.KEPT.value, ""), 0, times * commissions_minor, 0, 0)

    def take_back(self, reversed_legs: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Takes out what requests reversed of split payments: order key and state of each such voucher."""
        for order_key, document in reversed_legs:
            captured = str(document["event_type"]).startswith("payment.captured.")
            self._add_legs(order_key, PartKind.LEG if captured else PartKind.LEG_BACK, document, -1)

    def _count(self, order_key: str, event_type: bytes, state: bytes) -> None:
        kind, times, closings = _COUNTED[event_type]
        if kind is PartKind.DELIVERY and _ON_DELIVERY not in state:
            return
        part_id = ""
        if kind is PartKind.ATTEMPT:
            try:
                part_id = str(orjson.loads(state)["effective_at"])
            except (ValueError, KeyError, TypeError):
                return  # the sums then differ
        self.add(_hash(order_key, kind.value, part_id), 0, times, closings, 0)

    def take_splits(self, order_keys: Sequence[str], documents: Sequence[Document]) -> None:
        """Adds captures that were split: their legs, and those in direct custody."""
        for order_key, document in zip(order_keys, documents, strict=True):
            if "split" not in document or "kind" not in document:
                continue
            try:
                direct = document["split"]["custody"] == DIRECT
                commission_minor = int(document["split"]["commission_minor"])
            except (ValueError, KeyError, TypeError):
                continue  # the sums then differ
            if direct:
                self.add(_hash(order_key, *CUSTODY), 0, amount_of(document), commission_minor, 0)
            with suppress(ValueError, KeyError, TypeError):  # the sums then differ
                self._add_legs(order_key, PartKind.LEG, document, 1)

    def take_row(self, key: tuple[str, str, str], told: int, amount_minor: int, used_minor: int, places: int) -> None:
        """Adds a row; `places` is the sum of those of its vouchers."""
        self.counted += 1
        times = 1 if key[1] in COUNTED else sum(told >> BITS * step & MOST for step in _AMOUNTS[key[1]])
        self.add(_hash(*key), told, amount_minor * times, used_minor, places)

    def add(self, hashed: int, *values: int) -> None:
        for column, value in enumerate(values):
            self.sums[column] = (self.sums[column] + hashed * value) & _MASK

    def join(self, later: "PartSums") -> None:
        self.sums = [(one + other) & _MASK for one, other in zip(self.sums, later.sums, strict=True)]


def check_parts(
    connection: psycopg.Connection[Any], book: BookEnd, events: PartSums, tally: Tally, keys: OrderKeys
) -> None:
    """Rows of one book against what its events added up to, of these order keys or all; and what all payments have had
    taken against their parts."""
    queries = load_queries("ledger_core.store.verify", "parts.sql")
    rows = PartSums()
    with connection.cursor(name="parts", binary=True) as cursor:
        cursor.itersize = 10_000
        cursor.execute(queries["parts"], {"book_id": book.book_id, "keys": keys})
        for order_key, kind, part_id, told, amount_minor, used_minor, places in cursor:
            rows.take_row((order_key, kind, part_id), told, amount_minor, used_minor, places)
    tally.count("parts", rows.counted)
    bad: tuple[Any, ...] | None = None
    parameters = {"book_id": book.book_id}
    try:
        with connection.transaction():
            events.take_back(connection.execute(queries["reversed_legs"], {**parameters, "keys": keys}).fetchall())
            if rows.sums != events.sums:
                bad = connection.execute(queries["first_bad_part"], parameters).fetchone() or ("(unknown)",)
            bad = bad or connection.execute(queries["first_bad_taken"], parameters).fetchone()
            bad = bad or connection.execute(queries["first_bad_custody"], parameters).fetchone()
            bad = bad or connection.execute(queries["first_bad_split"], parameters).fetchone()
    except psycopg.DataError:  # a state that is no JSON, which the Merkle roots name
        bad = ("(unknown)",)
    if bad is not None:
        tally.bad("parts", f"book {book.code}: {bad[0]}")
