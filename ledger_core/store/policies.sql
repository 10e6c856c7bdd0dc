-- name: attempts
-- When attempts to capture these payments failed; their subjects are locked.
SELECT part.book_id, part.order_key, part.part_id
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.subject_part AS part ON part.book_id = asked.book_id AND part.order_key = asked.order_key AND part.kind = 'attempt';

-- name: floors
-- Of heads that are locked: their minimum with its policy, and what holds will take; for refunds and sweeps.
SELECT head.book_id, head.account_id, minimum_minor, limit_policy::text, debits_pending, credits_pending
FROM unnest(%(books)s::integer[], %(accounts)s::integer[]) AS asked (book_id, account_id)
JOIN ledger.account_head AS head USING (book_id, account_id);

-- name: of_orders
-- What orders hold of accounts that are kept per order key and whose heads are locked: credits less debits.
SELECT book_id, account_id, order_key, coalesce(sum(CASE side WHEN 'C' THEN amount_minor ELSE -amount_minor END), 0)::bigint
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(keys)s::text[]) AS asked (book_id, account_id, order_key)
LEFT JOIN ledger.entry USING (book_id, account_id, order_key)
GROUP BY book_id, account_id, order_key;
