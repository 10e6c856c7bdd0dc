-- name: holds
-- A page of holds by id, in one status where that is given.
SELECT hold.hold_id, account.code, hold.status, hold.side::text, hold.amount_minor, hold.captured_minor, hold.released_minor,
    asset.code, asset.scale, hold.tolerance_bps, hold.expires_at, hold.placed_position, hold.closed_position
FROM ledger.hold
JOIN ledger.account ON account.book_id = hold.book_id AND account.account_id = hold.account_id
JOIN ledger.asset ON asset.asset_id = hold.asset_id
WHERE hold.book_id = %(book_id)s AND hold.hold_id > %(after)s
    AND (%(status)s::text IS NULL OR hold.status = %(status)s)
ORDER BY hold.hold_id LIMIT %(limit)s;

-- name: holds_of_account
-- The same of one account.
SELECT hold.hold_id, account.code, hold.status, hold.side::text, hold.amount_minor, hold.captured_minor, hold.released_minor,
    asset.code, asset.scale, hold.tolerance_bps, hold.expires_at, hold.placed_position, hold.closed_position
FROM ledger.account
JOIN ledger.hold ON hold.book_id = account.book_id AND hold.account_id = account.account_id
JOIN ledger.asset ON asset.asset_id = hold.asset_id
WHERE account.book_id = %(book_id)s AND account.code = %(account)s AND hold.hold_id > %(after)s
    AND (%(status)s::text IS NULL OR hold.status = %(status)s)
ORDER BY hold.hold_id LIMIT %(limit)s;

-- name: hold
-- One hold.
SELECT hold.hold_id, account.code, hold.status, hold.side::text, hold.amount_minor, hold.captured_minor, hold.released_minor,
    asset.code, asset.scale, hold.tolerance_bps, hold.expires_at, hold.placed_position, hold.closed_position
FROM ledger.hold
JOIN ledger.account ON account.book_id = hold.book_id AND account.account_id = hold.account_id
JOIN ledger.asset ON asset.asset_id = hold.asset_id
WHERE hold.book_id = %(book_id)s AND hold.hold_id = %(hold_id)s;
