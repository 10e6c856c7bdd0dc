"""The table of the trial balance: adding a batch, building it from entries, checking it.

It is the fold of daily movements, summed over accounts of one type. The type of an account never changes, so
the database looks it up while it adds the batch.
"""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from projections.daily_balances.fold import MovementRows, fold_movements
from projections.daily_balances.movements import movement_columns
from projections.projection import FoldedProjection, TableSql

# LEFT JOIN: a movement of an account that the store does not know breaks the NOT NULL of account_type;
# better no batch than a trial balance that lacks one in silence.
ADD: Final[LiteralString] = """
INSERT INTO projections.trial_balance_versions AS old (
    book_id, version, day, currency, account_type, debits_minor, credits_minor, entries
)
SELECT
    new.book_id, new.version, new.day, new.currency, account.type, sum(new.debits), sum(new.credits),
    sum(new.entries)
FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::date[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[]
) AS new (book_id, version, account, day, currency, debits, credits, entries)
LEFT JOIN ledger.account ON account.book_id = new.book_id AND account.code = new.account
GROUP BY new.book_id, new.version, new.day, new.currency, account.type
ON CONFLICT (book_id, version, day, currency, account_type) DO UPDATE SET
    debits_minor = old.debits_minor + excluded.debits_minor,
    credits_minor = old.credits_minor + excluded.credits_minor,
    entries = old.entries + excluded.entries
"""

BUILD: Final[LiteralString] = """
INSERT INTO projections.trial_balance_versions (
    book_id, version, day, currency, account_type, debits_minor, credits_minor, entries
)
SELECT
    %(book_id)s, %(version)s, movement.day, movement.currency, movement.account_type, sum(movement.debits),
    sum(movement.credits), sum(movement.entries)
FROM projections.movements(%(book_id)s, %(last_position)s) AS movement
GROUP BY movement.day, movement.currency, movement.account_type
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(
    concat_ws('|', day, currency, account_type, debits_minor, credits_minor, entries), 0
)::numeric), 0)
FROM projections.trial_balance_versions WHERE book_id = %(book_id)s AND version = %(version)s
"""

DELETE: Final[LiteralString] = """
DELETE FROM projections.trial_balance_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""


def add_totals(connection: psycopg.Connection, rows: MovementRows, versions: Mapping[int, int]) -> None:
    """Add a batch's movements to the stored totals."""
    if rows:
        connection.execute(ADD, movement_columns(rows, versions))


TRIAL_BALANCE = FoldedProjection(
    name="trial_balance",
    fold_version=1,
    new_rows=MovementRows,
    fold=fold_movements,
    write=add_totals,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE, build=BUILD),
)
