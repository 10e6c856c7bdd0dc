-- name: wait_for_book
-- Whoever is about to commit a batch holds its books.
SELECT 1 FROM ledger.book WHERE book_id = %s FOR NO KEY UPDATE;

-- name: has_block
-- Whether this batch wrote to this book.
SELECT EXISTS (SELECT FROM ledger.block WHERE book_id = %s AND batch_id = %s);

-- name: wait_for_source
-- Where a partition stands, once nobody is moving it.
SELECT incarnation, next_offset FROM ledger.source_position WHERE topic = %s AND partition = %s FOR NO KEY UPDATE;
