"""The table of daily balances: adding a batch, building it from entries, checking it."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from projections.daily_balances.fold import MovementRows, fold_movements
from projections.daily_balances.movements import movement_columns
from projections.projection import FoldedProjection, TableSql

# In key order, so that neighbours are touched one after the other: a seventh less of the database's time.
ADD: Final[LiteralString] = """
INSERT INTO projections.daily_balance_versions AS old (
    book_id, version, account, day, currency, debits_minor, credits_minor, entries
)
SELECT * FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::date[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]
) AS new (book_id, version, account, day, currency, debits, credits, entries)
ORDER BY book_id, version, account, day
ON CONFLICT (book_id, version, account, day) DO UPDATE SET
    debits_minor = old.debits_minor + excluded.debits_minor,
    credits_minor = old.credits_minor + excluded.credits_minor,
    entries = old.entries + excluded.entries
"""

BUILD: Final[LiteralString] = """
INSERT INTO projections.daily_balance_versions (
    book_id, version, account, day, currency, debits_minor, credits_minor, entries
)
SELECT
    %(book_id)s, %(version)s, movement.account, movement.day, movement.currency, movement.debits, movement.credits,
    movement.entries
FROM projections.movements(%(book_id)s, %(last_position)s) AS movement
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(
    concat_ws('|', account, day, currency, debits_minor, credits_minor, entries), 0
)::numeric), 0)
FROM projections.daily_balance_versions WHERE book_id = %(book_id)s AND version = %(version)s
"""

DELETE: Final[LiteralString] = """
DELETE FROM projections.daily_balance_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""


def add_movements(connection: psycopg.Connection, rows: MovementRows, versions: Mapping[int, int]) -> None:
    """Add a batch's movements to the stored days."""
    if rows:
        connection.execute(ADD, movement_columns(rows, versions))


DAILY_BALANCES = FoldedProjection(
    name="daily_balances",
    fold_version=1,
    new_rows=MovementRows,
    fold=fold_movements,
    write=add_movements,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE, build=BUILD),
)
