-- name: moment
-- The database's clock, read once a batch: what is due by then has expired.
SELECT clock_timestamp();

-- name: locked_holds
-- Holds whose subjects are locked, and whether their time has come.
SELECT hold.book_id, hold.hold_id, account_id, account.code, hold.side::text, hold.asset_id, asset.code, amount_minor,
    tolerance_bps, captured_minor, released_minor, hold.status, (extract(epoch FROM expires_at) * 1000000)::bigint,
    coalesce(closed_position IS NULL AND expires_at <= %(moment)s::timestamptz, false)
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, hold_id)
JOIN ledger.hold USING (book_id, hold_id)
JOIN ledger.account USING (book_id, account_id)
JOIN ledger.asset ON asset.asset_id = hold.asset_id
ORDER BY 1, 2;

-- name: pending
-- What is held of accounts whose heads are locked.
SELECT head.book_id, head.account_id, debits_pending, credits_pending
FROM unnest(%(books)s::integer[], %(accounts)s::integer[]) AS asked (book_id, account_id)
JOIN ledger.account_head AS head USING (book_id, account_id);

-- name: lock_subjects
-- First lock of an expiry: order keys, in key order.
SELECT order_key FROM ledger.subject WHERE book_id = %(book_id)s AND order_key = ANY(%(keys)s)
ORDER BY order_key FOR NO KEY UPDATE;

-- name: lock_heads
-- Second lock of an expiry: account heads, in key order, with what is held of them.
SELECT account_id, debits_pending, credits_pending FROM ledger.account_head
WHERE book_id = %(book_id)s AND account_id = ANY(%(accounts)s)
ORDER BY account_id FOR NO KEY UPDATE;

-- name: lock_book
-- Last lock of an expiry.
SELECT posting_mode, code FROM ledger.book WHERE book_id = %(book_id)s FOR NO KEY UPDATE;

-- name: due_holds
-- Open holds whose time has come, the longest due first.
SELECT hold_id FROM ledger.hold
WHERE book_id = %(book_id)s AND closed_position IS NULL AND expires_at <= clock_timestamp()
ORDER BY expires_at, hold_id LIMIT %(limit)s;

-- name: books_with_due_holds
-- Books in which a hold has come due and that take postings.
SELECT book_id, code FROM ledger.book
WHERE posting_mode = 'open' AND EXISTS (SELECT FROM ledger.hold
    WHERE hold.book_id = book.book_id AND closed_position IS NULL AND expires_at <= clock_timestamp())
ORDER BY book_id;

-- name: insert_holds
-- Holds that this transaction placed, as they are at its end.
INSERT INTO ledger.hold (book_id, hold_id, account_id, asset_id, side, amount_minor, tolerance_bps, expires_at, captured_minor,
    released_minor, status, placed_position, closed_position)
SELECT book_id, hold_id, account_id, asset_id, side::"char", amount_minor, tolerance_bps,
    expires_at, captured_minor, released_minor, status, placed_position, nullif(closed_position, 0)
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(accounts)s::integer[], %(assets)s::smallint[], %(sides)s::text[],
    %(amounts)s::bigint[], %(tolerances)s::smallint[], %(expires_at)s::timestamptz[], %(captured)s::bigint[], %(released)s::bigint[],
    %(statuses)s::text[], %(placed)s::bigint[], %(closed)s::bigint[])
    AS placed (book_id, hold_id, account_id, asset_id, side, amount_minor, tolerance_bps, expires_at, captured_minor,
        released_minor, status, placed_position, closed_position);

-- name: update_holds
-- Holds that were there before, as they are now.
UPDATE ledger.hold SET captured_minor = after.captured_minor, released_minor = after.released_minor, status = after.status,
    closed_position = nullif(after.closed_position, 0)
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(captured)s::bigint[], %(released)s::bigint[], %(statuses)s::text[],
    %(closed)s::bigint[]) AS after (book_id, hold_id, captured_minor, released_minor, status, closed_position)
WHERE hold.book_id = after.book_id AND hold.hold_id = after.hold_id;

-- name: update_heads
-- Heads of which something else is held now: one update for what is posted and what is held, since limits mind both.
UPDATE ledger.account_head AS head
SET posting_sequence = after.posting_sequence, debits_posted = after.debits_posted, credits_posted = after.credits_posted,
    debits_pending = after.debits_pending, credits_pending = after.credits_pending
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(sequences)s::bigint[], %(debits)s::bigint[], %(credits)s::bigint[],
    %(debits_pending)s::bigint[], %(credits_pending)s::bigint[])
    AS after (book_id, account_id, posting_sequence, debits_posted, credits_posted, debits_pending, credits_pending)
WHERE head.book_id = after.book_id AND head.account_id = after.account_id;

-- name: update_pending
-- What is held of accounts, only where it changed.
UPDATE ledger.account_head AS head SET debits_pending = after.debits_pending, credits_pending = after.credits_pending
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(debits)s::bigint[], %(credits)s::bigint[])
    AS after (book_id, account_id, debits_pending, credits_pending)
WHERE head.book_id = after.book_id AND head.account_id = after.account_id;
