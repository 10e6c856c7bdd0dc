"""Holds: what is promised of accounts, exact at the snapshot's position."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import args_row

from ledger_core.domain.holds import HoldStatus
from ledger_core.store.named_sql import load_queries
from projections.queries.amounts import Amount, Side
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Snapshot

QUERIES: Final = load_queries("projections.queries", "holds.sql")


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold. `held` is what it still keeps back; `side` the one that its captures post on the account."""

    hold_id: str
    account: str
    status: HoldStatus
    side: Side
    amount: Amount
    captured: Amount
    released: Amount
    held: Amount
    capture_tolerance_bps: int
    expires_at: datetime | None
    placed_position: int
    closed_position: int | None


def holds(
    at: Snapshot,
    *,
    account: str | None = None,
    status: str | None = None,
    after: str = "",
    limit: int = 100,
) -> list[Hold]:
    """Holds in the order of their ids that come after `after`."""
    query = "holds" if account is None else "holds_of_account"
    parameters = {"book_id": at.book_id, "account": account, "status": status, "after": after, "limit": limit}
    with at.connection.cursor(row_factory=args_row(_hold)) as cursor:
        return cursor.execute(QUERIES[query], parameters).fetchall()


def hold(at: Snapshot, hold_id: str) -> Hold:
    """One hold. Raises NotFoundError."""
    with at.connection.cursor(row_factory=args_row(_hold)) as cursor:
        found = cursor.execute(QUERIES["hold"], {"book_id": at.book_id, "hold_id": hold_id}).fetchone()
    if found is None:
        raise NotFoundError("hold")
    return found


def _hold(
    hold_id: str, account: str, status: str, side: str, amount_minor: int, captured_minor: int, released_minor: int,
    currency: str, scale: int, tolerance_bps: int, expires_at: datetime | None, placed_position: int,
    closed_position: int | None,
) -> Hold:  # fmt: skip
    return Hold(
        hold_id=hold_id,
        account=account,
        status=HoldStatus(status),
        side=Side.DEBIT if side == "D" else Side.CREDIT,
        amount=Amount(amount_minor, currency, scale),
        captured=Amount(captured_minor, currency, scale),
        released=Amount(released_minor, currency, scale),
        held=Amount(max(amount_minor - captured_minor - released_minor, 0), currency, scale),
        capture_tolerance_bps=tolerance_bps,
        expires_at=expires_at,
        placed_position=placed_position,
        closed_position=closed_position,
    )
