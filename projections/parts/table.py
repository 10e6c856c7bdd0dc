"""The table of refunds, chargebacks, settlements, payouts and fees: how a batch is added to it, and how it is checked.

The state follows from all that a part was ever told, by the table of the write side: so what it was told before is read
first. Parts are few beside payments.
"""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from ledger_core.domain.parts import Part, PartKind, state_of
from ledger_core.store.arrays import integers, texts
from projections.parts.fold import PartRows, fold_parts
from projections.projection import FoldedProjection, TableSql

TOLD: Final[LiteralString] = """
SELECT wanted.place, part.told
FROM unnest(%s::integer[], %s::integer[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY
    AS wanted (book_id, version, order_key, kind, part_id, place)
INNER JOIN projections.part_versions AS part USING (book_id, version, order_key, kind, part_id)
"""

ADD: Final[LiteralString] = """
INSERT INTO projections.part_versions AS old (
    book_id, version, order_key, kind, part_id, state, told, first_effective_at, last_effective_at, last_position,
    positions, amount_minor, fee_minor, refunded_minor, currency, account, reference, failure_reason, reversed
)
SELECT
    book_id, version, order_key, kind, part_id, state, told, first_at, last_at, last_position, positions::bigint[],
    amount, fee, refunded, currency, account, reference, failure_reason, false
FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[],
    %s::timestamptz[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[],
    %s::text[], %s::text[]
) AS new (
    book_id, version, order_key, kind, part_id, state, told, first_at, last_at, last_position, positions, amount, fee,
    refunded, currency, account, reference, failure_reason
)
ON CONFLICT (book_id, version, order_key, kind, part_id) DO UPDATE SET
    state = CASE WHEN old.reversed THEN old.state ELSE excluded.state END,
    told = old.told + excluded.told,
    first_effective_at = least(old.first_effective_at, excluded.first_effective_at),
    last_effective_at = greatest(old.last_effective_at, excluded.last_effective_at),
    last_position = excluded.last_position,
    positions = old.positions || excluded.positions,
    amount_minor = CASE old.amount_minor WHEN 0 THEN excluded.amount_minor ELSE old.amount_minor END,
    fee_minor = old.fee_minor + excluded.fee_minor,
    refunded_minor = old.refunded_minor + excluded.refunded_minor,
    currency = CASE old.currency WHEN '' THEN excluded.currency ELSE old.currency END,
    account = CASE old.account WHEN '' THEN excluded.account ELSE old.account END,
    reference = CASE old.reference WHEN '' THEN excluded.reference ELSE old.reference END,
    failure_reason = CASE excluded.failure_reason WHEN '' THEN old.failure_reason ELSE excluded.failure_reason END
"""

# A request names a voucher by its place, which is one of its part's.
TAKE_BACK: Final[LiteralString] = """
UPDATE projections.part_versions AS part SET reversed = true, state = 'TAKEN_BACK'
FROM unnest(%s::integer[], %s::integer[], %s::text[], %s::bigint[]) AS back (book_id, version, order_key, position)
WHERE part.book_id = back.book_id AND part.version = back.version AND part.order_key = back.order_key
    AND back.position = ANY(part.positions)
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(concat_ws(
    '|', order_key, kind, part_id, state, told, extract(epoch FROM first_effective_at),
    extract(epoch FROM last_effective_at), last_position, positions, amount_minor, fee_minor, refunded_minor, currency,
    account, reference, failure_reason, reversed
), 0)::numeric), 0)
FROM projections.part_versions WHERE book_id = %(book_id)s AND version = %(version)s
"""

DELETE: Final[LiteralString] = """
DELETE FROM projections.part_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""


def add_parts(connection: psycopg.Connection, rows: PartRows, versions: Mapping[int, int]) -> None:
    """Add a batch's changes to the stored parts."""
    if rows.changes:
        _add(connection, rows, versions)
    if rows.taken_back:
        books, order_keys, positions = zip(*rows.taken_back, strict=True)
        of_books = integers([versions[book_id] for book_id in books])
        connection.execute(TAKE_BACK, (integers(books), of_books, texts(order_keys), integers(positions)))


def _add(connection: psycopg.Connection, rows: PartRows, versions: Mapping[int, int]) -> None:
    keys, changes = list(rows.changes), list(rows.changes.values())
    columns = (
        integers([key.book_id for key in keys]),
        integers([versions[key.book_id] for key in keys]),
        texts([key.order_key for key in keys]),
        texts([key.kind for key in keys]),
        texts([key.part_id for key in keys]),
    )
    told = [change.told for change in changes]
    for place, before in connection.execute(TOLD, columns, binary=True):
        told[place - 1] += before
    states = [state_of(PartKind(key.kind), Part(of_part)) for key, of_part in zip(keys, told, strict=True)]
    connection.execute(
        ADD,
        (
            *columns,
            texts([state.value for state in states]),
            integers([change.told for change in changes]),
            texts([change.first_effective_at for change in changes]),
            texts([change.last_effective_at for change in changes]),
            integers([change.positions[-1] for change in changes]),
            texts([integers(change.positions) for change in changes]),
            integers([change.amount_minor for change in changes]),
            integers([change.fee_minor for change in changes]),
            integers([change.refunded_minor for change in changes]),
            texts([change.currency for change in changes]),
            texts([change.account for change in changes]),
            texts([change.reference for change in changes]),
            texts([change.failure_reason for change in changes]),
        ),
    )


PARTS = FoldedProjection(
    name="parts",
    fold_version=2,
    new_rows=PartRows,
    fold=fold_parts,
    write=add_parts,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE),
)
