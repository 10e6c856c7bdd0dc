-- name: lock_book
-- Locks the book, and says which day it is there: the later of its own last time and the clock's.
SELECT position, (greatest(recorded_at, clock_timestamp()) AT TIME ZONE 'UTC')::date
FROM ledger.book WHERE book_id = %s FOR NO KEY UPDATE;

-- name: book_day
-- The same without a lock.
SELECT position, (greatest(recorded_at, clock_timestamp()) AT TIME ZONE 'UTC')::date FROM ledger.book WHERE book_id = %s;

-- name: periods
-- Periods that were ever closed, in their order.
SELECT through, after, status, closings FROM ledger.period WHERE book_id = %s ORDER BY through;

-- name: begun_at
-- Where the closing under way stands in the log: its trial balance is that of what was recorded until then.
SELECT position FROM ledger.period WHERE book_id = %s AND through = %s;

-- name: write_period
-- How a period stands after its event.
INSERT INTO ledger.period (book_id, through, after, status, closings, position)
VALUES (%(book_id)s, %(through)s, %(after)s, %(status)s, %(closings)s, %(position)s)
ON CONFLICT (book_id, through) DO UPDATE SET status = excluded.status, closings = excluded.closings, position = excluded.position;

-- name: set_closed_through
-- Up to and with the last moment of a day; null opens everything.
UPDATE ledger.book SET closed_through = coalesce(
    ((%(day)s::date + 1)::timestamp AT TIME ZONE 'UTC') - interval '1 microsecond', '-infinity')
WHERE book_id = %(book_id)s;

-- name: account_sums
-- Debits and credits per account of what took effect through a day and was recorded up to a position.
SELECT account.code, asset.code, sums.debits, sums.credits
FROM (
    SELECT account_id, coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0)::bigint AS debits,
        coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0)::bigint AS credits
    FROM ledger.entry
    WHERE book_id = %(book_id)s AND position <= %(position)s
        AND effective_at < (%(through)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    GROUP BY account_id
) sums
JOIN ledger.account ON account.book_id = %(book_id)s AND account.account_id = sums.account_id
JOIN ledger.asset USING (asset_id)
ORDER BY account.code;
