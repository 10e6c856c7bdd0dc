"""How observations differ from the findings on record, found and written set by set."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, LiteralString, NamedTuple

import psycopg
from psycopg.rows import class_row
from psycopg.sql import SQL

from projections.reconciliation.checks import Check


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


# Only what differs leaves the database: an identical scan returns no row, however many findings are open.
_OF_CHECK: Final[LiteralString] = """
    WITH observed AS MATERIALIZED ({observations}),
    recorded AS (
        SELECT subject, state, amount_minor, asset_id, side, detail
        FROM reconciliation.finding WHERE book_id = %(book_id)s AND code = %(code)s
    )
    SELECT CASE WHEN recorded.subject IS NULL THEN 'opened'
                WHEN observed.subject IS NULL THEN 'resolved'
                WHEN recorded.state = 'RESOLVED' THEN 'reopened'
                ELSE 'changed' END AS change,
           %(code)s AS code, coalesce(observed.subject, recorded.subject) AS subject,
           observed.amount_minor, observed.asset_id, observed.side::text AS side, coalesce(observed.detail, '{{}}')::text AS detail
    FROM observed FULL JOIN recorded ON recorded.subject = observed.subject
    WHERE recorded.subject IS NULL
       OR (observed.subject IS NULL AND recorded.state = 'OPEN')
       OR (observed.subject IS NOT NULL AND (
           recorded.state = 'RESOLVED'
           OR (recorded.amount_minor, recorded.asset_id, recorded.side, recorded.detail)
              IS DISTINCT FROM (observed.amount_minor, observed.asset_id, observed.side, observed.detail)))
    ORDER BY 3
"""


def of_check(connection: psycopg.Connection, book_id: int, check: Check) -> list[Difference]:
    """What this check observes in the transaction's snapshot and is not on record, and the other way round."""
    query = SQL(_OF_CHECK).format(observations=SQL(check.observations))
    with connection.cursor(row_factory=class_row(_difference)) as cursor:
        return cursor.execute(query, {"book_id": book_id, "code": check.code}).fetchall()


def of_retired_checks(connection: psycopg.Connection, book_id: int, codes: Sequence[str]) -> list[Difference]:
    """Findings still OPEN whose check exists no more: nobody will ever observe them again."""
    with connection.cursor(row_factory=class_row(_difference)) as cursor:
        return cursor.execute(
            """
            SELECT 'resolved' AS change, code, subject, NULL AS amount_minor, NULL AS asset_id, NULL AS side, '{}' AS detail
            FROM reconciliation.finding WHERE book_id = %s AND state = 'OPEN' AND code <> ALL (%s)
            """,
            (book_id, list(codes)),
        ).fetchall()


def write(
    connection: psycopg.Connection, book_id: int, position: int, number: int, found: Sequence[Difference]
) -> None:
    """Bring the findings on record in line with what scan `number` found at `position`."""
    observed = [row for row in found if row.change is not Change.RESOLVED]
    if observed:
        columns = zip(*observed, strict=True)
        change, code, subject, amount_minor, asset_id, side, detail = (list(column) for column in columns)
        connection.execute(
            _WRITE_OBSERVED,
            {
                "book_id": book_id, "position": position, "number": number, "change": [str(each) for each in change],
                "code": code, "subject": subject, "amount_minor": amount_minor, "asset_id": asset_id, "side": side,
                "detail": detail,
            },
        )  # fmt: skip
    resolved = [row for row in found if row.change is Change.RESOLVED]
    if resolved:
        connection.execute(
            _WRITE_RESOLVED,
            {
                "book_id": book_id, "position": position, "number": number,
                "code": [row.code for row in resolved], "subject": [row.subject for row in resolved],
            },
        )  # fmt: skip


_WRITE_OBSERVED: Final[LiteralString] = """
    INSERT INTO reconciliation.finding AS finding (
        book_id, code, subject, state, amount_minor, asset_id, side, detail, opened_at_position, opened_by_scan, changed_by_scan)
    SELECT %(book_id)s, code, subject, 'OPEN', amount_minor, asset_id, side::"char", detail, %(position)s, %(number)s, %(number)s
    FROM unnest(%(code)s::text[], %(subject)s::text[], %(amount_minor)s::bigint[], %(asset_id)s::smallint[], %(side)s::text[],
                %(detail)s::jsonb[]) AS observed (code, subject, amount_minor, asset_id, side, detail)
    ON CONFLICT (book_id, code, subject) DO UPDATE SET
        state = 'OPEN', amount_minor = excluded.amount_minor, asset_id = excluded.asset_id, side = excluded.side,
        detail = excluded.detail, changed_by_scan = excluded.changed_by_scan, resolved_at_position = NULL,
        reopened = finding.reopened + CASE finding.state WHEN 'RESOLVED' THEN 1 ELSE 0 END,
        opened_at_position = CASE finding.state WHEN 'RESOLVED' THEN excluded.opened_at_position ELSE finding.opened_at_position END
"""

# A resolved finding keeps its last amount: what it was about.
_WRITE_RESOLVED: Final[LiteralString] = """
    UPDATE reconciliation.finding SET state = 'RESOLVED', resolved_at_position = %(position)s, changed_by_scan = %(number)s
    FROM unnest(%(code)s::text[], %(subject)s::text[]) AS gone (code, subject)
    WHERE finding.book_id = %(book_id)s AND finding.code = gone.code AND finding.subject = gone.subject
"""


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
