"""The table of payments: how a batch is added to it, and how it is checked."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from ledger_core.store.arrays import booleans, integers, texts
from projections.payments.fold import PaymentRows, fold_payments
from projections.projection import FoldedProjection, TableSql

ADD: Final[LiteralString] = """
INSERT INTO projections.payment_versions AS old (
    book_id, version, order_key, currency, first_effective_at, last_effective_at, last_position,
    authorised_minor, captured_minor, refunded_minor, voided_minor, paid_out_minor, captures, refunds, voided,
    reversed_minor
)
SELECT * FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::integer[], %s::integer[],
    %s::boolean[], %s::bigint[]
)
ON CONFLICT (book_id, version, order_key) DO UPDATE SET
    currency = CASE old.currency WHEN '' THEN excluded.currency ELSE old.currency END,
    first_effective_at = least(old.first_effective_at, excluded.first_effective_at),
    last_effective_at = greatest(old.last_effective_at, excluded.last_effective_at),
    last_position = excluded.last_position,
    authorised_minor = old.authorised_minor + excluded.authorised_minor,
    captured_minor = old.captured_minor + excluded.captured_minor,
    refunded_minor = old.refunded_minor + excluded.refunded_minor,
    voided_minor = old.voided_minor + excluded.voided_minor,
    paid_out_minor = old.paid_out_minor + excluded.paid_out_minor,
    captures = old.captures + excluded.captures,
    refunds = old.refunds + excluded.refunds,
    voided = old.voided OR excluded.voided,
    reversed_minor = old.reversed_minor + excluded.reversed_minor
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(concat_ws(
    '|', order_key, currency, extract(epoch FROM first_effective_at), extract(epoch FROM last_effective_at),
    last_position, authorised_minor, captured_minor, refunded_minor, voided_minor, paid_out_minor, captures,
    refunds, voided, status, reversed_minor
), 0)::numeric), 0)
FROM projections.payment_versions WHERE book_id = %(book_id)s AND version = %(version)s
"""

DELETE: Final[LiteralString] = """
DELETE FROM projections.payment_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""


def add_payments(connection: psycopg.Connection, rows: PaymentRows, versions: Mapping[int, int]) -> None:
    """Add a batch's changes to the stored payments."""
    if not rows:
        return
    changes = rows.values()
    connection.execute(
        ADD,
        (
            integers([book_id for book_id, _ in rows]),
            integers([versions[book_id] for book_id, _ in rows]),
            texts([order_key for _, order_key in rows]),
            texts([row.currency for row in changes]),
            texts([row.first_effective_at for row in changes]),
            texts([row.last_effective_at for row in changes]),
            integers([row.last_position for row in changes]),
            integers([row.authorised_minor for row in changes]),
            integers([row.captured_minor for row in changes]),
            integers([row.refunded_minor for row in changes]),
            integers([row.voided_minor for row in changes]),
            integers([row.paid_out_minor for row in changes]),
            integers([row.captures for row in changes]),
            integers([row.refunds for row in changes]),
            booleans([row.voided for row in changes]),
            integers([row.reversed_minor for row in changes]),
        ),
    )


PAYMENTS = FoldedProjection(
    name="payments",
    fold_version=2,
    new_rows=dict,
    fold=fold_payments,
    write=add_payments,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE),
)
