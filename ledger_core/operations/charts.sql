-- name: book_id
-- The id of a book.
SELECT book_id FROM ledger.book_directory WHERE code = %s;

-- name: chart
-- A version of a book's chart, or the one in force.
SELECT chart.version, chart.version = book.chart_version, chart.document
FROM ledger.book JOIN ledger.chart USING (book_id)
WHERE book_id = %(book_id)s AND chart.version = coalesce(%(version)s::integer, book.chart_version);

-- name: open_accounts
-- Accounts of a book as their openings said, and how many entries each has.
SELECT account.code, account.type, asset.code, account.role, account.keyed, head.posting_sequence, head.status = 'C'
FROM ledger.account
JOIN ledger.asset ON asset.asset_id = account.asset_id
JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
WHERE account.book_id = %s ORDER BY account.code;

-- name: lock_heads
-- Heads of these accounts in key order.
SELECT head.account_id, account.code
FROM ledger.account_head AS head
JOIN ledger.account ON account.book_id = head.book_id AND account.account_id = head.account_id
WHERE head.book_id = %s AND account.code = ANY(%s)
ORDER BY head.book_id, head.account_id FOR NO KEY UPDATE OF head;

-- name: lock_book
-- From here to COMMIT the book is serial.
SELECT book_id FROM ledger.book WHERE book_id = %s FOR NO KEY UPDATE;

-- name: set_version
-- Another version of the chart comes into force.
UPDATE ledger.book SET chart_version = %s WHERE book_id = %s;
