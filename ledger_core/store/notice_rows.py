"""Notices on the exact path: read before the heads are locked, looked at again under the book's lock.

Whoever tells a notice holds its book, too: one that is the last under our lock stands before us in the log. A batch
that decides on none comes here for nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ledger_core.domain.chart_reading import CONTROL_PREFIX
from ledger_core.domain.notices import NOTICE_FACTS, UNTOLD, Notice, NoticeKey, NoticeName, profile_of, verification_of
from ledger_core.domain.payments import PayoutPaid, SplitCaptured
from ledger_core.domain.stories import PayoutRequested
from ledger_core.domain.transfers import TransferSettled
from ledger_core.store.errors import SurpriseError
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "notices.sql")


class NoticeRows:
    """`known` is what decisions read and change."""

    def __init__(self, cursor: psycopg.Cursor[Any], keys: Sequence[NoticeKey]) -> None:
        self._cursor = cursor
        self._keys = keys
        self.known: dict[NoticeKey, Notice] = {}
        for book_id, kind, key, revision, said in cursor.execute(QUERIES["last_notices"], _columns(keys)).fetchall():
            self.known[book_id, kind, key] = Notice(revision, said)
        self._read = dict(self.known)
        self._written: Sequence[tuple[NoticeKey, Notice]] = ()

    def write(self, told: Sequence[tuple[NoticeKey, Notice]]) -> None:
        """New ones are written once it is sure that they follow the last."""
        self._written = told

    def demand_last(self) -> None:
        """Under the books' locks. Raises `SurpriseError` where somebody told more since these were read."""
        revisions = [self._read.get(key, UNTOLD).revision for key in self._keys]
        parameters = {**_columns(self._keys), "revisions": revisions}
        row = self._cursor.execute(QUERIES["told_meanwhile"], parameters).fetchone()
        if row is None or row[0]:
            raise SurpriseError("a notice that was decided on was told anew meanwhile")
        if self._written:
            keys = [key for key, _ in self._written]
            new = {
                "revisions": [notice.revision for _, notice in self._written],
                "said": [Jsonb(dict(notice.said)) for _, notice in self._written],
            }
            self._cursor.execute(QUERIES["insert_notices"], {**_columns(keys), **new})


def read_notices(cursor: psycopg.Cursor[Any], items: Iterable[Item]) -> NoticeRows | None:
    """The notices that these items are, or are decided on; None where there are none."""
    keys = sorted({(item.book.book_id, name.kind, name.key) for item in items for name in _names(item)})
    return NoticeRows(cursor, keys) if keys else None


def _names(item: Item) -> list[NoticeName]:
    fact = item.fact
    if isinstance(fact, NOTICE_FACTS):
        return [fact.name]
    if isinstance(fact, SplitCaptured) and fact.needs_profiles:
        return _profiles(share.account for share in fact.beneficiaries)
    if isinstance(fact, PayoutRequested | PayoutPaid) and item.book.chart.requires_profiles:
        return _profiles([fact.account])
    if isinstance(fact, TransferSettled) and item.book.chart.transfers.verification:
        return [verification_of(fact.customer)]
    return []


def _profiles(accounts: Iterable[str]) -> list[NoticeName]:
    return [profile_of(account) for account in accounts if not account.startswith(CONTROL_PREFIX)]


def _columns(keys: Sequence[NoticeKey]) -> dict[str, list[Any]]:
    return {
        "books": [book_id for book_id, _, _ in keys],
        "kinds": [kind for _, kind, _ in keys],
        "keys": [key for _, _, key in keys],
    }
