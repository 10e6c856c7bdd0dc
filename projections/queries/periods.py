"""Periods of a book that were ever closed, each with its latest event."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from psycopg.rows import args_row

from projections.queries.amounts import Amount
from projections.queries.assets import scales
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class Period:
    """What is closed after day `after` and through day `through`; days in UTC.

    `status` is open (reopened), closing (shut, not sealed yet) or closed. The last four are those of a closed one:
    the closing trial balance knows what was recorded up to `known_at_position`.
    """

    through: date
    after: date | None
    status: str
    closings: int
    position: int
    recorded_at: datetime
    reason: str | None
    requested_by: str | None
    approved_by: str | None
    known_at_position: int | None
    accounts: int | None
    trial_balance: str | None
    totals: list[Amount]


def periods(at: Snapshot) -> list[Period]:
    """All of them, oldest first: a book closes a few a year."""
    return _periods(at, None)


def period(at: Snapshot, through: date) -> Period:
    """The one that ends with this day. Raises NotFoundError."""
    found = _periods(at, through)
    if not found:
        raise NotFoundError("period")
    return found[0]


def _periods(at: Snapshot, through: date | None) -> list[Period]:
    scale_of = scales(at)

    def row(
        through: date, after: date | None, status: str, closings: int, position: int, recorded_at: datetime,
        reason: str | None, requested_by: str | None, approved_by: str | None, known_at_position: int | None,
        accounts: int | None, trial_balance: str | None, totals: Sequence[tuple[str, str]] | None,
    ) -> Period:  # fmt: skip
        amounts = [Amount(int(minor), currency, scale_of[currency]) for currency, minor in totals or ()]
        return Period(
            through, after, status, closings, position, recorded_at, reason, requested_by, approved_by,
            known_at_position, accounts, trial_balance, amounts,
        )  # fmt: skip

    with at.connection.cursor(row_factory=args_row(row)) as cursor:
        return cursor.execute(QUERIES["periods"], {"book_id": at.book_id, "through": through}).fetchall()
