"""Two closed years in a posted ledger: vouchers in each, one of them after a reopening, and one in the open time."""

from datetime import date

from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.connection import Role, connect
from tests.support.posted_ledger import BOOK, PostedLedger, captured

FIRST, SECOND = date(2019, 12, 31), date(2020, 12, 31)


def periods_of(dsn: str, book: str = BOOK) -> PeriodLifecycle:
    """The period commands of a book."""
    return PeriodLifecycle(lambda: connect(dsn, Role.POSTER), book)


def reopen(periods: PeriodLifecycle, through: date) -> None:
    periods.reopen(through, reason="one is missing", requested_by="ana", approved_by="ben")


def close_two_years(ledger: PostedLedger) -> None:
    periods = periods_of(ledger.dsn)
    ledger.post([captured("y-1", 500, {"a": 500}, time="2019-03-01T00:00:00Z")])
    periods.close(FIRST, reason="year end", requested_by="ana")
    periods.close(SECOND, reason="year end", requested_by="ana")
    reopen(periods, SECOND)
    ledger.post([captured("y-2", 700, {"b": 700}, time="2020-12-31T23:59:59.999999Z")])
    periods.close(SECOND, reason="year end, again", requested_by="ana")
    ledger.post([captured("y-3", 900, {"a": 900})])
