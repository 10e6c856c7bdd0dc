-- name: stands
-- As what accounts are open whose heads are locked, what is held of them, and the version of their last event.
SELECT account.book_id, account.account_id, account.type, asset.code, role, keyed, parent, minimum_minor, maximum_minor,
    limit_policy::text, debits_pending, credits_pending,
    (SELECT max(originator_version) FROM ledger.event
     WHERE event.book_id = account.book_id AND event.originator_id = asked.originator_id)
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(originators)s::uuid[]) AS asked (book_id, account_id, originator_id)
JOIN ledger.account USING (book_id, account_id)
JOIN ledger.account_head USING (book_id, account_id)
JOIN ledger.asset ON asset.asset_id = account.asset_id;

-- name: uneven_keys
-- Order keys that are not at zero of accounts that are kept per order key and whose heads are locked.
SELECT entry.book_id, entry.account_id, entry.order_key,
    sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END)::bigint
FROM unnest(%(books)s::integer[], %(accounts)s::integer[]) AS asked (book_id, account_id)
JOIN ledger.account USING (book_id, account_id)
JOIN ledger.entry USING (book_id, account_id)
WHERE account.keyed
GROUP BY entry.book_id, entry.account_id, entry.order_key
HAVING sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0;

-- name: end_heads
-- Heads that are locked as they are when they close: counters and status at once, for a guard minds each on its own.
UPDATE ledger.account_head AS head SET status = 'C', posting_sequence = after.posting_sequence,
    debits_posted = after.debits_posted, credits_posted = after.credits_posted, debits_pending = 0, credits_pending = 0
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(sequences)s::bigint[], %(debits)s::bigint[], %(credits)s::bigint[])
    AS after (book_id, account_id, posting_sequence, debits_posted, credits_posted)
WHERE head.book_id = after.book_id AND head.account_id = after.account_id;

-- name: set_statuses
-- Statuses of heads that are locked.
UPDATE ledger.account_head AS head SET status = after.status::"char"
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(statuses)s::text[]) AS after (book_id, account_id, status)
WHERE head.book_id = after.book_id AND head.account_id = after.account_id;
