"""An order whose suspense is not zero: what was paid for it and what was shared out for it differ."""

from projections.reconciliation.checks.check import Check

ORDER_SUSPENSE_NOT_ZERO = Check(
    code="ORDER_SUSPENSE_NOT_ZERO",
    title="The suspense of an order is not zero",
    what_to_do="Compare the order's payments with its items. Credit: more was paid than shared out; debit: less.",
    observations="""
        WITH suspense AS (
            SELECT entry.order_key, entry.asset_id,
                   sum(CASE entry.side WHEN 'D' THEN entry.amount_minor ELSE -entry.amount_minor END)::bigint AS difference,
                   count(*) AS entries, min(entry.position) AS first_position, max(entry.position) AS last_position
            FROM ledger.account
            JOIN ledger.entry ON entry.book_id = account.book_id AND entry.account_id = account.account_id
            WHERE account.book_id = %(book_id)s AND account.role = 'ORDER_SUSPENSE' AND account.keyed
            GROUP BY entry.order_key, entry.asset_id
            HAVING sum(CASE entry.side WHEN 'D' THEN entry.amount_minor ELSE -entry.amount_minor END) <> 0
        )
        -- An order in two currencies is one finding: its first currency in the columns, all of them in the detail.
        SELECT order_key AS subject,
               (array_agg(abs(difference) ORDER BY suspense.asset_id))[1] AS amount_minor,
               min(suspense.asset_id) AS asset_id,
               (array_agg(CASE WHEN difference > 0 THEN 'D' ELSE 'C' END ORDER BY suspense.asset_id))[1]::"char" AS side,
               jsonb_build_object(
                   'entries', sum(entries), 'first_position', min(first_position), 'last_position', max(last_position),
                   'balances', jsonb_agg(jsonb_build_object(
                       'amount_minor', abs(difference)::text, 'currency', asset.code,
                       'side', CASE WHEN difference > 0 THEN 'debit' ELSE 'credit' END) ORDER BY suspense.asset_id)
               ) AS detail
        FROM suspense JOIN ledger.asset USING (asset_id)
        GROUP BY order_key
    """,
)
