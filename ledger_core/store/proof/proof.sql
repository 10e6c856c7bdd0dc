-- name: end_of_book
-- The last block of a book, and what its signed checkpoints must go on from.
SELECT book.book_id, block.number, block.last_position, block.hash, block.recorded_at, book.log_epoch
FROM ledger.book JOIN ledger.block ON block.book_id = book.book_id AND block.number = book.block_number
WHERE book.code = %s;

-- name: books
-- Books with anything in them, by code.
SELECT code FROM ledger.book WHERE position > 0 ORDER BY code;

-- name: signed_checkpoints
-- Signed checkpoints of a book from a block on, first to last.
SELECT book.code, signed.block_number, signed.position, signed.block_hash, signed.tree_root,
    signed.recorded_at, signed.log_epoch, signed.key_name, signed.public_key, signed.signature,
    signed.frontier, signed.event_position
FROM ledger.signed_checkpoint AS signed JOIN ledger.book USING (book_id)
WHERE book.code = %(book)s AND signed.block_number >= %(from_block)s
ORDER BY signed.block_number, signed.event_position LIMIT %(limit)s;

-- name: last_signed_checkpoint
-- The latest signed checkpoint of a book.
SELECT book.code, signed.block_number, signed.position, signed.block_hash, signed.tree_root,
    signed.recorded_at, signed.log_epoch, signed.key_name, signed.public_key, signed.signature,
    signed.frontier, signed.event_position
FROM ledger.signed_checkpoint AS signed JOIN ledger.book USING (book_id)
WHERE book.code = %s
ORDER BY signed.block_number DESC, signed.event_position DESC LIMIT 1;

-- name: chain
-- A run of blocks in order, with what their hashes are made of.
SELECT number, previous_hash, merkle_root, first_position, last_position,
    (extract(epoch FROM recorded_at) * 1000000)::bigint, hash
FROM ledger.block WHERE book_id = %s AND number BETWEEN %s AND %s ORDER BY number;

-- name: insert_signed_checkpoint
-- A checkpoint that was signed, beside the event that publishes it.
INSERT INTO ledger.signed_checkpoint (book_id, block_number, position, event_position, log_epoch, recorded_at, key_name,
    public_key, block_hash, tree_root, frontier, signature)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);

-- name: position_of_voucher
-- Where a voucher stands.
SELECT position FROM ledger.event WHERE book_id = %s AND voucher_no = %s AND voucher_no > 0;

-- name: position_of_upstream_event
-- Where the outcome of an upstream event stands, the latest one.
SELECT block.first_position + inbox.ordinal
FROM ledger.source JOIN ledger.inbox USING (book_id, source_id) JOIN ledger.block USING (book_id, batch_id)
WHERE source.book_id = %s AND source.uri = %s AND inbox.event_id = %s
ORDER BY inbox.revision DESC LIMIT 1;

-- name: book
-- The id of a book.
SELECT book_id FROM ledger.book WHERE code = %s;

-- name: block_of_position
-- The block that holds a position.
SELECT number, first_position, last_position, (extract(epoch FROM recorded_at) * 1000000)::bigint, merkle_root,
    previous_hash, hash
FROM ledger.block WHERE book_id = %(book_id)s AND last_position >= %(position)s AND first_position <= %(position)s
ORDER BY last_position LIMIT 1;

-- name: events_of_block
-- What the leaves of a block are made of, in their order.
SELECT type, order_key, originator_id, originator_version, state
FROM ledger.event WHERE book_id = %s AND position BETWEEN %s AND %s ORDER BY position;

-- name: block_hashes
-- The hashes of the first blocks of a book, one after another.
SELECT coalesce(string_agg(hash, ''::bytea ORDER BY number), ''::bytea)
FROM ledger.block WHERE book_id = %s AND number <= %s;
