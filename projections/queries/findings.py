"""Findings of reconciliation, by page and in sum."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import args_row

from projections.queries.amounts import Amount, Balance, Side
from projections.queries.snapshot import QUERIES, Snapshot

Detail = dict[str, object]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `difference` is None where it has no amount; its side is the one that has too much."""

    code: str
    subject: str
    state: str
    difference: Balance | None
    detail: Detail
    opened_at_position: int
    first_seen_at: datetime
    resolved_at_position: int | None
    reopened: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class FindingTotal:
    """Findings of one code and state; `amount` sums their differences in one currency, whatever the side."""

    code: str
    state: str
    findings: int
    amount: Amount | None


def findings(
    at: Snapshot,
    *,
    state: str | None = None,
    code: str | None = None,
    after: tuple[str, str] = ("", ""),
    limit: int = 100,
) -> list[Finding]:
    """Findings in the order of (code, subject) that come after `after`."""
    parameters = {
        "book_id": at.book_id, "state": state, "code": code, "limit": limit,
        "after_code": after[0], "after_subject": after[1],
    }  # fmt: skip
    with at.connection.cursor(row_factory=args_row(_finding)) as cursor:
        return cursor.execute(QUERIES["findings"], parameters).fetchall()


def finding_totals(at: Snapshot) -> list[FindingTotal]:
    """Findings counted and summed by code, state and currency."""
    with at.connection.cursor(row_factory=args_row(_total)) as cursor:
        return cursor.execute(QUERIES["finding_totals"], {"book_id": at.book_id}).fetchall()


def _finding(
    code: str, subject: str, state: str, amount_minor: int | None, currency: str | None, scale: int | None,
    side: str | None, detail: Detail, opened_at_position: int, first_seen_at: datetime,
    resolved_at_position: int | None, reopened: int, changed_at: datetime,
) -> Finding:  # fmt: skip
    difference = None
    if amount_minor is not None and currency is not None and scale is not None and side is not None:
        difference = Balance(Amount(amount_minor, currency, scale), Side(side))
    return Finding(
        code=code,
        subject=subject,
        state=state,
        difference=difference,
        detail=detail,
        opened_at_position=opened_at_position,
        first_seen_at=first_seen_at,
        resolved_at_position=resolved_at_position,
        reopened=reopened,
        changed_at=changed_at,
    )


def _total(
    code: str, state: str, currency: str | None, scale: int | None, count: int, amount_minor: Decimal | None
) -> FindingTotal:
    amount = None
    if amount_minor is not None and currency is not None and scale is not None:
        amount = Amount(int(amount_minor), currency, scale)
    return FindingTotal(code, state, count, amount)
