-- name: exchanges
-- Payments across currencies, of locked order keys: whoever writes one has locked its subject before.
SELECT row.book_id, row.order_key, asset.code, row.paid_minor, row.credited_minor, row.paid_back_minor, row.credited_back_minor
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.payment_exchange AS row USING (book_id, order_key)
JOIN ledger.asset USING (asset_id);

-- name: write_exchanges
-- Step 7 on the exact path: those that are new, or changed.
INSERT INTO ledger.payment_exchange
    (book_id, order_key, asset_id, paid_minor, credited_minor, paid_back_minor, credited_back_minor)
SELECT after.book_id, after.order_key, asset.asset_id, after.paid, after.credited, after.paid_back, after.credited_back
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(currencies)s::text[], %(paid)s::bigint[], %(credited)s::bigint[],
    %(paid_back)s::bigint[], %(credited_back)s::bigint[])
    AS after (book_id, order_key, currency, paid, credited, paid_back, credited_back)
JOIN ledger.asset ON asset.code = after.currency
ON CONFLICT (book_id, order_key) DO UPDATE
SET paid_minor = excluded.paid_minor, credited_minor = excluded.credited_minor,
    paid_back_minor = excluded.paid_back_minor, credited_back_minor = excluded.credited_back_minor;
