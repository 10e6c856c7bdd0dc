"""What parked events go on waiting for though it has come true, by what tables, charts and this release say.

What waits is decided after the commit that made it true, and whoever committed may be gone before that.
"""

from collections.abc import Callable, Collection
from typing import Any

import psycopg

from ledger_core.domain.awaited import Awaited, form_of
from ledger_core.domain.charts import Chart
from ledger_core.domain.incoming import Incoming, Record
from ledger_core.domain.transfer_policy import TransferPolicy
from ledger_core.domain.transfers import APPROVAL_GATE, MONITORING_GATE
from ledger_core.store.books import Books
from ledger_core.store.exact import letters_of
from ledger_core.store.named_sql import load_queries

QUERIES = load_queries("ledger_core.store", "overdue.sql")


class Overdue:
    """Asks on a preparer's connection, and sees charts as that preparer does."""

    def __init__(self, connection: psycopg.Connection[Any], books: Books, decode: Callable[[Record], Incoming]) -> None:
        self._connection = connection
        self._books = books
        self._decode = decode

    def come_true(self) -> list[tuple[str, str]]:
        """Each with the book in which it is waited for."""
        found = [*self._rows("by_tables"), *self._by_charts(), *self._by_this_release()]
        return list(dict.fromkeys(found))

    def _by_charts(self) -> list[tuple[str, str]]:
        rows = self._rows("of_charts")
        books = self._books.find([code for code, _, _ in rows])
        if any(books[code].chart.version != version for code, version, _ in rows):
            self._books.reload_charts()
        if rows:
            self._books.assets.load()
        return [(code, name) for code, _, name in rows if _allows(books[code].chart, name, self._books.assets)]

    def _by_this_release(self) -> list[tuple[str, str]]:
        found = []
        for letter in letters_of(self._rows("of_releases"), self._decode):
            refusal = letter.incoming.refusal
            if refusal is None or refusal.waits_for != letter.waits_for:
                found.append((letter.incoming.book, letter.waits_for))
        return found

    def _rows(self, name: str) -> list[tuple[Any, ...]]:
        with self._connection.transaction():
            return self._connection.execute(QUERIES[name]).fetchall()


def _allows(chart: Chart, waits_for: str, assets: Collection[str]) -> bool:
    """Whether the chart lets be what is waited for. Of an account that is not there: whether it may open by itself."""
    form = form_of(waits_for)
    if form is None:
        return False
    name = waits_for.removeprefix(form)
    if form is Awaited.ANNOUNCED:
        return not chart.payments.captures_once
    if form is Awaited.CONTROL:
        role, _, currency = name.rpartition(":")
        return chart.control(role, currency) is not None
    if form is Awaited.PROFILE:
        return not chart.requires_profiles
    if form is Awaited.VERIFICATION:
        return not chart.transfers.verification
    if form is Awaited.GATE:
        return _opens(chart.transfers, waits_for)
    if form is Awaited.SWEEP:
        return name in chart.transfers.sweeps
    if form is Awaited.PERIOD:
        return chart.late_events == "redirect"
    return form is Awaited.ACCOUNT and any(chart.template_for(name, currency) is not None for currency in assets)


def _opens(policy: TransferPolicy, gate: str) -> bool:
    """Whether the chart asks for less than a gate was closed for. A review or a verdict is none of its business."""
    if gate.startswith(APPROVAL_GATE):
        persons, *of = gate.removeprefix(APPROVAL_GATE).split(":")
        if not of:  # parked by a release whose gates did not say of how much: decided anew, and named as today
            return True
        currency, amount_minor = of
        return policy.approvals_of(currency, int(amount_minor)) < int(persons)
    return gate == MONITORING_GATE and not policy.monitoring
