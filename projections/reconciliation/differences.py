"""How observations differ from the findings on record, found and written set by set."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

import psycopg
from psycopg.rows import args_row
from psycopg.sql import SQL

from ledger_core.store.named_sql import load_queries
from projections.reconciliation.checks import Check

QUERIES: Final = load_queries("projections.reconciliation", "scan.sql")


class Change(StrEnum):
    """What becomes of a finding."""

    OPENED = "opened"
    REOPENED = "reopened"
    CHANGED = "changed"
    RESOLVED = "resolved"


class Difference(NamedTuple):
    """One finding that is to be written; `detail` is JSON text, which only the database reads."""

    change: Change
    code: str
    subject: str
    amount_minor: int | None
    asset_id: int | None
    side: str | None
    detail: str


def of_check(connection: psycopg.Connection, book_id: int, check: Check) -> list[Difference]:
    """What this check observes in the transaction's snapshot, against what is on record."""
    query = SQL(QUERIES["differences"]).format(observations=SQL(check.observations))
    with connection.cursor(row_factory=args_row(_difference)) as cursor:
        return cursor.execute(query, {"book_id": book_id, "code": check.code}).fetchall()


def of_retired_checks(connection: psycopg.Connection, book_id: int, codes: Sequence[str]) -> list[Difference]:
    """Findings still OPEN of checks that are not among `codes`."""
    with connection.cursor(row_factory=args_row(_difference)) as cursor:
        return cursor.execute(QUERIES["retired"], {"book_id": book_id, "codes": list(codes)}).fetchall()


def write(
    connection: psycopg.Connection, book_id: int, position: int, number: int, found: Sequence[Difference]
) -> None:
    """Bring the findings on record in line with what scan `number` found at `position`."""
    scan = {"book_id": book_id, "position": position, "number": number}
    observed = [difference for difference in found if difference.change is not Change.RESOLVED]
    if observed:
        connection.execute(QUERIES["write_observed"], {
            **scan,
            "code": [difference.code for difference in observed],
            "subject": [difference.subject for difference in observed],
            "amount_minor": [difference.amount_minor for difference in observed],
            "asset_id": [difference.asset_id for difference in observed],
            "side": [difference.side for difference in observed],
            "detail": [difference.detail for difference in observed],
        })  # fmt: skip
    resolved = [difference for difference in found if difference.change is Change.RESOLVED]
    if resolved:
        connection.execute(QUERIES["write_resolved"], {
            **scan,
            "code": [difference.code for difference in resolved],
            "subject": [difference.subject for difference in resolved],
        })  # fmt: skip


def _difference(
    change: str,
    code: str,
    subject: str,
    amount_minor: int | None,
    asset_id: int | None,
    side: str | None,
    detail: str,
) -> Difference:
    return Difference(Change(change), code, subject, amount_minor, asset_id, side, detail)
