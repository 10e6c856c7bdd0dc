-- name: earlier_events
-- Accepted events of some order keys up to a position, and their places (batch id and ordinal). No index leads to them: the
-- server reads the book up to there, and sends what is asked for.
SELECT event.position, event.order_key, event.state, block.batch_id << 16 | (event.position - block.first_position)
FROM ledger.event
JOIN LATERAL (SELECT batch_id, first_position FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1) AS block ON true
WHERE event.book_id = %(book_id)s AND event.position <= %(position)s AND event.order_key = ANY (%(keys)s)
    AND event.type IN ('voucher.posted', 'fact.recorded', 'hold.expired');

-- name: holds_since
-- Holds whose rows say that they were placed or closed after a position.
SELECT hold_id FROM ledger.hold
WHERE book_id = %(book_id)s AND (placed_position > %(position)s OR closed_position > %(position)s);
