"""Settlement profiles: whether each beneficiary may be paid out, as it was told last; exact at the snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from ledger_core.store.named_sql import load_queries
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import Snapshot

QUERIES: Final = load_queries("projections.queries", "profiles.sql")


@dataclass(frozen=True, slots=True)
class SettlementProfile:
    """Of one beneficiary, by the code of its account; `revision` is how often it was told. Of an IBAN in
    `bank_account_ref` only the ends are kept."""

    beneficiary: str
    status: str
    verified: bool
    rails: Sequence[str]
    bank_account_ref: Mapping[str, str]
    revision: int


def profiles(
    at: Snapshot, *, status: str | None = None, after: str = "", limit: int = 100
) -> Sequence[SettlementProfile]:
    """In the order of their beneficiaries, those that come after `after`."""
    asked = {"book_id": at.book_id, "status": status, "after": after, "limit": limit}
    with at.connection.cursor(row_factory=class_row(SettlementProfile)) as cursor:
        return cursor.execute(QUERIES["profiles"], asked).fetchall()


def profile(at: Snapshot, beneficiary: str) -> SettlementProfile:
    """One of them. Raises NotFoundError."""
    with at.connection.cursor(row_factory=class_row(SettlementProfile)) as cursor:
        found = cursor.execute(QUERIES["profile"], {"book_id": at.book_id, "beneficiary": beneficiary}).fetchone()
    if found is None:
        raise NotFoundError("settlement profile")
    return found
