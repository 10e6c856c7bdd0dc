"""Holds in the posting transaction: read under the lock of their subjects, written once positions are known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import psycopg

from ledger_core.domain.cases import Head, HeadKey, SubjectKey
from ledger_core.domain.holds import Hold, HoldStatus, HoldTerms
from ledger_core.domain.vouchers import Side
from ledger_core.store.appender import instant
from ledger_core.store.errors import CorruptionError, HoldsDueError
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "holds.sql")

ORDINAL: Final = (1 << 16) - 1
"""The ordinal in a log reference: what stands above it is the batch."""
ACCOUNT: Final = (1 << 32) - 1
"""The account id in the key of a head: what stands above it is the book."""


def key_columns(keys: Iterable[SubjectKey]) -> dict[str, list[int] | list[str]]:
    """Keys as two parameters, sorted."""
    ordered = sorted(keys)
    return {"books": [book_id for book_id, _ in ordered], "keys": [key for _, key in ordered]}


class HoldRows:
    """Holds of locked order keys. `known` is what decisions read and change, and add to."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor
        self._stored: dict[SubjectKey, Hold] = {}
        self._pending: dict[HeadKey, tuple[int, int]] = {}
        self.known: dict[SubjectKey, Hold] = {}

    def read(self, keys: Sequence[SubjectKey], moment: datetime) -> None:
        """Reads holds whose subjects are locked. Raises `HoldsDueError` for those whose time had come by `moment`."""
        parameters = {**key_columns(keys), "moment": moment}
        due: list[SubjectKey] = []
        for book_id, hold_id, *columns, is_due in self._cursor.execute(QUERIES["locked_holds"], parameters):
            self.known[book_id, hold_id] = hold = hold_of(book_id, columns)
            self._stored[book_id, hold_id] = replace(hold)
            if is_due:
                due.append((book_id, hold_id))
        if due:
            raise HoldsDueError(due, moment)

    @property
    def stored_heads(self) -> list[HeadKey]:
        """Accounts of the holds that were read."""
        return [hold.head for hold in self._stored.values()]

    def read_pending(self, heads: Mapping[HeadKey, Head]) -> None:
        """Fills in what is held of these accounts, whose heads are locked."""
        keys = sorted(heads)
        parameters = {"books": [key >> 32 for key in keys], "accounts": [key & ACCOUNT for key in keys]}
        for book_id, account_id, debits, credits in self._cursor.execute(QUERIES["pending"], parameters):
            key = book_id << 32 | account_id
            head = heads[key]
            head.debits_pending_minor, head.credits_pending_minor = self._pending[key] = debits, credits

    def moved(self, heads: Mapping[HeadKey, Head]) -> dict[HeadKey, Head]:
        """Heads of which something else is held than before."""
        return {
            key: heads[key]
            for key, pending in self._pending.items()
            if pending != (heads[key].debits_pending_minor, heads[key].credits_pending_minor)
        }

    def write(self, first_positions: Mapping[int, int]) -> None:
        """Writes what decisions placed and changed; the positions are those of the first event of each book."""
        placed = sorted(key for key in self.known if key not in self._stored)
        changed = sorted(key for key, stored in self._stored.items() if self.known[key] != stored)
        if placed:
            holds = [self.known[key] for key in placed]
            self._execute("insert_holds", placed, {
                **_state_columns(placed, holds, first_positions),
                "accounts": [hold.head & ACCOUNT for hold in holds],
                "assets": [hold.asset_id for hold in holds],
                "sides": [hold.terms.side for hold in holds],
                "amounts": [hold.amount_minor for hold in holds],
                "tolerances": [hold.tolerance_bps for hold in holds],
                "expires_at": [None if h.expires_at_us is None else instant(h.expires_at_us) for h in holds],
                "placed": [
                    first_positions[book_id] + (hold.placed_reference & ORDINAL)
                    for (book_id, _), hold in zip(placed, holds, strict=True)
                ],
            })  # fmt: skip
        if changed:
            holds = [self.known[key] for key in changed]
            self._execute("update_holds", changed, _state_columns(changed, holds, first_positions))

    def _execute(self, query: str, keys: Sequence[SubjectKey], parameters: Mapping[str, object]) -> None:
        if self._cursor.execute(QUERIES[query], parameters).rowcount != len(keys):
            raise CorruptionError("a hold is missing: run verify")


def update_held_heads(cursor: psycopg.Cursor[Any], heads: Mapping[HeadKey, Head]) -> None:
    """Writes heads as they are now, with what is held of them."""
    keys = sorted(heads)
    rows = [heads[key] for key in keys]
    parameters = {
        "books": [key >> 32 for key in keys],
        "accounts": [key & ACCOUNT for key in keys],
        "sequences": [head.posting_sequence for head in rows],
        "debits": [head.debits_minor for head in rows],
        "credits": [head.credits_minor for head in rows],
        "debits_pending": [head.debits_pending_minor for head in rows],
        "credits_pending": [head.credits_pending_minor for head in rows],
    }
    if cursor.execute(QUERIES["update_heads"], parameters).rowcount != len(keys):
        raise CorruptionError("an account has no head: run verify")


def hold_of(book_id: int, columns: Sequence[Any]) -> Hold:
    """A hold from its row, as `locked_holds` reads it."""
    account_id, account, side, asset_id, asset, amount, tolerance, captured, released, status, expires_at_us = columns
    return Hold(
        head=book_id << 32 | account_id, asset_id=asset_id, terms=HoldTerms(account, _side(side), asset),
        amount_minor=amount, tolerance_bps=tolerance, expires_at_us=expires_at_us, captured_minor=captured,
        released_minor=released, status=HoldStatus(status),
    )  # fmt: skip


def _side(text: str) -> Side:
    return "D" if text == "D" else "C"


def _state_columns(
    keys: Sequence[SubjectKey], holds: Sequence[Hold], first_positions: Mapping[int, int]
) -> dict[str, list[Any]]:
    """What changes of holds, with their keys. Any: columns of several types."""
    return {
        **key_columns(keys),
        "captured": [hold.captured_minor for hold in holds],
        "released": [hold.released_minor for hold in holds],
        "statuses": [hold.status.value for hold in holds],
        "closed": [
            first_positions[book_id] + (hold.closed_reference & ORDINAL) if hold.closed_reference else 0
            for (book_id, _), hold in zip(keys, holds, strict=True)
        ],
    }
