"""An order of which the platform gave back more commission than it took."""

from projections.reconciliation.checks.check import Check

COMMISSION_EXCEEDS_TAKEN = Check(
    code="COMMISSION_EXCEEDS_TAKEN",
    title="More commission of a payment went back than was taken",
    what_to_do="Compare the rates, or the platform's own part, that its refunds name with those of its captures, and"
    " correct the difference by an adjustment. Books with a marketplace refuse such a refund.",
    # Purposes: 3 a platform fee, 8 what is mirrored. Only orders of which commission went back are looked at further,
    # their captures being known by place. What was taken back by request, or won, has come again; of what is split
    # (mark 128) no more can go back.
    observations="""
        WITH fees AS MATERIALIZED (
            SELECT entry.position, entry.asset_id, entry.side, entry.purpose, entry.amount_minor
            FROM ledger.account
            JOIN ledger.entry ON entry.book_id = account.book_id AND entry.account_id = account.account_id
            WHERE account.book_id = %(book_id)s AND account.role = 'PLATFORM_FEES'
        ), back AS (
            SELECT event.order_key, fees.asset_id,
                sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) AS back_minor
            FROM fees
            JOIN ledger.event ON event.book_id = %(book_id)s AND event.position = fees.position
            WHERE (side = 'D' AND purpose = 3) OR (side = 'C' AND purpose = 8)
            GROUP BY event.order_key, fees.asset_id
        ), taken AS (
            SELECT back.order_key, back.asset_id, back.back_minor, coalesce(sum(fees.amount_minor), 0) AS taken_minor
            FROM back
            JOIN ledger.subject ON subject.book_id = %(book_id)s AND subject.order_key = back.order_key
            LEFT JOIN LATERAL unnest(subject.captures) AS reference ON true
            LEFT JOIN ledger.block ON block.book_id = %(book_id)s AND block.batch_id = reference >> 16
            LEFT JOIN fees ON fees.position = block.first_position + (reference & 65535)
                AND fees.asset_id = back.asset_id AND fees.side = 'C'
            WHERE back.back_minor > 0 AND NOT subject.voided AND subject.marks & 128 = 0
            GROUP BY back.order_key, back.asset_id, back.back_minor
        )
        SELECT DISTINCT ON (order_key) order_key AS subject,
            (back_minor - taken_minor)::bigint AS amount_minor,
            asset_id,
            'D'::"char" AS side,
            jsonb_build_object('taken_minor', taken_minor::text, 'back_minor', back_minor::text) AS detail
        FROM taken
        WHERE back_minor > taken_minor
        ORDER BY order_key, asset_id
    """,
)
