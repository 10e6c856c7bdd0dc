"""The table of beneficiaries: how a batch is added to it, and how it is checked."""

from collections.abc import Mapping
from typing import Final, LiteralString

import psycopg

from ledger_core.store.arrays import integers, sums, texts
from projections.beneficiaries.fold import BeneficiaryRows, fold_beneficiaries
from projections.projection import FoldedProjection, TableSql

ADD: Final[LiteralString] = """
INSERT INTO projections.beneficiary_versions AS old (
    book_id, version, account, currency, first_effective_at, last_effective_at, last_position, vouchers, earned_minor,
    commission_minor, refunded_minor, disputed_minor, paid_out_minor, fees_minor
)
SELECT
    book_id, version, account, currency, first_at, last_at, last_position, vouchers, coalesce(earned, 0),
    coalesce(commission, 0), coalesce(refunded, 0), coalesce(disputed, 0), coalesce(paid_out, 0), coalesce(fees, 0)
FROM unnest(
    %s::integer[], %s::integer[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]
) AS new (
    book_id, version, account, currency, first_at, last_at, last_position, vouchers, earned, commission, refunded,
    disputed, paid_out, fees
)
ORDER BY book_id, version, account
ON CONFLICT (book_id, version, account) DO UPDATE SET
    first_effective_at = least(old.first_effective_at, excluded.first_effective_at),
    last_effective_at = greatest(old.last_effective_at, excluded.last_effective_at),
    last_position = excluded.last_position,
    vouchers = old.vouchers + excluded.vouchers,
    earned_minor = old.earned_minor + excluded.earned_minor,
    commission_minor = old.commission_minor + excluded.commission_minor,
    refunded_minor = old.refunded_minor + excluded.refunded_minor,
    disputed_minor = old.disputed_minor + excluded.disputed_minor,
    paid_out_minor = old.paid_out_minor + excluded.paid_out_minor,
    fees_minor = old.fees_minor + excluded.fees_minor
"""

CHECKSUM: Final[LiteralString] = """
SELECT count(*), coalesce(sum(hashtextextended(concat_ws(
    '|', account, currency, extract(epoch FROM first_effective_at), extract(epoch FROM last_effective_at),
    last_position, vouchers, earned_minor, commission_minor, refunded_minor, disputed_minor, paid_out_minor, fees_minor
), 0)::numeric), 0)
FROM projections.beneficiary_versions WHERE book_id = %(book_id)s AND version = %(version)s
"""

DELETE: Final[LiteralString] = """
DELETE FROM projections.beneficiary_versions
WHERE book_id = %(book_id)s AND version BETWEEN %(first_version)s AND %(last_version)s
"""


def add_beneficiaries(connection: psycopg.Connection, rows: BeneficiaryRows, versions: Mapping[int, int]) -> None:
    """Add a batch's changes to the stored beneficiaries."""
    if not rows:
        return
    changes = rows.values()
    connection.execute(
        ADD,
        (
            integers([book_id for book_id, _ in rows]),
            integers([versions[book_id] for book_id, _ in rows]),
            texts([account for _, account in rows]),
            texts([row.currency for row in changes]),
            texts([row.first_effective_at for row in changes]),
            texts([row.last_effective_at for row in changes]),
            integers([row.last_position for row in changes]),
            integers([row.vouchers for row in changes]),
            sums([row.earned_minor for row in changes]),
            sums([row.commission_minor for row in changes]),
            sums([row.refunded_minor for row in changes]),
            sums([row.disputed_minor for row in changes]),
            sums([row.paid_out_minor for row in changes]),
            sums([row.fees_minor for row in changes]),
        ),
    )


BENEFICIARIES = FoldedProjection(
    name="beneficiaries",
    fold_version=1,
    new_rows=dict,
    fold=fold_beneficiaries,
    write=add_beneficiaries,
    sql=TableSql(checksum=CHECKSUM, delete=DELETE),
)
