-- name: by_tables
-- What parked events go on waiting for though tables say that it has come true, by the book in which they wait:
-- accounts that are there and not frozen, books that are there, profiles and customers that are verified, periods that are open
-- again; events whose vouchers are named, once they are decided, or wait, under another order key: under the same one they have
-- healed what names them, or stand in its queue.
SELECT DISTINCT book.code, letter.waits_for
FROM ledger.dead_letter AS letter
JOIN ledger.book USING (book_id)
JOIN ledger.account ON account.book_id = letter.book_id AND account.code = substr(letter.waits_for, length('account:') + 1)
JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND letter.waits_for LIKE 'account:%'
    AND book.posting_mode = 'open' AND head.status <> 'F'
UNION ALL
SELECT DISTINCT system.code, letter.waits_for
FROM ledger.dead_letter AS letter
JOIN ledger.book AS system USING (book_id)
JOIN ledger.book_directory AS directory ON directory.code = substr(letter.waits_for, length('book:') + 1)
JOIN ledger.book ON book.book_id = directory.book_id
WHERE letter.book_id = 0 AND letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND letter.waits_for LIKE 'book:%'
    AND book.posting_mode = 'open'
UNION ALL
SELECT DISTINCT book.code, letter.waits_for
FROM ledger.dead_letter AS letter
JOIN ledger.book USING (book_id)
JOIN (VALUES ('settlement_profile', 'profile:'), ('verification', 'gate:verification:')) AS told (kind, prefix)
    ON starts_with(letter.waits_for, told.prefix)
CROSS JOIN LATERAL (
    SELECT said FROM ledger.notice
    WHERE notice.book_id = letter.book_id AND notice.kind = told.kind
        AND notice.key = substr(letter.waits_for, length(told.prefix) + 1)
    ORDER BY revision DESC LIMIT 1
) AS last
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND book.posting_mode = 'open'
    AND last.said ->> 'status' = 'VERIFIED'
UNION ALL
SELECT DISTINCT book.code, letter.waits_for
FROM ledger.dead_letter AS letter
JOIN ledger.book USING (book_id)
JOIN ledger.event ON event.book_id = letter.book_id AND event.position = letter.position
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND letter.waits_for = 'period'
    AND book.posting_mode = 'open'
    AND (convert_from(event.state, 'UTF8')::jsonb ->> 'effective_at')::timestamptz > book.closed_through
UNION ALL
SELECT DISTINCT book.code, letter.waits_for
FROM ledger.dead_letter AS letter
JOIN ledger.book USING (book_id)
JOIN ledger.source ON source.book_id = letter.book_id AND starts_with(letter.waits_for, 'voucher:' || source.uri || '#')
CROSS JOIN LATERAL (
    SELECT batch_id, ordinal FROM ledger.inbox
    WHERE inbox.book_id = letter.book_id AND inbox.source_id = source.source_id
        AND inbox.event_id = substr(letter.waits_for, length('voucher:' || source.uri || '#') + 1)
    ORDER BY revision DESC LIMIT 1
) AS latest
JOIN ledger.block ON block.book_id = letter.book_id AND block.batch_id = latest.batch_id
JOIN ledger.event ON event.book_id = letter.book_id AND event.position = block.first_position + latest.ordinal
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND letter.waits_for LIKE 'voucher:%'
    AND book.posting_mode = 'open' AND (event.type <> 'event.parked' OR event.order_key <> letter.order_key)
ORDER BY 1, 2;

-- name: of_charts
-- What parked events wait for that a version of the chart can make true; of accounts those that are not there.
SELECT DISTINCT book.code, book.chart_version, letter.waits_for
FROM ledger.dead_letter AS letter
JOIN ledger.book USING (book_id)
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND book.posting_mode = 'open'
    AND (letter.waits_for LIKE 'control:%' OR letter.waits_for LIKE 'profile:%' OR letter.waits_for = 'period'
        OR letter.waits_for LIKE 'gate:%' OR letter.waits_for LIKE 'sweep:%'
        OR letter.waits_for = 'payment.intent_created|payment.authorized'
        OR letter.waits_for LIKE 'account:%' AND NOT EXISTS (
            SELECT FROM ledger.account
            WHERE account.book_id = letter.book_id
                AND account.code = substr(letter.waits_for, length('account:') + 1)))
ORDER BY 1, 3;

-- name: of_releases
-- Of each type of event that parked ones wait for, one of them: rows as of the query `parked_queue`.
SELECT DISTINCT ON (letter.book_id, letter.waits_for)
    letter.book_id, letter.position, letter.order_key, letter.waits_for, letter.event_id, letter.source_id, letter.revision,
    letter.topic, letter.partition, letter.log_offset, letter.timestamp_ms, letter.key, letter.value, letter.headers
FROM ledger.dead_letter AS letter
JOIN ledger.book USING (book_id)
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED' AND letter.waits_for LIKE 'schema:%'
    AND book.posting_mode = 'open'
ORDER BY letter.book_id, letter.waits_for, letter.position;
