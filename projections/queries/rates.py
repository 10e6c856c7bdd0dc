"""Exchange rates: the latest of each pair by its own time, how old it is by the book's own time, and whether too old.

No clock is asked: a rate grows old with what takes effect in the book. How old it may be, the chart in force says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import args_row

from ledger_core.domain.exchange_policy import exchange_policy_of
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `counter` for one of `base`, to the last digit. `position` is where its event stands in the log.

    `age_seconds` is how long after it was published the last thing in the book took effect, 0 where nothing did.
    """

    base: str
    counter: str
    rate: str
    provider: str
    source: str
    published_at: datetime
    valid_until: datetime | None
    age_seconds: int
    stale: bool
    publications: int
    position: int


@dataclass(frozen=True, slots=True)
class Rates:
    """`newest_effective_at` is what they are old against. Without `max_age_minutes` only `valid_until` ends one."""

    newest_effective_at: datetime | None
    max_age_minutes: int | None
    rates: list[Rate]


@dataclass(frozen=True, slots=True)
class _Row:
    base: str
    counter: str
    rate: str
    provider: str
    source: str
    published_at: datetime
    valid_until: datetime | None
    newest_effective_at: datetime
    publications: int
    position: int


def rates(at: Snapshot) -> Rates:
    """In the order of their pairs, as many as there are; `at` must read RATES."""
    chart = at.connection.execute(QUERIES["chart_in_force"], {"book_id": at.book_id}).fetchone()
    policy = exchange_policy_of(chart[1] if chart is not None else {})
    max_age = None if policy.max_age_minutes is None else timedelta(minutes=policy.max_age_minutes)
    with at.connection.cursor(row_factory=args_row(_Row)) as cursor:
        found = cursor.execute(QUERIES["rates"], {"book_id": at.book_id}).fetchall()
    newest = found[0].newest_effective_at if found else None
    return Rates(newest, policy.max_age_minutes, [_rate(row, max_age) for row in found])


def _rate(row: _Row, max_age: timedelta | None) -> Rate:
    age = max(row.newest_effective_at - row.published_at, timedelta())
    ended = row.valid_until is not None and row.newest_effective_at > row.valid_until
    return Rate(
        row.base, row.counter, row.rate, row.provider, row.source, row.published_at, row.valid_until,
        age_seconds=age // timedelta(seconds=1), stale=ended or (max_age is not None and age > max_age),
        publications=row.publications, position=row.position,
    )  # fmt: skip
