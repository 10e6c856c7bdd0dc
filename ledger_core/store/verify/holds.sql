-- name: holds
-- Holds of a book, of these ids or all, as columns, some at a time.
SELECT array_agg(hold_id), array_agg(account), array_agg(currency), array_agg(side::text), array_agg(status), array_agg(amount_minor),
    array_agg(captured_minor), array_agg(released_minor), array_agg(tolerance_bps::bigint),
    array_agg(coalesce((extract(epoch FROM expires_at) * 1000000)::bigint, 0)), array_agg(placed_position),
    array_agg(coalesce(closed_position, 0))
FROM (
    SELECT hold.*, coalesce(account.code, '') AS account, coalesce(asset.code, '') AS currency,
        (row_number() OVER ()) / 20000 AS part
    FROM ledger.hold LEFT JOIN ledger.account USING (book_id, account_id)
    LEFT JOIN ledger.asset ON asset.asset_id = hold.asset_id
    WHERE book_id = %(book_id)s AND (%(keys)s::text[] IS NULL OR hold_id = ANY (%(keys)s))
) parts GROUP BY part;

-- name: first_bad_hold
-- The slow way, only once sums differ: holds whose row is not the sum of their events.
WITH said AS (
    SELECT event.order_key, event.position, event.type, decoded.state, decoded.state -> 'hold' AS hold
    FROM ledger.event CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
    WHERE event.book_id = %(book_id)s AND event.type IN ('voucher.posted', 'fact.recorded', 'hold.expired')
        AND decoded.state ? 'hold'
), placed AS (
    SELECT order_key, position, (state ->> 'amount_minor')::numeric AS amount_minor, hold ->> 'account' AS account,
        state ->> 'currency' AS currency, hold ->> 'side' AS side, coalesce((hold ->> 'tolerance_bps')::integer, 0) AS tolerance_bps,
        (hold ->> 'expires_at')::timestamptz AS expires_at
    FROM said WHERE hold ->> 'status' = 'PLACED'
), moved AS (
    SELECT order_key, coalesce(sum((state ->> 'amount_minor')::numeric) FILTER (WHERE type = 'voucher.posted'), 0) AS captured_minor,
        coalesce(sum((hold ->> 'released_minor')::numeric), 0) AS released_minor,
        max(position) FILTER (WHERE hold ->> 'status' IN ('CAPTURED', 'RELEASED', 'EXPIRED')) AS closed_position,
        (array_agg(hold ->> 'status' ORDER BY position DESC))[1] AS status
    FROM said GROUP BY order_key
), known AS (
    SELECT hold.*, account.code AS account, asset.code AS currency
    FROM ledger.hold LEFT JOIN ledger.account USING (book_id, account_id)
    LEFT JOIN ledger.asset ON asset.asset_id = hold.asset_id
    WHERE book_id = %(book_id)s
)
SELECT coalesce(known.hold_id, moved.order_key)
FROM known
FULL JOIN moved ON moved.order_key = known.hold_id
LEFT JOIN placed ON placed.order_key = moved.order_key
WHERE (known.amount_minor, known.account, known.currency, known.side::text, known.tolerance_bps, known.expires_at,
            known.placed_position)
        IS DISTINCT FROM (placed.amount_minor, placed.account, placed.currency, placed.side, placed.tolerance_bps, placed.expires_at,
            placed.position)
    OR (known.captured_minor, known.released_minor, known.closed_position, known.status)
        IS DISTINCT FROM (moved.captured_minor, moved.released_minor, moved.closed_position, moved.status)
ORDER BY 1 LIMIT 1;

-- name: held_amounts
-- Accounts of which something is held, and the first whose head does not say what its open holds keep back.
SELECT count(*), min(code) FILTER (WHERE (debits_pending, credits_pending)
    IS DISTINCT FROM (coalesce(debits_held, 0), coalesce(credits_held, 0)))
FROM ledger.account_head
JOIN ledger.account USING (book_id, account_id)
LEFT JOIN (
    SELECT account_id, sum(amount_minor - captured_minor) FILTER (WHERE side = 'D') AS debits_held,
        sum(amount_minor - captured_minor) FILTER (WHERE side = 'C') AS credits_held
    FROM ledger.hold WHERE book_id = %(book_id)s AND closed_position IS NULL GROUP BY account_id
) held USING (account_id)
WHERE account_head.book_id = %(book_id)s AND (debits_pending <> 0 OR credits_pending <> 0 OR held.account_id IS NOT NULL);
