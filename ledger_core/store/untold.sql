-- name: wait_for_book
-- Whoever is about to commit a batch holds its books.
SELECT 1 FROM ledger.book WHERE book_id = %s FOR NO KEY UPDATE;

-- name: has_block
-- Whether this batch wrote to this book.
SELECT EXISTS (SELECT FROM ledger.block WHERE book_id = %s AND batch_id = %s);

-- name: this_transaction
-- Its number, for whoever asks later.
SELECT pg_current_xact_id()::text;

-- name: wait_for_source
-- Whoever is about to commit a batch holds its partitions.
SELECT 1 FROM ledger.source_position WHERE topic = %s AND partition = %s FOR NO KEY UPDATE;

-- name: is_committed
-- Whether a transaction was. One that this server has not come to yet was lost with another server.
SELECT coalesce(
    CASE WHEN %(number)s::xid8 < pg_snapshot_xmax(pg_current_snapshot())
        THEN pg_xact_status(%(number)s::xid8) = 'committed' END, false
);
