-- name: parked
-- Per order key what its queue waits for, how much stands behind that, and since when; the longest first.
SELECT head.order_key, head.event_id, head.source, head.code, head.detail, head.waits_for, head.recorded_at, queue.events
FROM (
    SELECT order_key, min(position) AS position, count(*) AS events FROM ledger.dead_letter
    WHERE book_id = %(book_id)s AND resolved_position IS NULL AND outcome = 'PARKED'
    GROUP BY order_key
) AS queue
CROSS JOIN LATERAL (
    SELECT letter.order_key, letter.event_id, source.uri AS source, letter.code, letter.detail, letter.waits_for, block.recorded_at
    FROM ledger.dead_letter AS letter
    JOIN ledger.source ON source.book_id = letter.book_id AND source.source_id = letter.source_id
    CROSS JOIN LATERAL (
        SELECT recorded_at FROM ledger.block
        WHERE block.book_id = letter.book_id AND block.last_position >= letter.position
        ORDER BY block.last_position LIMIT 1
    ) AS block
    WHERE letter.book_id = %(book_id)s AND letter.position = queue.position
) AS head
ORDER BY queue.position LIMIT %(limit)s;

-- name: waited_for
-- All that events at the heads of queues wait for, with how many queues: what has been waited for longest comes first.
SELECT waits_for, count(*) FROM (
    SELECT DISTINCT ON (order_key) order_key, waits_for, position FROM ledger.dead_letter
    WHERE book_id = %(book_id)s AND resolved_position IS NULL AND outcome = 'PARKED'
    ORDER BY order_key, position
) AS head
GROUP BY waits_for ORDER BY min(position);
