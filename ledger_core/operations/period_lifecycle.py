"""Close and reopen periods: the event, the moment that postings decide on and the sealed balances.

A closing takes two transactions. The first shuts the period under the book's lock: what was posted before stands at
an earlier position, and what comes after is refused or redirected. The second, which holds no lock while it sums up
all entries, seals the trial balance; if it never comes, closing again goes on from there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final

import psycopg

from ledger_core.domain.periods import (
    AccountSums,
    Period,
    PeriodCode,
    PeriodRefusal,
    Resume,
    Shut,
    Status,
    TrialBalance,
    plan_closing,
    plan_reopening,
    refuse_persons,
    trial_balance,
)
from ledger_core.operations.application import LedgerApplication
from ledger_core.operations.period import Closing, closing_id
from ledger_core.store.named_sql import load_queries
from ledger_core.store.recorder import LedgerRecorder, Transactions

QUERIES: Final = load_queries("ledger_core.store", "periods.sql")
FIND_BOOK: Final = "SELECT book_id FROM ledger.book_directory WHERE code = %s"
ROWS_AT_ONCE: Final = 10_000


class PeriodRefusedError(Exception):
    """A command that cannot be done; nothing was written. `code` is stable, the text is for people."""

    def __init__(self, refusal: PeriodRefusal) -> None:
        super().__init__(refusal.detail)
        self.code = refusal.code


@dataclass(slots=True, frozen=True)
class ClosingPreview:
    """What closing would seal if it happened now. `resumes`: it is shut already and only the seal is missing."""

    book: str
    through: date
    after: date | None
    position: int
    accounts: int
    totals: dict[str, int]
    trial_balance: str
    resumes: bool


@dataclass(slots=True, frozen=True)
class PeriodState:
    """A period after a command. `changed` is False when it already was as asked for: a repeat is safe."""

    book: str
    through: date
    after: date | None
    status: Status
    closings: int
    trial_balance: str | None
    changed: bool


class PeriodLifecycle:
    """The period commands of one book. `transactions` opens them, as the poster role."""

    def __init__(self, transactions: Transactions, book_code: str) -> None:
        self.book_code = book_code
        with transactions() as connection:
            row = connection.execute(FIND_BOOK, (book_code,)).fetchone()
        if row is None:
            raise PeriodRefusedError(PeriodRefusal(PeriodCode.BOOK_UNKNOWN, f"there is no book {book_code!r}"))
        self._recorder = LedgerRecorder(transactions, row[0])
        self._application = LedgerApplication(self._recorder)

    def preview(self, through: date) -> ClosingPreview:
        """What closing through this day would do; writes nothing."""
        with self._recorder.transaction() as connection:
            plan = self._plan(connection, through, "book_day")
            position, _ = self._day(connection, "book_day")
            after = plan.after if isinstance(plan, Shut) else plan.period.after
            sealed = self._trial_balance(connection, through, position)
            return ClosingPreview(
                self.book_code, through, after, position, sealed.accounts, dict(sealed.totals), sealed.digest,
                isinstance(plan, Resume) and not plan.closed,
            )  # fmt: skip

    def close(self, through: date, *, reason: str, requested_by: str = "") -> PeriodState:
        """Shut the period through this day and seal it. A closed one is left as it is; one half closed is finished."""
        _demand_reason(reason)
        self.shut(through, reason=reason, requested_by=requested_by)
        return self.seal(through)

    def shut(self, through: date, *, reason: str, requested_by: str = "") -> None:
        """The first half: from its commit on nothing takes effect in the period. Does nothing where that is so."""
        with self._recorder.transaction() as connection:
            plan = self._plan(connection, through, "lock_book")
            if isinstance(plan, Resume):
                return
            closing = Closing.begin(
                self.book_code, through, plan.after, closing=plan.closings, reason=reason, requested_by=requested_by
            )
            self._save(connection, closing, Period(through, plan.after, "closing", plan.closings))
            connection.execute(QUERIES["set_closed_through"], {"book_id": self._recorder.book_id, "day": through})

    def seal(self, through: date) -> PeriodState:
        """The second half: the trial balance of the shut period, in the log."""
        with self._recorder.transaction() as connection:
            found = self._period(connection, through)
            begun_at = connection.execute(QUERIES["begun_at"], (self._recorder.book_id, through)).fetchone()
            if found is None or begun_at is None:
                raise PeriodRefusedError(
                    PeriodRefusal(PeriodCode.PERIOD_UNKNOWN, f"the period through {through} is not being closed")
                )
            if found.status != "closing":
                return self._state(found, changed=False)
            sealed = self._trial_balance(connection, through, begun_at[0])
        with self._recorder.transaction() as connection:
            self._day(connection, "lock_book")
            now = self._period(connection, through)
            if now != found:  # another hand was faster
                return self._state(now or found, changed=False)
            closing = self._closing(found)
            closing.seal(
                known_at_position=begun_at[0],
                accounts=sealed.accounts,
                totals=[[currency, str(total)] for currency, total in sealed.totals.items()],
                trial_balance=sealed.digest,
            )
            closed = found._replace(status="closed")
            self._save(connection, closing, closed)
            return self._state(closed, changed=True)

    def preview_reopening(self, through: date, *, requested_by: str, approved_by: str) -> Period:
        """The period as it stands, if it may be reopened by these persons; writes nothing."""
        with self._recorder.transaction() as connection:
            return self._plan_reopening(connection, through, requested_by, approved_by)

    def reopen(self, through: date, *, reason: str, requested_by: str, approved_by: str) -> PeriodState:
        """Take entries of the last closed period again, until it is closed again. Takes two distinct persons."""
        _demand_reason(reason)
        with self._recorder.transaction() as connection:
            self._day(connection, "lock_book")
            period = self._plan_reopening(connection, through, requested_by, approved_by)
            closing = self._closing(period)
            closing.reopen(reason=reason, requested_by=requested_by.strip(), approved_by=approved_by.strip())
            reopened = period._replace(status="open")
            self._save(connection, closing, reopened)
            connection.execute(QUERIES["set_closed_through"], {"book_id": self._recorder.book_id, "day": period.after})
            return self._state(reopened, changed=True)

    # ------------------------------------------------------------------ inside a transaction

    def _plan(self, connection: psycopg.Connection, through: date, day_query: str) -> Shut | Resume:
        _, today = self._day(connection, day_query)
        plan = plan_closing(self._periods(connection), through, today)
        if isinstance(plan, PeriodRefusal):
            raise PeriodRefusedError(plan)
        return plan

    def _plan_reopening(
        self, connection: psycopg.Connection, through: date, requested_by: str, approved_by: str
    ) -> Period:
        planned = refuse_persons(requested_by, approved_by) or plan_reopening(self._periods(connection), through)
        if isinstance(planned, PeriodRefusal):
            raise PeriodRefusedError(planned)
        return planned

    def _day(self, connection: psycopg.Connection, query: str) -> tuple[int, date]:
        row = connection.execute(QUERIES[query], (self._recorder.book_id,)).fetchone()
        assert row is not None  # books are never deleted
        return row[0], row[1]

    def _periods(self, connection: psycopg.Connection) -> list[Period]:
        rows = connection.execute(QUERIES["periods"], (self._recorder.book_id,)).fetchall()
        return [Period(*row) for row in rows]

    def _period(self, connection: psycopg.Connection, through: date) -> Period | None:
        return next((period for period in self._periods(connection) if period.through == through), None)

    def _closing(self, period: Period) -> Closing:
        return self._application.period_closing(closing_id(self.book_code, period.through, period.closings))

    def _save(self, connection: psycopg.Connection, closing: Closing, period: Period) -> None:
        recordings = self._application.save(closing)
        connection.execute(
            QUERIES["write_period"],
            {
                "book_id": self._recorder.book_id,
                **period._asdict(),
                "position": recordings[-1].notification.id,
            },
        )

    def _trial_balance(self, connection: psycopg.Connection, through: date, position: int) -> TrialBalance:
        with self._account_sums(connection, through, position) as lines:
            return trial_balance(self.book_code, through, lines)

    @contextmanager
    def _account_sums(
        self, connection: psycopg.Connection, through: date, position: int
    ) -> Iterator[Iterator[AccountSums]]:
        """Line by line: a book may have millions of accounts."""
        parameters = {"book_id": self._recorder.book_id, "through": through, "position": position}
        with connection.cursor(name="closing") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(QUERIES["account_sums"], parameters)
            yield (AccountSums(*row) for row in cursor)

    def _state(self, period: Period, *, changed: bool) -> PeriodState:
        sealed = self._closing(period).trial_balance if period.status == "closed" else None
        return PeriodState(
            self.book_code, period.through, period.after, period.status, period.closings, sealed, changed
        )


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise PeriodRefusedError(PeriodRefusal(PeriodCode.REASON_MISSING, "a reason is required"))
