"""Put another version of a book's chart in force: compared first, applied in one transaction, told in the log.

Lock order as everywhere: accounts and heads, then the book. The version is compared under the book's lock, here and
by every posting, so each voucher is posted by the version in force at its position: the last `chart.applied` before
it. What contradicts accounts that are open is refused; nothing posted changes its meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import psycopg
from psycopg.types.json import Jsonb

from ledger_core.domain.chart_changes import Change, ChartCode, Contradiction, OpenAccount, changes, contradictions
from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.limits import NO_LIMITS
from ledger_core.domain.outcomes import Code
from ledger_core.operations.application import LedgerApplication
from ledger_core.store.account_events import account_originator_id
from ledger_core.store.appender import NewEvent, append_events
from ledger_core.store.books import (
    HeadLimits,
    declared_openings,
    demand_assets,
    insert_accounts,
    opening_event,
    set_limits,
)
from ledger_core.store.named_sql import load_queries
from ledger_core.store.recorder import LedgerRecorder, Transactions
from schemas.card_data import mask_text

QUERIES: Final = load_queries("ledger_core.operations", "charts.sql")
BOOK_QUERIES: Final = load_queries("ledger_core.store", "books.sql")
CHART_APPLIED: Final = "chart.applied"


class ChartCommandError(Exception):
    """A chart that can't be put in force; nothing was written. `code` is stable, the text is for people."""

    def __init__(self, code: ChartCode | Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(slots=True, frozen=True)
class ChartVersion:
    """One version as it is stored."""

    book: str
    version: int
    in_force: bool
    document: Mapping[str, object]


@dataclass(slots=True, frozen=True)
class ChartPlan:
    """What applying a document would do. `version` is the one that it becomes; no change, no new version."""

    book: str
    version: int
    changes: Sequence[Change]
    contradictions: Sequence[Contradiction]
    opens: Sequence[str]
    limits: Sequence[str]


@dataclass(slots=True, frozen=True)
class _Stand:
    """The chart in force and the accounts that it must not contradict."""

    version: int
    chart: Chart
    accounts: Mapping[str, OpenAccount]


class ChartCommands:
    """The chart commands of one book. `transactions` opens them, as the poster role."""

    def __init__(self, transactions: Transactions, book_code: str) -> None:
        self.book_code = book_code
        with transactions() as connection:
            row = connection.execute(QUERIES["book_id"], (book_code,)).fetchone()
        if row is None:
            raise ChartCommandError(Code.BOOK_UNKNOWN, f"there is no book {book_code!r}")
        self._book_id = int(row[0])
        self._recorder = LedgerRecorder(transactions, self._book_id)
        self._application = LedgerApplication(self._recorder)

    def show(self, version: int | None = None) -> ChartVersion:
        """The version in force, or another one. Raises `ChartCommandError`."""
        with self._recorder.transaction() as connection:
            row = connection.execute(QUERIES["chart"], {"book_id": self._book_id, "version": version}).fetchone()
        if row is None:
            raise ChartCommandError(
                ChartCode.CHART_VERSION_UNKNOWN, f"book {self.book_code!r} has no version {version}"
            )
        return ChartVersion(self.book_code, row[0], row[1], row[2])

    def plan(self, document: Mapping[str, object]) -> ChartPlan:
        """What applying this document would do now. Raises `ChartError` for one that says something impossible."""
        with self._recorder.transaction() as connection:
            stand = self._stand(connection)
            return self._plan(connection, stand, chart_from_document(document, version=stand.version + 1))

    def apply(self, document: Mapping[str, object], *, reason: str) -> ChartPlan:
        """Puts this document in force as the next version; a document that changes nothing is left alone.

        Raises `ChartError`, and `ChartCommandError` for what contradicts open accounts.
        """
        if not reason.strip():
            raise ValueError("a reason is required")
        with self._recorder.transaction() as connection:
            before = self._stand(connection)
            after = chart_from_document(document, version=before.version + 1)
            plan = self._plan(connection, before, after)
            _refuse(plan.contradictions)
            if not plan.changes:
                return plan
            opened = self._open(connection, before, after)
            limited = self._limit(connection, before, after, reason)
            self._enter(connection, before, after)
            applied = {
                "version": after.version, "reason": mask_text(reason),
                "changes": [list(change) for change in plan.changes], "document": document,
            }  # fmt: skip
            positions = append_events(
                connection, self._book_id, [NewEvent(CHART_APPLIED, orjson.dumps(applied)), *opened, *limited]
            )
            parameters = (self._book_id, after.version, Jsonb(document), positions[0])
            connection.execute(BOOK_QUERIES["insert_chart"], parameters)
            connection.execute(QUERIES["set_version"], (after.version, self._book_id))
            return plan

    def _stand(self, connection: psycopg.Connection[Any]) -> _Stand:
        row = connection.execute(QUERIES["chart"], {"book_id": self._book_id, "version": None}).fetchone()
        assert row is not None
        found = connection.execute(QUERIES["open_accounts"], (self._book_id,)).fetchall()
        accounts = {account[0]: OpenAccount(*account) for account in found}
        return _Stand(row[0], chart_from_document(row[2], version=row[0]), accounts)

    def _plan(self, connection: psycopg.Connection[Any], before: _Stand, after: Chart) -> ChartPlan:
        demand_assets(after, dict(connection.execute(BOOK_QUERIES["assets"]).fetchall()))
        return ChartPlan(
            self.book_code,
            after.version,
            changes(before.chart, after),
            contradictions(before.chart, after, before.accounts.values()),
            sorted(code for code in after.declared if code not in before.accounts),
            sorted(_limits_changed(before, after)),
        )

    def _open(self, connection: psycopg.Connection[Any], before: _Stand, after: Chart) -> list[NewEvent]:
        openings = sorted(o for o in declared_openings(after) if o.code not in before.accounts)
        if not openings:
            return []
        assets: dict[str, int] = dict(connection.execute(BOOK_QUERIES["assets"]).fetchall())
        opened = insert_accounts(connection, self._book_id, openings, assets)
        return [opening_event(self.book_code, opening) for opening in openings if opening.code in opened]

    def _limit(self, connection: psycopg.Connection[Any], before: _Stand, after: Chart, reason: str) -> list[NewEvent]:
        """Heads that the new version limits otherwise, locked and set, with the events that say so."""
        codes = _limits_changed(before, after)
        if not codes:
            return []
        rows = connection.execute(QUERIES["lock_heads"], (self._book_id, codes)).fetchall()
        set_limits(
            connection, self._book_id,
            [HeadLimits.of(account_id, after.declared[code].template) for account_id, code in rows],
        )  # fmt: skip
        events = []
        for _, code in rows:
            account = self._application.account(account_originator_id(self.book_code, code))
            account.set_limits(after.declared[code].template.limits or NO_LIMITS, reason)
            stored = [self._application.mapper.to_stored_event(event) for event in account.collect_events()]
            events += [NewEvent(e.topic, e.state, "", account.id, e.originator_version) for e in stored]
        return events

    def _enter(self, connection: psycopg.Connection[Any], before: _Stand, after: Chart) -> None:
        """Locks the book; what was compared without the lock must still hold under it."""
        connection.execute(QUERIES["lock_book"], (self._book_id,))
        now = self._stand(connection)
        if now.version != before.version:
            raise ChartCommandError(
                ChartCode.CHART_MOVED, f"version {now.version} was applied meanwhile: compare again"
            )
        _refuse(contradictions(now.chart, after, now.accounts.values()))


def _limits_changed(before: _Stand, after: Chart) -> list[str]:
    """Open accounts of which the new version declares other limits than the old one."""
    codes = []
    for code, declared in after.declared.items():
        old = before.chart.declared.get(code)
        was = old.template.limits if old is not None else None
        if code in before.accounts and (declared.template.limits or NO_LIMITS) != (was or NO_LIMITS):
            codes.append(code)
    return codes


def _refuse(found: Sequence[Contradiction]) -> None:
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise ChartCommandError(found[0].code, found[0].detail + more)
