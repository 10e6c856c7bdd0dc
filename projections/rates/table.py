"""The table of exchange rates: how a batch is added to it, and how it is checked."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from ledger_core.store.arrays import integers, texts
from projections.projection import FoldedProjection, TableSql
from projections.rates.fold import RateRows, fold_rates

ADD: Final[LiteralString] = """
INSERT INTO projections.rate_versions AS old (
    book_id, version, base, counter, rate, provider, source, published_at, valid_until, last_position, publications
)
SELECT book_id, version, base, counter, rate, provider, source, published_at, nullif(until, '')::timestamptz, at, times
FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
    %s::text[], %s::bigint[], %s::bigint[]
) AS new (book_id, version, base, counter, rate, provider, source, published_at, until, at, times)
ON CONFLICT (book_id, version, base, counter) DO UPDATE SET
    (rate, provider, source, published_at, valid_until, last_position) = (
        SELECT latest.* FROM (VALUES
            (old.rate, old.provider, old.source, old.published_at, old.valid_until, old.last_position),
            (excluded.rate, excluded.provider, excluded.source, excluded.published_at, excluded.valid_until,
                excluded.last_position)
        ) AS latest (rate, provider, source, published_at, valid_until, last_position)
        ORDER BY latest.published_at DESC, latest.last_position LIMIT 1
    ),
    publications = old.publications + excluded.publications
"""

ADVANCE: Final[LiteralString] = """
INSERT INTO projections.rate_clock_versions AS old (book_id, version, newest_effective_at)
SELECT * FROM unnest(%s::integer[], %s::integer[], %s::timestamptz[])
ON CONFLICT (book_id, version) DO UPDATE SET newest_effective_at = excluded.newest_effective_at
WHERE old.newest_effective_at < excluded.newest_effective_at
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(said, 0)::numeric), 0) FROM (
    SELECT concat_ws(
        '|', base, counter, rate, provider, source, extract(epoch FROM published_at), extract(epoch FROM valid_until),
        last_position, publications
    ) AS said
    FROM projections.rate_versions WHERE book_id = %(book_id)s AND version = %(version)s
    UNION ALL
    SELECT extract(epoch FROM newest_effective_at)::text
    FROM projections.rate_clock_versions WHERE book_id = %(book_id)s AND version = %(version)s
) AS row
"""

DELETE: Final[LiteralString] = """
WITH clock AS (
    DELETE FROM projections.rate_clock_versions
    WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
)
DELETE FROM projections.rate_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""


def add_rates(connection: psycopg.Connection, rows: RateRows, versions: Mapping[int, int]) -> None:
    """Add what a batch published to the stored rates, and what it says of the books' own time."""
    if rows.newest:
        books = list(rows.newest)
        times = [rows.newest[book_id] for book_id in books]
        connection.execute(ADVANCE, (integers(books), integers([versions[one] for one in books]), texts(times)))
    if not rows.changes:
        return
    pairs, changes = list(rows.changes), list(rows.changes.values())
    connection.execute(
        ADD,
        (
            integers([pair.book_id for pair in pairs]),
            integers([versions[pair.book_id] for pair in pairs]),
            texts([pair.base for pair in pairs]),
            texts([pair.counter for pair in pairs]),
            texts([change.rate for change in changes]),
            texts([change.provider for change in changes]),
            texts([change.source for change in changes]),
            texts([change.published_at for change in changes]),
            texts([change.valid_until for change in changes]),
            integers([change.position for change in changes]),
            integers([change.publications for change in changes]),
        ),
    )


RATES = FoldedProjection(
    name="rates",
    fold_version=1,
    new_rows=RateRows,
    fold=fold_rates,
    write=add_rates,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE),
)
