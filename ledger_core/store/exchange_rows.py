"""Payments across currencies on the exact path: how old their quotes are, and rows that are read and written back.

A batch without any of them comes here for nothing. A row is read and written under the lock of its payment's subject.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import psycopg

from ledger_core.domain.cases import SubjectKey
from ledger_core.domain.exchange_policy import MINUTE_US, ExchangePolicy
from ledger_core.domain.exchanges import Exchanged
from ledger_core.domain.outcomes import Code, Refusal, first_of
from ledger_core.domain.payments import ExchangedCaptured, SplitCaptured, StaleQuote
from ledger_core.domain.subjects import EXCHANGED, Subject
from ledger_core.store.items import Item
from ledger_core.store.named_sql import load_queries
from ledger_core.store.subject_rows import key_columns
from schemas.envelope import parse_time_us

QUERIES: Final = load_queries("ledger_core.store", "exchanges.sql")


class ExchangeRows:
    """`known` is what decisions read and change."""

    def __init__(self, cursor: psycopg.Cursor[Any]) -> None:
        self._cursor = cursor
        self._stored: dict[SubjectKey, Exchanged] = {}
        self.known: dict[SubjectKey, Exchanged] = {}

    def read(self, subjects: Mapping[SubjectKey, Subject]) -> None:
        """Those of the locked subjects that are marked."""
        marked = [key for key, subject in subjects.items() if subject.marks & EXCHANGED]
        if marked:
            for book_id, order_key, *row in self._cursor.execute(QUERIES["exchanges"], key_columns(marked)).fetchall():
                self.known[book_id, order_key] = Exchanged(*row)
        self._stored = {key: replace(row) for key, row in self.known.items()}

    def write(self) -> None:
        """Writes what decisions changed, and only that."""
        changed = sorted(key for key, row in self.known.items() if row != self._stored.get(key))
        if not changed:
            return
        rows = [self.known[key] for key in changed]
        parameters = {
            **key_columns(changed),
            "currencies": [row.currency for row in rows],
            "paid": [row.paid_minor for row in rows],
            "credited": [row.credited_minor for row in rows],
            "paid_back": [row.paid_back_minor for row in rows],
            "credited_back": [row.credited_back_minor for row in rows],
        }
        self._cursor.execute(QUERIES["write_exchanges"], parameters)


def judge_quotes(items: Iterable[Item]) -> None:
    """Captures whose quotes are older than their books' charts let them be: refused where the chart says so, else they
    say it. Known without a lock: by the chart that the batch is prepared by, and the time of the event."""
    for item in items:
        fact = item.fact.told if isinstance(item.fact, SplitCaptured) else item.fact
        if isinstance(fact, ExchangedCaptured):
            policy = item.book.chart.exchange
            fact.stale = _stale(policy, item.effective_at_us - parse_time_us(fact.exchange.quote.quoted_at))
            if fact.stale is not None and policy.denies_stale:
                detail = (
                    f"exchange.quote: {fact.stale.age_minutes} minutes old, at most {policy.max_age_minutes} are taken"
                )
                item.refusal = first_of(item.refusal, Refusal(Code.QUOTE_STALE, detail))


def _stale(policy: ExchangePolicy, age_us: int) -> StaleQuote | None:
    if policy.max_age_minutes is None or age_us <= policy.max_age_minutes * MINUTE_US:
        return None
    return StaleQuote(age_us // MINUTE_US, policy.max_age_minutes)
