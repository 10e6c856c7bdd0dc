-- name: next_batch_id
-- A batch's name, taken before BEGIN.
SELECT nextval('ledger.batch_id');

-- name: known_keys
-- What the inbox holds of these keys, by place from 1: the fingerprint that was decided first.
SELECT asked.place, inbox.fingerprint
FROM unnest(%(books)s::integer[], %(sources)s::integer[], %(event_ids)s::text[]) WITH ORDINALITY
    AS asked (book_id, source_id, event_id, place)
JOIN ledger.inbox ON inbox.book_id = asked.book_id AND inbox.source_id = asked.source_id
    AND inbox.event_id = asked.event_id AND inbox.revision = 1;

-- name: lock_sources
-- Step 1, the fence: rows of the partitions in this batch, in key order, as they stand.
SELECT topic, partition, incarnation, next_offset
FROM ledger.source_position
WHERE (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::integer[]))
ORDER BY topic, partition FOR NO KEY UPDATE;

-- name: copy_inbox
-- Step 2: keys, in key order; a known one violates the primary key.
COPY ledger.inbox (batch_id, book_id, source_id, ordinal, revision, event_id, fingerprint) FROM STDIN (FORMAT BINARY);

-- name: copy_subjects
-- Step 3: subjects of new order keys as they will be, in key order; a known one violates the primary key.
COPY ledger.subject (book_id, order_key, authorised_minor, captured_minor, refunded_minor, asset_id, voided, parked, captures)
FROM STDIN (FORMAT BINARY);

-- name: copy_parts
-- Step 3: parts of new order keys as they will be.
COPY ledger.subject_part (book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id, vouchers)
FROM STDIN (FORMAT BINARY);

-- name: parked_keys
-- Of events that need no subject: is their order key parked? One look-up in the partial index.
SELECT count(*)
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.subject USING (book_id, order_key) WHERE subject.parked > 0;

-- name: lock_subjects
-- Step 3 on the exact path: what is known of these order keys, in key order.
SELECT subject.book_id, subject.order_key, authorised_minor, captured_minor, refunded_minor, asset_id, voided, parked,
    marks, captures
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.subject USING (book_id, order_key)
ORDER BY subject.book_id, subject.order_key FOR NO KEY UPDATE OF subject;

-- name: parked_queue
-- Parked events of locked order keys, oldest first.
SELECT letter.book_id, letter.position, letter.order_key, letter.waits_for, letter.event_id, letter.source_id, letter.revision,
    letter.topic, letter.partition, letter.log_offset, letter.timestamp_ms, letter.key, letter.value, letter.headers
FROM unnest(%(books)s::integer[], %(keys)s::text[]) AS asked (book_id, order_key)
JOIN ledger.dead_letter AS letter USING (book_id, order_key)
WHERE letter.resolved_position IS NULL AND letter.outcome = 'PARKED'
ORDER BY letter.book_id, letter.position;

-- name: parked_for
-- Order keys with a parked event that waits for this, in the order in which they came to.
SELECT book_id, order_key FROM ledger.dead_letter
WHERE book_id = %s AND waits_for = %s AND resolved_position IS NULL AND outcome = 'PARKED'
GROUP BY book_id, order_key ORDER BY min(position);

-- name: lock_heads
-- Step 4: heads in key order, as columns. Everything that decides is on the locked row; the status of one with limits
-- that warn or deny comes in lower case, and only then is `head_limits` asked.
WITH locked AS MATERIALIZED (
    SELECT head.*
    FROM unnest(%(books)s::integer[], %(accounts)s::integer[]) AS asked (book_id, account_id)
    JOIN ledger.account_head AS head USING (book_id, account_id)
    ORDER BY head.book_id, head.account_id FOR NO KEY UPDATE OF head
)
SELECT array_agg(account_id), array_agg(posting_sequence), array_agg(debits_posted), array_agg(credits_posted),
    array_agg(asset_id), string_agg(CASE limit_policy WHEN 'A' THEN status::text ELSE lower(status::text) END, '')
FROM locked;

-- name: head_limits
-- Step 4, of heads that are locked: limits that warn or deny, and what holds will take.
SELECT head.book_id, head.account_id, minimum_minor, maximum_minor, limit_policy::text, normal_side::text, debits_pending,
    credits_pending
FROM unnest(%(books)s::integer[], %(accounts)s::integer[]) AS asked (book_id, account_id)
JOIN ledger.account_head AS head USING (book_id, account_id)
WHERE head.limit_policy <> 'A';

-- name: closed_through
-- Step 5: how far periods are closed; step 6 compares it under the book's lock, or an event could park on a period that
-- was reopened meanwhile, when nobody would heal it any more.
SELECT book_id, CASE WHEN closed_through = '-infinity' THEN -9223372036854775808
    ELSE (extract(epoch FROM closed_through) * 1000000)::bigint END
FROM ledger.book WHERE book_id = ANY(%(books)s);

-- name: lock_books
-- Step 6: from here to COMMIT these books are serial.
SELECT book_id, position, voucher_no, block_number, block_hash, posting_mode, chart_version,
    (extract(epoch FROM greatest(recorded_at, clock_timestamp())) * 1000000)::bigint,
    CASE WHEN closed_through = '-infinity' THEN -9223372036854775808
        ELSE (extract(epoch FROM closed_through) * 1000000)::bigint END
FROM ledger.book WHERE book_id = ANY(%(books)s)
ORDER BY book_id FOR NO KEY UPDATE;

-- name: raise_books
-- Step 6: fewer rows than asked: a period closed or posting halted meanwhile.
UPDATE ledger.book SET position = raised.position, voucher_no = raised.voucher_no, block_number = book.block_number + 1,
    block_hash = raised.block_hash, recorded_at = to_timestamp(0) + raised.recorded_at_us * interval '1 microsecond'
FROM unnest(%(books)s::integer[], %(positions)s::bigint[], %(voucher_nos)s::bigint[], %(hashes)s::bytea[],
    %(recorded_at_us)s::bigint[], %(min_effective_us)s::bigint[])
    AS raised (book_id, position, voucher_no, block_hash, recorded_at_us, min_effective_us)
WHERE book.book_id = raised.book_id AND book.posting_mode = 'open'
    AND book.closed_through < to_timestamp(0) + raised.min_effective_us * interval '1 microsecond';

-- name: opened_meanwhile
-- Of accounts that events are about to wait for: how many exist by now, and are not frozen?
SELECT count(*)
FROM unnest(%(books)s::integer[], %(codes)s::text[]) AS asked (book_id, code)
JOIN ledger.account USING (book_id, code)
JOIN ledger.account_head AS head USING (book_id, account_id)
WHERE head.status <> 'F';

-- name: created_meanwhile
-- Of books that events are about to wait for in the system book: how many exist by now?
SELECT count(*) FROM ledger.book_directory WHERE code = ANY(%s);

-- name: update_heads
-- Step 7: one row per distinct account, however many entries it got.
UPDATE ledger.account_head AS head
SET posting_sequence = after.posting_sequence, debits_posted = after.debits_posted, credits_posted = after.credits_posted
FROM unnest(%(books)s::integer[], %(accounts)s::integer[], %(sequences)s::bigint[], %(debits)s::bigint[], %(credits)s::bigint[])
    AS after (book_id, account_id, posting_sequence, debits_posted, credits_posted)
WHERE head.book_id = after.book_id AND head.account_id = after.account_id;

-- name: copy_blocks
-- Step 7: blocks, before the entries whose guard looks for them.
COPY ledger.block (book_id, number, batch_id, first_position, last_position, recorded_at, merkle_root, previous_hash, hash,
    leaf_marks)
FROM STDIN (FORMAT BINARY);

-- name: copy_entries
-- Step 7.
COPY ledger.entry (posting_sequence, position, amount_minor, running_minor, effective_at, book_id, account_id, line, purpose,
    asset_id, side, order_key) FROM STDIN (FORMAT BINARY);

-- name: copy_events
-- Step 7.
COPY ledger.event (position, voucher_no, book_id, originator_version, originator_id, type, order_key, state) FROM STDIN (FORMAT BINARY);

-- name: insert_dead_letters
-- Step 7: refused events with their bytes and coordinates.
INSERT INTO ledger.dead_letter (book_id, position, source_id, event_id, revision, outcome, code, detail, waits_for, order_key,
    topic, partition, incarnation, log_offset, timestamp_ms, key, value, headers)
VALUES (%(book_id)s, %(position)s, %(source_id)s, %(event_id)s, %(revision)s, %(outcome)s, %(code)s, %(detail)s, %(waits_for)s,
    %(order_key)s, %(topic)s, %(partition)s, %(incarnation)s, %(log_offset)s, %(timestamp_ms)s, %(key)s, %(value)s, %(headers)s);

-- name: resolve_dead_letters
-- Step 7: parked events that have an outcome now.
UPDATE ledger.dead_letter AS letter SET resolved_position = healed.resolved_position
FROM unnest(%(books)s::integer[], %(positions)s::bigint[], %(resolved)s::bigint[]) AS healed (book_id, position, resolved_position)
WHERE letter.book_id = healed.book_id AND letter.position = healed.position;

-- name: update_waiting
-- Step 7: parked events that wait for something else now.
UPDATE ledger.dead_letter AS letter SET waits_for = waiting.waits_for
FROM unnest(%(books)s::integer[], %(positions)s::bigint[], %(waits_for)s::text[]) AS waiting (book_id, position, waits_for)
WHERE letter.book_id = waiting.book_id AND letter.position = waiting.position;

-- name: update_subjects
-- Step 7 on the exact path.
UPDATE ledger.subject SET authorised_minor = after.authorised_minor, captured_minor = after.captured_minor,
    refunded_minor = after.refunded_minor, asset_id = after.asset_id, voided = after.voided, parked = after.parked,
    marks = after.marks, captures = after.captures::bigint[]
FROM unnest(%(books)s::integer[], %(keys)s::text[], %(authorised)s::bigint[], %(captured)s::bigint[], %(refunded)s::bigint[],
    %(assets)s::smallint[], %(voided)s::boolean[], %(parked)s::integer[], %(marks)s::smallint[], %(captures)s::text[])
    AS after (book_id, order_key, authorised_minor, captured_minor, refunded_minor, asset_id, voided, parked, marks, captures)
WHERE subject.book_id = after.book_id AND subject.order_key = after.order_key;

-- name: advance_sources
-- Step 7, last: the cursor moves in the same transaction.
UPDATE ledger.source_position AS source
SET next_offset = moved.next_offset,
    last_offset = CASE WHEN moved.last_offset >= 0 THEN moved.last_offset ELSE source.last_offset END,
    last_timestamp_ms = CASE WHEN moved.last_offset >= 0 THEN moved.last_timestamp_ms ELSE source.last_timestamp_ms END,
    last_hash = CASE WHEN moved.last_offset >= 0 THEN moved.last_hash ELSE source.last_hash END,
    posted = source.posted + moved.posted, recorded = source.recorded + moved.recorded, replayed = source.replayed + moved.replayed,
    skipped = source.skipped + moved.skipped, rejected = source.rejected + moved.rejected, parked = source.parked + moved.parked,
    gaps = source.gaps + moved.gaps
FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(next_offsets)s::bigint[], %(last_offsets)s::bigint[],
    %(last_timestamps_ms)s::bigint[], %(last_hashes)s::bytea[], %(posted)s::bigint[], %(recorded)s::bigint[], %(replayed)s::bigint[],
    %(skipped)s::bigint[], %(rejected)s::bigint[], %(parked)s::bigint[], %(gaps)s::bigint[])
    AS moved (topic, partition, next_offset, last_offset, last_timestamp_ms, last_hash, posted, recorded, replayed, skipped,
        rejected, parked, gaps)
WHERE source.topic = moved.topic AND source.partition = moved.partition;

-- name: insert_source_positions
-- Source rows of partitions seen for the first time, at the log's beginning.
INSERT INTO ledger.source_position (topic, partition, beginning, next_offset)
SELECT topic, partition, beginning, beginning
FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(beginnings)s::bigint[]) AS asked (topic, partition, beginning)
ORDER BY topic, partition
ON CONFLICT (topic, partition) DO NOTHING;

-- name: source_positions
-- Where these partitions stand.
SELECT topic, partition, incarnation, beginning, next_offset, last_offset, last_timestamp_ms, last_hash, stopped_code, stopped_detail
FROM ledger.source_position
WHERE (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::integer[]));

-- name: positions_of_topics
-- Where all partitions of these topics stand.
SELECT topic, partition, next_offset FROM ledger.source_position WHERE topic = ANY(%s);

-- name: stop_source
-- Stops a partition with a reason; an operator starts it again.
UPDATE ledger.source_position SET stopped_code = %(code)s, stopped_detail = %(detail)s
WHERE topic = %(topic)s AND partition = %(partition)s;

-- name: maintenance
-- Rows that stop posting now, with the code of the book they are for.
SELECT maintenance.book_id, coalesce(book.code, ''), scope, mode, reason
FROM ledger.maintenance LEFT JOIN ledger.book ON book.book_id = maintenance.book_id
WHERE until_at IS NULL OR until_at > clock_timestamp();

-- name: halted_of_ids
-- Which of these books are closed to posting, by code.
SELECT code FROM ledger.book WHERE book_id = ANY(%s) AND posting_mode = 'halted' ORDER BY book_id;

-- name: halted_of_codes
-- Which of these books are closed to posting.
SELECT code FROM ledger.book WHERE code = ANY(%s) AND posting_mode = 'halted';
