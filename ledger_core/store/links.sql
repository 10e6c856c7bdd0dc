-- name: vouchers_by_number
-- Vouchers that events name by their number, and where each stands in its block.
SELECT asked.n, event.type, event.position, event.voucher_no, event.order_key, event.state,
    block.batch_id << 16 | (event.position - block.first_position)
FROM unnest(%(books)s::integer[], %(numbers)s::bigint[]) WITH ORDINALITY AS asked (book_id, voucher_no, n)
JOIN ledger.event ON event.book_id = asked.book_id AND event.voucher_no = asked.voucher_no AND event.voucher_no > 0
CROSS JOIN LATERAL (
    SELECT batch_id, first_position FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block;

-- name: vouchers_by_event
-- What became of upstream events that others name: the outcome of the latest revision.
SELECT asked.n, event.type, event.position, event.voucher_no, event.order_key, event.state,
    latest.batch_id << 16 | latest.ordinal
FROM unnest(%(books)s::integer[], %(sources)s::text[], %(event_ids)s::text[])
    WITH ORDINALITY AS asked (book_id, uri, event_id, n)
JOIN ledger.source ON source.book_id = asked.book_id AND source.uri = asked.uri
CROSS JOIN LATERAL (
    SELECT batch_id, ordinal FROM ledger.inbox
    WHERE inbox.book_id = source.book_id AND inbox.source_id = source.source_id AND inbox.event_id = asked.event_id
    ORDER BY revision DESC LIMIT 1
) AS latest
JOIN ledger.block ON block.book_id = asked.book_id AND block.batch_id = latest.batch_id
JOIN ledger.event ON event.book_id = asked.book_id AND event.position = block.first_position + latest.ordinal;

-- name: vouchers_by_reference
-- Vouchers by their place in the log (batch and ordinal), as subjects remember captures.
SELECT asked.n, event.type, event.position, event.voucher_no, event.order_key, event.state, asked.reference
FROM unnest(%(books)s::integer[], %(references)s::bigint[]) WITH ORDINALITY AS asked (book_id, reference, n)
JOIN ledger.block ON block.book_id = asked.book_id AND block.batch_id = asked.reference >> 16
JOIN ledger.event ON event.book_id = asked.book_id AND event.position = block.first_position + (asked.reference & 65535);

-- name: reversed
-- Which of these vouchers are reversed. Asked under the locks of their heads, in a statement after them: whoever
-- reverses one holds the same heads, and has committed or not begun.
SELECT asked.n
FROM unnest(%(books)s::integer[], %(positions)s::bigint[]) WITH ORDINALITY AS asked (book_id, position, n)
JOIN ledger.reversal ON reversal.book_id = asked.book_id AND reversal.reversed_position = asked.position;

-- name: insert_reversals
-- Step 7: which voucher took back which.
INSERT INTO ledger.reversal (book_id, reversed_position, reversal_position)
SELECT * FROM unnest(%(books)s::integer[], %(to)s::bigint[], %(from)s::bigint[]);

-- name: insert_compensations
-- Step 7: which voucher makes good which.
INSERT INTO ledger.compensation (book_id, compensated_position, compensating_position)
SELECT * FROM unnest(%(books)s::integer[], %(to)s::bigint[], %(from)s::bigint[]);
