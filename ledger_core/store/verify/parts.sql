-- name: parts
-- Refunds, chargebacks, settlements, payouts and fees of a book, of these order keys or all.
SELECT order_key, kind, part_id, told, amount_minor, used_minor,
    coalesce((SELECT sum(reference) FROM unnest(vouchers) AS reference), 0)::bigint
FROM ledger.subject_part
WHERE book_id = %(book_id)s AND kind <> 'payment' AND (%(keys)s::text[] IS NULL OR order_key = ANY (%(keys)s));

-- name: first_bad_part
-- The slow way, only once sums differ: a part with another number of steps in the log than it was told. Refunds and
-- payouts whose ids the log does not tell are older than parts.
WITH said AS (
    SELECT order_key, convert_from(state, 'UTF8')::jsonb AS state FROM ledger.event
    WHERE book_id = %(book_id)s AND type IN ('voucher.posted', 'fact.recorded')
), step AS (
    SELECT order_key, split_part(state ->> 'event_type', '.', 1) AS family,
        coalesce(state ->> 'refund_id', state ->> 'chargeback_id', state ->> 'settlement_id', state ->> 'payout_id',
            state ->> 'fee_id') AS part_id
    FROM said
    WHERE state ->> 'event_type' = 'payment.refunded.v1'
        OR split_part(state ->> 'event_type', '.', 1) IN ('refund', 'chargeback', 'settlement', 'payout', 'fee')
), tally AS (
    SELECT order_key, state ->> 'event_type' AS type, CASE state ->> 'event_type'
            WHEN 'payment.intent_created.v1' THEN 'delivery' WHEN 'payment.capture_failed.v1' THEN 'attempt' ELSE 'drawer'
        END AS kind, CASE state ->> 'event_type' WHEN 'payment.capture_failed.v1' THEN state ->> 'effective_at' ELSE '' END AS part_id
    FROM said
    WHERE state ->> 'event_type' IN ('drawer.opened.v1', 'drawer.closed.v1', 'payment.capture_failed.v1')
        OR (state ->> 'event_type' = 'payment.intent_created.v1' AND state ->> 'method' = 'cash_on_delivery')
), transfer AS (
    SELECT order_key, CASE WHEN type LIKE 'transfer.inflow.%%' THEN 'inflow' WHEN type LIKE 'transfer.monitoring.%%' THEN 'monitoring'
            WHEN type = 'transfer.approved.v1' THEN 'approval' ELSE 'transfer' END AS kind,
        coalesce(state ->> 'inflow_id', state ->> 'approver', state ->> 'transfer_id') AS part_id
    FROM said CROSS JOIN LATERAL (SELECT state ->> 'event_type' AS type) AS told
    WHERE split_part(type, '.', 1) IN ('transfer', 'transaction')
), once AS (
    SELECT order_key, CASE state ->> 'event_type' WHEN 'sale.completed.v1' THEN 'sale' WHEN 'cogs.recorded.v1' THEN 'cogs'
            WHEN 'inventory.adjusted.v1' THEN 'inventory' WHEN 'cash.received.v1' THEN 'receipt'
            WHEN 'cash.refunded.v1' THEN 'cash_refund' ELSE 'sweep' END AS kind,
        coalesce(state ->> 'sale_id', state ->> 'adjustment_id', state ->> 'receipt_id', state ->> 'refund_id', state ->> 'sweep_id') AS part_id
    FROM said WHERE state ->> 'event_type' IN (
        'sale.completed.v1', 'cogs.recorded.v1', 'inventory.adjusted.v1', 'cash.received.v1', 'cash.refunded.v1', 'sweep.requested.v1')
), counted AS (
    SELECT order_key, kind, part_id, count(*) AS steps, 0 AS closings FROM once GROUP BY 1, 2, 3
    UNION ALL
    SELECT order_key, kind, part_id, count(*) AS steps, 0 AS closings FROM transfer GROUP BY 1, 2, 3
    UNION ALL
    SELECT order_key, CASE family WHEN 'payment' THEN 'refund' ELSE family END AS kind, part_id, count(*) AS steps, 0 AS closings
    FROM step WHERE part_id IS NOT NULL GROUP BY 1, 2, 3
    UNION ALL
    SELECT order_key, kind, part_id, count(*) FILTER (WHERE type <> 'drawer.closed.v1'), count(*) FILTER (WHERE type = 'drawer.closed.v1')
    FROM tally GROUP BY 1, 2, 3
), known AS (
    SELECT order_key, kind, part_id, (SELECT sum(told >> (8 * step) & 255) FROM generate_series(0, 6) AS step) AS steps, 0 AS closings
    FROM ledger.subject_part WHERE book_id = %(book_id)s AND kind IN ('refund', 'chargeback', 'settlement', 'payout', 'fee', 'transfer', 'inflow', 'monitoring', 'approval')
    UNION ALL
    SELECT order_key, kind, part_id, amount_minor, used_minor
    FROM ledger.subject_part WHERE book_id = %(book_id)s AND kind IN ('drawer', 'delivery', 'attempt', 'sale', 'cogs', 'inventory', 'receipt', 'cash_refund', 'sweep')
)
SELECT format('%%s %%s of order key %%s', kind, part_id, order_key)
FROM counted FULL JOIN known USING (order_key, kind, part_id)
WHERE (counted.steps, counted.closings) IS DISTINCT FROM (known.steps, known.closings) ORDER BY 1 LIMIT 1;

-- name: first_bad_custody
-- Payments in direct custody that have not both: mark 64, and a part of kind custody.
SELECT format('custody of order key %%s', coalesce(marked.order_key, known.order_key))
FROM (SELECT order_key FROM ledger.subject WHERE book_id = %(book_id)s AND marks & 64 > 0) AS marked
FULL JOIN (SELECT order_key FROM ledger.subject_part WHERE book_id = %(book_id)s AND kind = 'custody') AS known
    ON marked.order_key = known.order_key
WHERE marked.order_key IS NULL OR known.order_key IS NULL ORDER BY 1 LIMIT 1;

-- name: first_bad_split
-- Split payments that have not both: mark 128, and parts of kind leg.
SELECT format('legs of order key %%s', coalesce(marked.order_key, known.order_key))
FROM (SELECT order_key FROM ledger.subject WHERE book_id = %(book_id)s AND marks & 128 > 0) AS marked
FULL JOIN (SELECT DISTINCT order_key FROM ledger.subject_part WHERE book_id = %(book_id)s AND kind = 'leg') AS known
    ON marked.order_key = known.order_key
WHERE marked.order_key IS NULL OR known.order_key IS NULL ORDER BY 1 LIMIT 1;

-- name: reversed_legs
-- Captures and refunds of split payments that requests took back: order key and state.
SELECT original.order_key, said.state
FROM ledger.reversal
JOIN ledger.event AS mirror ON mirror.book_id = reversal.book_id AND mirror.position = reversal_position
JOIN ledger.event AS original ON original.book_id = reversal.book_id AND original.position = reversed_position
CROSS JOIN LATERAL (SELECT convert_from(original.state, 'UTF8')::jsonb AS state) AS said
WHERE reversal.book_id = %(book_id)s AND convert_from(mirror.state, 'UTF8')::jsonb ->> 'kind' = 'reversal'
    AND (said.state ? 'split' OR said.state ? 'legs')
    AND said.state ->> 'event_type' IN ('payment.captured.v1', 'payment.refunded.v1')
    AND (%(keys)s::text[] IS NULL OR original.order_key = ANY (%(keys)s));

-- name: first_bad_taken
-- Payments of which refunds, disputes and settlements say to have taken something else than their part of kind payment.
-- Steps by their bytes: a refund is open while neither completed (3, 5) nor failed (4), a dispute counts until it is won (2),
-- a settlement until it failed (1, 3). Mark 4 stands on every order key with such a part.
WITH taken AS (
    SELECT order_key,
        sum(amount_minor) FILTER (WHERE (kind = 'refund' AND told & 255 > 0 AND told >> 24 = 0)
            OR (kind = 'chargeback' AND told >> 16 & 255 = 0)) AS set_aside,
        sum(amount_minor) FILTER (WHERE kind = 'settlement' AND told & 255 > 0 AND told >> 8 & 255 = 0
            AND told >> 24 & 255 = 0) AS settled
    FROM ledger.subject_part WHERE book_id = %(book_id)s AND kind IN ('refund', 'chargeback', 'settlement')
    GROUP BY order_key
), known AS (
    SELECT order_key, amount_minor, used_minor FROM ledger.subject_part
    WHERE book_id = %(book_id)s AND kind = 'payment'
), marked AS (
    SELECT order_key FROM ledger.subject WHERE book_id = %(book_id)s AND marks & 4 > 0
)
SELECT format('what is taken of order key %%s', order_key)
FROM taken FULL JOIN known USING (order_key) FULL JOIN marked USING (order_key)
WHERE coalesce(taken.set_aside, 0) <> coalesce(known.amount_minor, 0)
    OR coalesce(taken.settled, 0) <> coalesce(known.used_minor, 0)
    OR (known.order_key IS NULL) <> (marked.order_key IS NULL)
ORDER BY 1 LIMIT 1;
