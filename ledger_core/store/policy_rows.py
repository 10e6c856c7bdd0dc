"""What the policies of books ask to be read, on the exact path: when attempts failed, and what refunds may draw on.

A batch of books without such a policy comes here for nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ledger_core.domain.cases import Head, HeadKey, Locked, Movement
from ledger_core.domain.limits import DENY, NO_LIMITS, Policy
from ledger_core.domain.payment_policy import PaymentPolicy
from ledger_core.domain.payments import PaymentCaptured, PaymentRefunded
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.stories import RefundCompleted
from ledger_core.domain.vouchers import Purpose, Side
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries
from ledger_core.store.subject_rows import key_columns
from ledger_core.store.transaction import Transaction

QUERIES: Final = load_queries("ledger_core.store", "policies.sql")
_REFUNDS: Final = (PaymentRefunded, RefundCompleted)


def read_policies(
    transaction: Transaction, items: Sequence[Item], locked: Locked, by_legs: Mapping[HeadKey, Side]
) -> None:
    """Fills `locked` with the policies of these items' books, and with what they ask about; `by_legs` are accounts that
    refunds may take from though they do not name them."""
    locked.cash_policies = {
        item.book.book_id: item.book.chart.cash for item in items if isinstance(item.fact, VoidRequested)
    }
    locked.policies = policies = _policies(items)
    if not policies:
        return
    captures = {
        item.subject_key
        for item in items
        if isinstance(item.fact, PaymentCaptured) and item.book.chart.payments.attempts_apart_minutes
    }
    if captures:
        for book_id, order_key, at in transaction.cursor.execute(QUERIES["attempts"], key_columns(captures)).fetchall():
            at_us = int(np.datetime64(at.removesuffix("Z"), "us").astype(np.int64))
            locked.attempts.setdefault((book_id, order_key), []).append(at_us)
    bearing: dict[HeadKey, Side] = {
        movement.head: locked.heads[movement.head].normal_side
        if movement.head < 0
        else item.book.accounts[movement.line.account].normal_side
        for item in items
        if isinstance(item.fact, _REFUNDS) and item.book.chart.payments.refunds_covered
        for movement in item.movements
        if _bears(movement)
    }
    bearing.update(by_legs)
    if bearing:
        _read_floors(transaction, bearing, locked)
    _read_orders(transaction, items, locked)


def _policies(items: Sequence[Item]) -> dict[int, PaymentPolicy]:
    books = {item.book.book_id: item.book for item in items}
    return {book_id: book.chart.payments for book_id, book in books.items() if book.chart.payments.asks}


def _bears(movement: Movement) -> bool:
    return movement.line.side == "D" and movement.line.purpose == Purpose.SELLER_SHARE


def _read_floors(transaction: Transaction, sides: Mapping[HeadKey, Side], locked: Locked) -> None:
    """How far down refunds may draw on each account; one that may be overdrawn has no floor."""
    for key in sides:
        if key < 0:  # it is not open: as it would begin
            limits = locked.heads[key].limits or NO_LIMITS
            locked.floors[key] = _floor_minor(limits.minimum_minor, limits.policy) if sides[key] == "C" else None
    ordered = sorted(key for key in sides if key > 0)
    parameters = {"books": [key >> 32 for key in ordered], "accounts": [key & 0xFFFFFFFF for key in ordered]}
    rows = transaction.cursor.execute(QUERIES["floors"], parameters).fetchall()
    for book_id, account_id, minimum_minor, policy, debits_pending, credits_pending in rows:
        key = book_id << 32 | account_id
        head: Head = locked.heads[key]
        head.normal_side = sides[key]
        head.debits_pending_minor, head.credits_pending_minor = debits_pending, credits_pending
        # What a refund debits of an account with debit balance does not lower it.
        locked.floors[key] = _floor_minor(minimum_minor, policy) if sides[key] == "C" else None


def _read_orders(transaction: Transaction, items: Sequence[Item], locked: Locked) -> None:
    """What orders hold in suspense that refunds draw on; nothing of an account that is not open."""
    locked.of_orders = dict.fromkeys(
        (
            (movement.head, item.subject_key[1])
            for item in items
            if isinstance(item.fact, _REFUNDS) and item.book.chart.payments.refunds_covered
            for movement in item.movements
            if movement.keyed and movement.line.purpose == Purpose.SUSPENSE
        ),
        0,
    )
    asked = sorted(key for key in locked.of_orders if key[0] > 0)
    if asked:
        parameters = {
            "books": [head >> 32 for head, _ in asked],
            "accounts": [head & 0xFFFFFFFF for head, _ in asked],
            "keys": [order_key for _, order_key in asked],
        }
        for book_id, account_id, key, minor in transaction.cursor.execute(QUERIES["of_orders"], parameters).fetchall():
            locked.of_orders[book_id << 32 | account_id, key] = minor


def _floor_minor(minimum_minor: int | None, policy: Policy) -> int | None:
    """Zero, but for accounts whose limits name an overdraft: down to it where they deny more, else for ever."""
    if minimum_minor is None or (policy != DENY and minimum_minor >= 0):
        return 0
    return minimum_minor if policy == DENY else None
