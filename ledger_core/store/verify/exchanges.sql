-- name: exchanges
-- Payments across currencies of a book, of these order keys or all.
SELECT order_key, asset.code, paid_minor, credited_minor, paid_back_minor, credited_back_minor
FROM ledger.payment_exchange JOIN ledger.asset USING (asset_id)
WHERE book_id = %(book_id)s AND (%(keys)s::text[] IS NULL OR order_key = ANY (%(keys)s));

-- name: first_bad_exchange
-- The slow way, only once sums differ: a payment whose row is not the sum of its events. What was taken back by request
-- moves what it takes back the other way.
WITH said AS (
    SELECT order_key, convert_from(state, 'UTF8')::jsonb AS state FROM ledger.event
    WHERE book_id = %(book_id)s AND type IN ('voucher.posted', 'fact.recorded')
), moved AS (
    SELECT order_key, state -> 'exchanged' ->> 'currency' AS currency, coalesce(state -> 'reverses' -> 0 ->> 'event_type',
            state ->> 'event_type') AS type,
        CASE WHEN state ->> 'event_type' IN ('voucher.void_requested.v1', 'chargeback.won.v1') THEN -1 ELSE 1 END AS sign,
        (state ->> 'amount_minor')::numeric AS paid, (state -> 'exchanged' ->> 'amount_minor')::numeric AS credited
    FROM said WHERE state -> 'exchanged' IS NOT NULL AND state ->> 'event_type' <> 'payment.voided.v1'
), folded AS (
    SELECT order_key, currency,
        coalesce(sum(sign * paid) FILTER (WHERE type = 'payment.captured.v1'), 0) AS paid,
        coalesce(sum(sign * credited) FILTER (WHERE type = 'payment.captured.v1'), 0) AS credited,
        coalesce(sum(sign * paid) FILTER (WHERE type <> 'payment.captured.v1'), 0) AS paid_back,
        coalesce(sum(sign * credited) FILTER (WHERE type <> 'payment.captured.v1'), 0) AS credited_back
    FROM moved GROUP BY order_key, currency
), known AS (
    SELECT order_key, asset.code AS currency, paid_minor, credited_minor, paid_back_minor, credited_back_minor
    FROM ledger.payment_exchange JOIN ledger.asset USING (asset_id) WHERE book_id = %(book_id)s
)
SELECT coalesce(folded.order_key, known.order_key)
FROM folded FULL JOIN known USING (order_key, currency)
WHERE (folded.paid, folded.credited, folded.paid_back, folded.credited_back)
    IS DISTINCT FROM (known.paid_minor::numeric, known.credited_minor::numeric, known.paid_back_minor::numeric,
        known.credited_back_minor::numeric)
ORDER BY 1 LIMIT 1;

-- name: first_bad_mark
-- Payments across currencies that have not both: mark 32, and a row.
SELECT coalesce(marked.order_key, known.order_key)
FROM (SELECT order_key FROM ledger.subject WHERE book_id = %(book_id)s AND marks & 32 > 0) AS marked
FULL JOIN (SELECT order_key FROM ledger.payment_exchange WHERE book_id = %(book_id)s) AS known
    ON marked.order_key = known.order_key
WHERE marked.order_key IS NULL OR known.order_key IS NULL ORDER BY 1 LIMIT 1;
