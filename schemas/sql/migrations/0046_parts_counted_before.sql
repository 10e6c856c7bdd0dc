-- What was counted only since 0039, counted from the log: payments that await cash, and failed attempts to capture.
SET ROLE ledger_owner;

-- Nobody counts meanwhile. Whoever has read that there is nothing is refused by the guard, and decides anew.
LOCK TABLE ledger.subject_part IN SHARE ROW EXCLUSIVE MODE;

-- Bytes first: the log is long, and few of its states are of these types.
WITH said AS (
    SELECT book_id, order_key, convert_from(state, 'UTF8')::jsonb AS state FROM ledger.event
    WHERE type IN ('voucher.posted', 'fact.recorded')
        AND (position('"event_type":"payment.capture_failed.v1"'::bytea IN state) > 0
            OR (position('"event_type":"payment.intent_created.v1"'::bytea IN state) > 0
                AND position('"method":"cash_on_delivery"'::bytea IN state) > 0))
), counted AS (
    SELECT book_id, order_key, 'delivery' AS kind, '' AS part_id, count(*) AS times FROM said
    WHERE state ->> 'event_type' = 'payment.intent_created.v1' AND state ->> 'method' = 'cash_on_delivery'
    GROUP BY book_id, order_key
    UNION ALL
    SELECT book_id, order_key, 'attempt', state ->> 'effective_at', count(*) FROM said
    WHERE state ->> 'event_type' = 'payment.capture_failed.v1'
    GROUP BY book_id, order_key, state ->> 'effective_at'
)
INSERT INTO ledger.subject_part AS part (book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id)
SELECT book_id, order_key, kind, part_id, 0, times, 0, 0 FROM counted
ON CONFLICT (book_id, order_key, kind, part_id) DO UPDATE SET amount_minor = excluded.amount_minor
WHERE part.amount_minor <> excluded.amount_minor;
RESET ROLE;
