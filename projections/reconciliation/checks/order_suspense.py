"""An order whose suspense is not zero: what was paid for it and what was shared out for it differ."""

from projections.reconciliation.checks.check import Check

ORDER_SUSPENSE_NOT_ZERO = Check(
    code="ORDER_SUSPENSE_NOT_ZERO",
    title="The suspense of an order is not zero",
    what_to_do="Compare the order's payments with its items. Credit: paid more than shared out; debit: less.",
    observations="""
        WITH suspense AS (
            SELECT order_key, asset_id, sum(debit_minor)::bigint AS difference, count(*) AS entries,
                min(position) AS first_position, max(position) AS last_position
            FROM (
                SELECT entry.order_key, entry.asset_id, entry.position,
                    CASE entry.side WHEN 'D' THEN amount_minor ELSE -amount_minor END AS debit_minor
                FROM ledger.account
                JOIN ledger.entry
                    ON entry.book_id = account.book_id AND entry.account_id = account.account_id
                WHERE account.book_id = %(book_id)s AND account.role = 'ORDER_SUSPENSE' AND account.keyed
            ) AS signed
            GROUP BY order_key, asset_id HAVING sum(debit_minor) <> 0
        ), named AS (
            SELECT suspense.*, asset.code AS currency, CASE WHEN difference > 0 THEN 'D' ELSE 'C' END AS side,
                CASE WHEN difference > 0 THEN 'debit' ELSE 'credit' END AS side_name
            FROM suspense JOIN ledger.asset USING (asset_id)
        )
        -- An order in two currencies is one finding: the first in the columns, all in the detail.
        SELECT order_key AS subject,
            (array_agg(abs(difference) ORDER BY asset_id))[1] AS amount_minor,
            min(asset_id) AS asset_id,
            (array_agg(side ORDER BY asset_id))[1]::"char" AS side,
            jsonb_build_object(
                'entries', sum(entries),
                'first_position', min(first_position),
                'last_position', max(last_position),
                'balances', jsonb_agg(jsonb_build_object(
                    'amount_minor', abs(difference)::text, 'currency', currency, 'side', side_name
                ) ORDER BY asset_id)
            ) AS detail
        FROM named
        GROUP BY order_key
    """,
)
