-- name: books
-- Where books end, by id; of these codes or all.
SELECT book_id, code, position, voucher_no, block_number, block_hash, log_epoch FROM ledger.book
WHERE %(codes)s::text[] IS NULL OR code = ANY (%(codes)s) ORDER BY book_id;

-- name: block_at
-- The first block that ends at or after a position, if its book goes on after it.
SELECT number, last_position FROM ledger.block
WHERE book_id = %s AND last_position >= %s AND last_position < %s ORDER BY last_position LIMIT 1;

-- name: blocks
-- Blocks in order.
SELECT number, batch_id, first_position, last_position, (extract(epoch FROM recorded_at) * 1000000)::bigint, merkle_root,
    previous_hash, hash
FROM ledger.block WHERE book_id = %s AND number BETWEEN %s AND %s ORDER BY number;

-- name: leaf_marks
-- Marks of blocks from one on that end up to a position, where they have any.
SELECT number, leaf_marks FROM ledger.block
WHERE book_id = %s AND number BETWEEN %s AND %s AND last_position <= %s AND leaf_marks IS NOT NULL ORDER BY number;

-- name: marked_blocks
-- Blocks after one and up to another whose events are marked.
SELECT first_position, last_position, leaf_marks FROM ledger.block
WHERE book_id = %s AND number > %s AND number <= %s AND leaf_marks IS NOT NULL ORDER BY number;

-- name: block_before
-- The block before the one that holds a position.
SELECT number, last_position FROM ledger.block
WHERE book_id = %s AND last_position < %s ORDER BY last_position DESC LIMIT 1;

-- name: blocks_by_number
-- Some blocks, as checkpoints describe them.
SELECT number, last_position, hash, (extract(epoch FROM recorded_at) * 1000000)::bigint
FROM ledger.block WHERE book_id = %s AND number = ANY (%s);

-- name: block_hash
-- The hash of one block.
SELECT hash FROM ledger.block WHERE book_id = %s AND number = %s;

-- name: block_hashes
-- Hashes of blocks after one and up to another.
SELECT hash FROM ledger.block WHERE book_id = %s AND number > %s AND number <= %s ORDER BY number;

-- name: blocks_outside
-- Blocks that stand outside the numbers 1 to the book's own.
SELECT count(*), min(number) FROM ledger.block WHERE book_id = %s AND NOT number BETWEEN 1 AND %s;

-- name: events
-- Events in order, as they are stored.
SELECT position, voucher_no, type, order_key, originator_id, originator_version, state
FROM ledger.event WHERE book_id = %s AND position BETWEEN %s AND %s ORDER BY position;

-- name: states
-- States of events at some positions, if they are of a type.
SELECT position, state FROM ledger.event WHERE book_id = %s AND position = ANY (%s) AND type = %s;

-- name: voucher_no_before
-- The last voucher up to a position.
SELECT voucher_no FROM ledger.event
WHERE book_id = %s AND position <= %s AND voucher_no > 0 ORDER BY position DESC LIMIT 1;

-- name: events_outside
-- Events beyond the ends of their book.
SELECT count(*), min(position) FROM ledger.event WHERE book_id = %s AND NOT position BETWEEN 1 AND %s;

-- name: entries
-- Entries by buckets of positions, seven words of 64 bits an entry. One value that is put together costs the server half
-- of what as many arrays do. Inside a bucket they stand in no order: sorting is dearer here than in columns of numbers.
WITH bucket AS MATERIALIZED (
    SELECT (position - %(first)s) / %(bucket)s AS number,
        string_agg(int8send(position) || int8send(account_id * 262144::bigint + asset_id * 4
                + CASE side WHEN 'D' THEN 1 ELSE 0 END + CASE order_key WHEN '' THEN 0 ELSE 2 END)
            || int8send(line * 65536::bigint + purpose) || int8send(posting_sequence) || int8send(amount_minor)
            || int8send(running_minor) || timestamptz_send(effective_at), '') AS words
    FROM ledger.entry
    WHERE book_id = %(book_id)s AND position BETWEEN %(begin)s AND %(end)s
    GROUP BY 1
)
SELECT number, words FROM bucket ORDER BY number;

-- name: entries_before
-- The last entry of each account up to a position, as columns.
SELECT array_agg(account_id ORDER BY account_id), array_agg(posting_sequence ORDER BY account_id),
    array_agg(running_minor ORDER BY account_id)
FROM ledger.account CROSS JOIN LATERAL (
    SELECT posting_sequence, running_minor FROM ledger.entry
    WHERE entry.book_id = account.book_id AND entry.account_id = account.account_id AND entry.position <= %(position)s
    ORDER BY posting_sequence DESC LIMIT 1
) last_entry
WHERE account.book_id = %(book_id)s;

-- name: entries_outside
-- Entries beyond the ends of their book.
SELECT count(*), min(position) FROM ledger.entry WHERE book_id = %s AND NOT position BETWEEN 1 AND %s;

-- name: inbox
-- Inbox rows by the blocks to which they lead, as columns in no order.
SELECT block.first_position, array_agg(inbox.ordinal), array_agg(inbox.source_id), array_agg(inbox.revision),
    array_agg(inbox.event_id)
FROM ledger.block JOIN ledger.inbox USING (book_id, batch_id)
WHERE block.book_id = %(book_id)s AND block.number BETWEEN %(first_block)s AND %(last_block)s
GROUP BY block.book_id, block.number ORDER BY block.number;

-- name: inbox_without_block
-- Inbox rows whose batch wrote no block in their book, or whose ordinal leads out of it.
SELECT count(*), min(inbox.event_id)
FROM ledger.inbox LEFT JOIN ledger.block USING (book_id, batch_id)
WHERE inbox.book_id = %(book_id)s
    AND (block.number IS NULL OR inbox.ordinal NOT BETWEEN 0 AND block.last_position - block.first_position);

-- name: sources
-- Sources of a book.
SELECT uri, source_id FROM ledger.source WHERE book_id = %s;

-- name: assets
-- Everything money is counted in.
SELECT code, asset_id FROM ledger.asset;

-- name: accounts
-- Accounts of a book with their heads, as columns.
SELECT array_agg(account_id ORDER BY account_id), array_agg(account.code ORDER BY account_id),
    array_agg(account.asset_id ORDER BY account_id), array_agg(keyed::integer ORDER BY account_id),
    array_agg(coalesce(posting_sequence, -1) ORDER BY account_id),
    array_agg(coalesce(debits_posted, 0) ORDER BY account_id),
    array_agg(coalesce(credits_posted, 0) ORDER BY account_id)
FROM ledger.account LEFT JOIN ledger.account_head USING (book_id, account_id)
WHERE book_id = %s;

-- name: trial_balance
-- Heads summed up; debits equal credits.
SELECT asset.code, sum(debits_posted) - sum(credits_posted), count(*)
FROM ledger.account_head JOIN ledger.asset USING (asset_id) WHERE book_id = %s GROUP BY 1 ORDER BY 1;

-- name: entry_order_keys
-- Order keys of entries that are not those of their events.
SELECT count(*), min(entry.position) FILTER (WHERE event.order_key IS DISTINCT FROM entry.order_key)
FROM ledger.entry LEFT JOIN ledger.event USING (book_id, position)
WHERE entry.book_id = %s AND entry.order_key <> '';

-- name: source_offsets
-- Outcomes and gaps against offsets.
SELECT count(*), min(topic || '/' || partition) FILTER (
    WHERE next_offset - beginning <> posted + recorded + replayed + skipped + rejected + parked + gaps)
FROM ledger.source_position;

-- name: source_counters
-- What each partition counted, replays aside.
SELECT topic, partition, posted, recorded, skipped, rejected, parked FROM ledger.source_position ORDER BY 1, 2;

-- name: subjects
-- What is known of order keys, of these or all, as columns, some at a time.
SELECT array_agg(order_key), array_agg(authorised_minor), array_agg(captured_minor), array_agg(refunded_minor),
    array_agg(voided::integer), array_agg((marks & 1)::integer), array_agg((marks >> 1 & 1)::integer),
    array_agg(CASE cardinality(captures) WHEN 0 THEN 0 WHEN 1 THEN captures[1]
        ELSE (SELECT sum(reference)::bigint FROM unnest(captures) AS reference) END)
FROM (
    SELECT *, (row_number() OVER ()) / 20000 AS part FROM ledger.subject
    WHERE book_id = %(book_id)s AND (%(keys)s::text[] IS NULL OR order_key = ANY (%(keys)s))
) parts GROUP BY part;

-- name: first_bad_subject
-- The slow way, only once sums differ: payments whose row is not the sum of their events.
WITH folded AS (
    SELECT event.order_key,
        coalesce(sum(amount) FILTER (WHERE said.type = 'payment.authorized.v1'), 0) AS authorised_minor,
        coalesce(sum(amount) FILTER (WHERE said.type = 'payment.captured.v1'), 0) AS captured_minor,
        coalesce(sum(amount) FILTER (WHERE said.type IN ('payment.refunded.v1', 'refund.completed.v1')), 0) AS refunded_minor,
        bool_or(said.type = 'payment.voided.v1') AS voided,
        count(*) FILTER (WHERE said.type = 'payment.failed.v1')
            + 2 * count(*) FILTER (WHERE said.type = 'payment.authorization_expired.v1') AS ends,
        coalesce(sum(reference) FILTER (WHERE said.type = 'payment.captured.v1'), 0) AS reference_sum
    FROM ledger.event
    JOIN LATERAL (SELECT batch_id, first_position FROM ledger.block
        WHERE block.book_id = event.book_id AND block.last_position >= event.position
        ORDER BY block.last_position LIMIT 1) block ON true
    CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
    CROSS JOIN LATERAL (SELECT decoded.state ->> 'event_type' AS type, (decoded.state ->> 'amount_minor')::numeric AS amount,
        batch_id << 16 | (event.position - first_position) AS reference) said
    WHERE event.book_id = %(book_id)s AND event.type IN ('voucher.posted', 'fact.recorded')
        AND said.type IN ('payment.authorized.v1', 'payment.captured.v1', 'payment.refunded.v1', 'payment.voided.v1',
            'payment.failed.v1', 'payment.authorization_expired.v1', 'refund.completed.v1')
        AND NOT EXISTS (
            SELECT FROM ledger.reversal
            JOIN ledger.event AS mirror ON mirror.book_id = reversal.book_id AND mirror.position = reversal_position
            WHERE reversal.book_id = event.book_id AND reversed_position = event.position
                AND convert_from(mirror.state, 'UTF8')::jsonb ->> 'kind' = 'reversal')
    GROUP BY event.order_key
), known AS (
    SELECT order_key, authorised_minor, captured_minor, refunded_minor, voided, marks & 3 AS ends,
        (SELECT coalesce(sum(reference), 0) FROM unnest(captures) AS reference) AS reference_sum
    FROM ledger.subject WHERE book_id = %(book_id)s
)
SELECT coalesce(folded.order_key, known.order_key)
FROM folded FULL JOIN known USING (order_key)
WHERE coalesce(folded.authorised_minor, 0) <> coalesce(known.authorised_minor, 0)
    OR coalesce(folded.captured_minor, 0) <> coalesce(known.captured_minor, 0)
    OR coalesce(folded.refunded_minor, 0) <> coalesce(known.refunded_minor, 0)
    OR coalesce(folded.voided, false) <> coalesce(known.voided, false)
    OR coalesce(folded.ends, 0) <> coalesce(known.ends, 0)
    OR coalesce(folded.reference_sum, 0) <> coalesce(known.reference_sum, 0)
ORDER BY 1 LIMIT 1;

-- name: reversals
-- Which voucher was reversed, and by which.
SELECT reversed_position, reversal_position FROM ledger.reversal WHERE book_id = %s AND reversal_position > %s;

-- name: compensations
-- Which voucher makes good which.
SELECT compensating_position, compensated_position FROM ledger.compensation
WHERE book_id = %s AND compensating_position > %s;

-- name: mirrors
-- Reversals with all that each takes back, in the order in which its lines should stand.
SELECT reversal_position, (array_agg(mirror.state))[1], array_agg(original.state ORDER BY reversed_position)
FROM ledger.reversal
JOIN ledger.event AS mirror ON mirror.book_id = reversal.book_id AND mirror.position = reversal_position
JOIN ledger.event AS original ON original.book_id = reversal.book_id AND original.position = reversed_position
WHERE reversal.book_id = %s AND reversal_position > %s GROUP BY reversal_position ORDER BY reversal_position;

-- name: compensating_mirrors
-- Compensations of transfers with what each takes back: those made by hand have lines of their own.
SELECT compensating_position, mirror.state, ARRAY[original.state]
FROM ledger.compensation
JOIN ledger.event AS mirror ON mirror.book_id = compensation.book_id AND mirror.position = compensating_position
JOIN ledger.event AS original ON original.book_id = compensation.book_id AND original.position = compensated_position
WHERE compensation.book_id = %s AND compensating_position > %s
    AND (position('"event_type":"transfer.inflow.compensated.v1"'::bytea IN mirror.state) > 0
        OR position('"event_type":"transaction.compensated.v1"'::bytea IN mirror.state) > 0)
ORDER BY compensating_position;

-- name: reversed_of_payments
-- What requests took out of the sums of payments: order key, event type and amount of what was reversed, and its place.
SELECT original.order_key, said.state ->> 'event_type', (said.state ->> 'amount_minor')::bigint,
    block.batch_id << 16 | (original.position - block.first_position)
FROM ledger.reversal
JOIN ledger.event AS mirror ON mirror.book_id = reversal.book_id AND mirror.position = reversal_position
JOIN ledger.event AS original ON original.book_id = reversal.book_id AND original.position = reversed_position
CROSS JOIN LATERAL (SELECT convert_from(original.state, 'UTF8')::jsonb AS state) AS said
JOIN LATERAL (SELECT batch_id, first_position FROM ledger.block
    WHERE block.book_id = reversal.book_id AND block.last_position >= original.position
    ORDER BY block.last_position LIMIT 1) AS block ON true
WHERE reversal.book_id = %(book_id)s AND convert_from(mirror.state, 'UTF8')::jsonb ->> 'kind' = 'reversal'
    AND (%(keys)s::text[] IS NULL OR original.order_key = ANY (%(keys)s));

-- name: parked_keys
-- Order keys whose count of parked events is not the number of dead letters that wait.
SELECT count(*), min(order_key) FILTER (WHERE parked IS DISTINCT FROM waiting)
FROM (SELECT order_key, parked FROM ledger.subject WHERE book_id = %(book_id)s AND parked > 0) known
FULL JOIN (
    SELECT order_key, count(*) AS waiting FROM ledger.dead_letter
    WHERE book_id = %(book_id)s AND resolved_position IS NULL AND outcome = 'PARKED' GROUP BY order_key
) queued USING (order_key);

-- name: dead_letters
-- Refused events without their dead letter, and the reverse. Of a refused group the member at fault has it.
SELECT count(*), min(coalesce(refused.position, letter.position)) FILTER (WHERE refused.position IS NULL
    OR letter.position IS NULL
    OR letter.outcome <> CASE refused.type WHEN 'event.parked' THEN 'PARKED' ELSE 'REJECTED' END
    OR letter.order_key <> refused.order_key
    OR letter.code IS DISTINCT FROM convert_from(refused.state, 'UTF8')::jsonb ->> 'code'
    OR letter.resolved_position <= letter.position
    OR (letter.resolved_position IS NOT NULL AND resolving.position IS NULL))
FROM (SELECT * FROM ledger.event
      WHERE book_id = %(book_id)s AND position <= %(until)s AND type IN ('event.rejected', 'event.parked')
          AND convert_from(state, 'UTF8')::jsonb ->> 'code' IS DISTINCT FROM 'GROUP_MEMBER_REFUSED') refused
FULL JOIN (SELECT * FROM ledger.dead_letter WHERE book_id = %(book_id)s) letter ON letter.position = refused.position
LEFT JOIN ledger.event resolving
    ON resolving.book_id = %(book_id)s AND resolving.position = letter.resolved_position
    AND resolving.type IN ('voucher.posted', 'fact.recorded', 'event.rejected', 'event.parked', 'event.skipped',
        'account.frozen', 'account.unfrozen', 'account.closed');

-- name: parked_bytes
-- What waits to be decided again, with the fingerprint that the inbox holds of it.
SELECT letter.position, letter.value, letter.headers, inbox.fingerprint,
    ARRAY[source.uri, letter.event_id, letter.order_key], letter.waits_for
FROM ledger.dead_letter AS letter
LEFT JOIN ledger.source USING (book_id, source_id)
LEFT JOIN ledger.inbox ON inbox.book_id = letter.book_id AND inbox.source_id = letter.source_id
    AND inbox.event_id = letter.event_id AND inbox.revision = 1
WHERE letter.book_id = %s AND letter.resolved_position IS NULL AND letter.outcome = 'PARKED'
ORDER BY letter.position;

-- name: accounts_and_events
-- Accounts that their own events do not explain: opening, versions without gap, status, limits and the side they count on.
WITH told AS (
    SELECT originator_id, originator_version, type, convert_from(state, 'UTF8')::jsonb AS state
    FROM ledger.event
    WHERE book_id = %(book_id)s AND position <= %(until)s AND originator_id IS NOT NULL AND type LIKE 'account.%%'
), life AS (
    SELECT originator_id, count(*) AS events, min(originator_version) AS low, max(originator_version) AS high,
        count(*) FILTER (WHERE type = 'account.opened') AS openings,
        (array_agg(type ORDER BY originator_version DESC)
            FILTER (WHERE type IN ('account.opened', 'account.frozen', 'account.unfrozen', 'account.closed')))[1] AS last_type,
        (array_agg(state -> 'limits' ORDER BY originator_version DESC)
            FILTER (WHERE type IN ('account.opened', 'account.limits_set')))[1] AS limits,
        (array_agg(state ORDER BY originator_version))[1] AS opened
    FROM told GROUP BY originator_id
), account AS (
    SELECT account.code, type, asset.code AS currency, role, keyed, parent, status, minimum_minor, maximum_minor, limit_policy,
        account.asset_id = head.asset_id AS same_asset,
        coalesce(head.normal_side, expected.side) = expected.side AS same_side
    FROM ledger.account JOIN ledger.asset USING (asset_id)
    LEFT JOIN ledger.account_head head USING (book_id, account_id)
    CROSS JOIN LATERAL (SELECT CASE WHEN type IN ('asset', 'expense') THEN 'D'::"char" ELSE 'C' END AS side) expected
    WHERE book_id = %(book_id)s
)
SELECT count(*), min(coalesce(account.code, life.opened ->> 'code', '?')) FILTER (WHERE account.code IS NULL
    OR life.originator_id IS NULL OR account.status IS NULL OR NOT account.same_asset OR NOT account.same_side
    OR life.low <> 1 OR life.high <> life.events OR life.openings <> 1
    OR (life.opened ->> 'type', life.opened ->> 'currency', life.opened ->> 'role', life.opened ->> 'keyed')
        IS DISTINCT FROM (account.type, account.currency, account.role, account.keyed::text)
    OR coalesce(life.opened ->> 'parent', '') <> account.parent
    OR account.status <> CASE life.last_type WHEN 'account.frozen' THEN 'F' WHEN 'account.closed' THEN 'C' ELSE 'O' END
    OR ((life.limits ->> 'minimum_minor')::bigint, (life.limits ->> 'maximum_minor')::bigint)
        IS DISTINCT FROM (account.minimum_minor, account.maximum_minor)
    OR account.limit_policy <> CASE life.limits ->> 'policy' WHEN 'warn' THEN 'W' WHEN 'deny' THEN 'D' ELSE 'A' END)
FROM account FULL JOIN life ON life.opened ->> 'code' = account.code;

-- name: assets_and_events
-- Assets that were added (the schema came with those up to 1002), against the events that say so.
SELECT count(*), min(coalesce(asset.code, added.state ->> 'code')) FILTER (WHERE
    (added.state ->> 'code', added.state ->> 'asset_id', added.state ->> 'scale', added.state ->> 'name')
        IS DISTINCT FROM (asset.code, asset.asset_id::text, asset.scale::text, asset.name))
FROM (SELECT * FROM ledger.asset WHERE asset_id > 1002) asset
FULL JOIN (
    SELECT convert_from(state, 'UTF8')::jsonb AS state FROM ledger.event WHERE book_id = 0 AND type = 'asset.added'
) added ON added.state ->> 'asset_id' = asset.asset_id::text;
-- name: charts
-- Versions of a chart that the log did not put in force, or puts in force otherwise; `told` is their place in the log.
WITH told AS (
    SELECT row_number() OVER (ORDER BY position) AS version, position, s -> 'version' AS stated, coalesce(s -> 'document', s -> 'chart') AS document
    FROM (SELECT position, convert_from(state, 'UTF8')::jsonb AS s FROM ledger.event
          WHERE book_id = %(book_id)s AND position <= %(until)s AND type IN ('book.created', 'chart.applied')) event
)
SELECT count(*), min(coalesce(chart.version, told.version)) FILTER (WHERE chart.version IS NULL OR told.version IS NULL
    OR chart.document IS DISTINCT FROM told.document OR chart.position <> told.position OR coalesce(told.stated, '1') <> to_jsonb(chart.version)
    OR chart.version > (SELECT chart_version FROM ledger.book WHERE book_id = %(book_id)s))
FROM (SELECT * FROM ledger.chart WHERE book_id = %(book_id)s AND book_id > 0) chart
FULL JOIN told ON told.version = chart.version;

-- name: crossings
-- Limits that were crossed, as told, whose cause is no voucher or hold of the same event, or that were none.
SELECT count(*), min(told.position) FILTER (WHERE cause.type IS NULL OR cause.type NOT IN ('voucher.posted', 'fact.recorded')
    OR convert_from(cause.state, 'UTF8')::jsonb ->> 'event_id' <> s ->> 'event_id'
    OR CASE told.type WHEN 'account.went_negative' THEN (s ->> 'balance_minor')::numeric >= (s ->> 'minimum_minor')::numeric
        ELSE (s ->> 'balance_minor')::numeric <= (s ->> 'maximum_minor')::numeric END)
FROM (SELECT book_id, position, type, convert_from(state, 'UTF8')::jsonb AS s FROM ledger.event
      WHERE book_id = %(book_id)s AND position <= %(until)s AND type IN ('account.went_negative', 'account.went_over')) told
LEFT JOIN ledger.event AS cause
    ON cause.book_id = told.book_id AND cause.position = told.position + (told.s ->> 'cause_offset')::bigint;

-- name: relay_checkpoint
-- How far a book was published.
SELECT count(*), max(relay_checkpoint.position) FROM ledger.relay_checkpoint WHERE book_id = %s;

-- name: period_events
-- Events of periods in order, as they are stored.
SELECT position, type, state FROM ledger.event
WHERE book_id = %s AND originator_id IS NOT NULL AND type IN ('period.closing', 'period.closed', 'period.reopened')
ORDER BY position;

-- name: period_rows
-- Periods as the table has them.
SELECT through, after, status, closings, position FROM ledger.period WHERE book_id = %s;

-- name: closed_through_us
-- How far a book is closed, in microseconds.
SELECT CASE WHEN closed_through = '-infinity' THEN -9223372036854775808
    ELSE (extract(epoch FROM closed_through) * 1000000)::bigint END
FROM ledger.book WHERE book_id = %s;

-- name: entries_by_period
-- What took effect before the end of the last closed period, per account, period of effect, and number of gates (events
-- that closed or reopened a period) before it in the log; as columns.
SELECT array_agg(account_id ORDER BY account_id), array_agg(day ORDER BY account_id), array_agg(gate ORDER BY account_id),
    array_agg(debits ORDER BY account_id), array_agg(credits ORDER BY account_id), array_agg(first_position ORDER BY account_id)
FROM (
    SELECT account_id, width_bucket(effective_at, %(moments)s::timestamptz[]) AS day,
        width_bucket(position, %(gates)s::bigint[]) AS gate,
        coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0)::bigint AS debits,
        coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0)::bigint AS credits, min(position) AS first_position
    FROM ledger.entry WHERE book_id = %(book_id)s AND effective_at < %(end)s
    GROUP BY 1, 2, 3
) cells;

-- name: merchants
-- Books of merchants, and those that are dropped, against the last event that says so.
SELECT count(*), min(book.code) FILTER (WHERE
    (posting_mode = 'dropped') IS DISTINCT FROM (merchant.status = 'DROPPED')
    OR told.type IS DISTINCT FROM CASE merchant.status
        WHEN 'PROVISIONED' THEN 'book.provisioned' WHEN 'ACTIVE' THEN 'book.activated' WHEN 'DROPPED' THEN 'book.dropped' END)
FROM ledger.book
LEFT JOIN ledger.merchant USING (book_id)
LEFT JOIN LATERAL (
    SELECT type FROM ledger.event
    WHERE event.book_id = book.book_id AND type IN ('book.provisioned', 'book.activated', 'book.dropped')
    ORDER BY event.position DESC LIMIT 1
) AS told ON true
WHERE book.book_id = %s AND (merchant.book_id IS NOT NULL OR posting_mode = 'dropped');

-- name: webhooks
-- Endpoints, and the first that does not count the webhooks and outcomes that are there.
SELECT count(*), min(feed.endpoint) FILTER (
    WHERE (feed.received, feed.received, feed.published, feed.published)
        IS DISTINCT FROM (numbers.webhooks, coalesce(numbers.last, 0), outcomes.webhooks, coalesce(outcomes.last, 0))
)
FROM webhook.feed
CROSS JOIN LATERAL (
    SELECT count(*) AS webhooks, max(number) AS last FROM webhook.received
    WHERE received.book_id = feed.book_id AND received.endpoint = feed.endpoint
) AS numbers
CROSS JOIN LATERAL (
    SELECT count(*) AS webhooks, max(number) AS last FROM webhook.processed
    WHERE processed.book_id = feed.book_id AND processed.endpoint = feed.endpoint AND processed.attempt = 1
) AS outcomes
WHERE feed.book_id = %s;
