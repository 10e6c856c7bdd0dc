-- name: enter_book
-- Opens one book to this transaction; row-level security shows no other.
SELECT book_id, set_config('ledger.book_id', book_id::text, true)
FROM ledger.book_directory WHERE code = %(book)s;

-- name: enter_directory
-- Opens the list of books, and nothing in them, to this transaction.
SELECT set_config('ledger.book_id', '*', true);

-- name: position_of_log
-- Where the book stands in this snapshot.
SELECT position FROM ledger.book WHERE book_id = %(book_id)s;

-- name: position_of_projection
-- How far a projection has come in this snapshot; nothing before its first batch.
SELECT position FROM projections.progress WHERE book_id = %(book_id)s AND projection = %(reads)s;

-- name: position_of_findings
-- What the latest complete scan saw.
SELECT position FROM reconciliation.scan
WHERE book_id = %(book_id)s AND complete ORDER BY number DESC LIMIT 1;

-- name: books
-- A page of books in code order.
SELECT book, position, voucher_no, recorded_at, posting_mode, closed_through
FROM read.book WHERE book > %(after)s ORDER BY book LIMIT %(limit)s;

-- name: book
-- One book.
SELECT book, position, voucher_no, recorded_at, posting_mode, closed_through
FROM read.book WHERE book_id = %(book_id)s;

-- name: assets
-- What money is counted in.
SELECT asset_id, code, scale, name FROM ledger.asset ORDER BY code;

-- name: accounts
-- A page of accounts in code order, with their heads.
SELECT account.code, account.type, asset.code, asset.scale, account.role, account.keyed, head.status,
    head.posting_sequence, head.debits_posted, head.credits_posted, head.debits_pending, head.credits_pending,
    head.minimum_minor, head.maximum_minor, head.limit_policy::text
FROM ledger.account
JOIN ledger.asset ON asset.asset_id = account.asset_id
JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
WHERE account.book_id = %(book_id)s AND account.code > %(after)s
ORDER BY account.code LIMIT %(limit)s;

-- name: account
-- One account with its head.
SELECT account.code, account.type, asset.code, asset.scale, account.role, account.keyed, head.status,
    head.posting_sequence, head.debits_posted, head.credits_posted, head.debits_pending, head.credits_pending,
    head.minimum_minor, head.maximum_minor, head.limit_policy::text
FROM ledger.account
JOIN ledger.asset ON asset.asset_id = account.asset_id
JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
WHERE account.book_id = %(book_id)s AND account.code = %(account)s;

-- name: homes
-- Begins a query over all accounts with their heads and homes: the group that an account was opened under, where the chart
-- in force has it; else the one that the chart says, of a declared account, of a control account, or of the first template
-- that fits. '' is the top.
WITH home AS (
    SELECT account.code, account.type, asset.code AS currency, asset.scale, account.role, account.keyed, head.status,
        head.posting_sequence, head.debits_posted, head.credits_posted, head.debits_pending, head.credits_pending,
        head.minimum_minor, head.maximum_minor, head.limit_policy::text,
        CASE WHEN account.parent = ANY (%(groups)s::text[]) THEN account.parent
            WHEN declared.code IS NOT NULL THEN CASE declared.currency WHEN asset.code THEN declared.parent ELSE '' END
            WHEN control.code IS NOT NULL THEN control.parent
            ELSE coalesce((%(template_parents)s::text[])[(
                SELECT min(place) FROM unnest(%(patterns)s::text[], %(prefixes)s::text[]) WITH ORDINALITY
                    AS template (pattern, prefix, place)
                WHERE account.code = pattern OR (starts_with(account.code, prefix) AND account.code <> prefix)
            )], '') END AS home
    FROM ledger.account
    JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
    JOIN ledger.asset ON asset.asset_id = account.asset_id
    LEFT JOIN unnest(%(declared)s::text[], %(declared_currencies)s::text[], %(declared_parents)s::text[])
        AS declared (code, currency, parent) ON declared.code = account.code
    LEFT JOIN unnest(%(controls)s::text[], %(control_currencies)s::text[], %(control_parents)s::text[])
        AS control (code, currency, parent) ON control.code = account.code AND control.currency = asset.code
    WHERE account.book_id = %(book_id)s
)

-- name: sums_of_homes
-- After `homes`: accounts, and what stands on them as debits less credits, per home and currency.
SELECT home, currency, scale, count(*), sum(debits_posted), sum(credits_posted),
    sum(CASE WHEN type IN ('asset', 'expense') THEN credits_pending ELSE debits_pending END),
    sum(debits_posted - credits_posted - CASE WHEN type IN ('asset', 'expense') THEN credits_pending ELSE -debits_pending END)
FROM home GROUP BY home, currency, scale ORDER BY home, currency;

-- name: accounts_of_homes
-- After `homes`: each account in code order, its home last.
SELECT * FROM home ORDER BY code;

-- name: account_changes
-- The newest events of an account's own up to a position, newest first.
SELECT event.originator_version, event.position, block.recorded_at, event.type, event.state
FROM ledger.event
JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true
WHERE event.book_id = %(book_id)s AND event.originator_id = %(originator_id)s AND event.position <= %(position)s
ORDER BY event.originator_version DESC LIMIT %(limit)s;

-- name: chart_in_force
-- The version of the chart by which the book posts now.
SELECT chart.version, chart.document
FROM ledger.book JOIN ledger.chart ON chart.book_id = book.book_id AND chart.version = book.chart_version
WHERE book.book_id = %(book_id)s;

-- name: entries_until
-- How many entries an account had at a position: positions rise with posting_sequence, so a bisection over the primary
-- key finds it in as many index look-ups as the count has bits. Invariant: entry `low` is at or before the position
-- (0 stands for none), entry `high` is after it. `middle` is a column of the step before: arithmetic inside the
-- look-up is not leakproof, and row-level security would then read the whole account.
WITH RECURSIVE bisection (account_id, low, high, middle) AS (
    SELECT head.account_id, 0::bigint, head.posting_sequence + 1, (head.posting_sequence + 1) / 2
    FROM ledger.account
    JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
    WHERE account.book_id = %(book_id)s AND account.code = %(account)s
    UNION ALL
    SELECT bisection.account_id, half.low, half.high, (half.low + half.high) / 2
    FROM bisection
    JOIN ledger.entry ON entry.book_id = %(book_id)s AND entry.account_id = bisection.account_id
        AND entry.posting_sequence = bisection.middle
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN entry.position <= %(position)s THEN bisection.middle ELSE bisection.low END AS low,
            CASE WHEN entry.position <= %(position)s THEN bisection.high ELSE bisection.middle END AS high
    ) AS half
    WHERE bisection.high - bisection.low > 1
)
SELECT account_id, low FROM bisection WHERE high - low = 1;

-- name: entries_now
-- How many entries an account has, from its head.
SELECT head.account_id, head.posting_sequence
FROM ledger.account
JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
WHERE account.book_id = %(book_id)s AND account.code = %(account)s;

-- name: running_after
-- Balance of an account after one of its entries: debits less credits, and the entry's position.
SELECT running_minor, position FROM ledger.entry
WHERE book_id = %(book_id)s AND account_id = %(account_id)s AND posting_sequence = %(posting_sequence)s;

-- name: statement
-- A range of entries of one account, oldest first. The range is the page: posting_sequence has no gaps.
SELECT posting_sequence, position, voucher_no, line, side, amount_minor, running_minor, running_side, currency, scale,
    purpose, order_key, effective_at, recorded_at
FROM read.statement
WHERE book_id = %(book_id)s AND account_id = %(account_id)s AND posting_sequence BETWEEN %(first)s AND %(last)s
ORDER BY posting_sequence;

-- name: voucher
-- One voucher with its cause.
SELECT voucher_no, position, kind, rule, order_key, amount_minor, currency, scale, effective_at, recorded_at,
    source, event_id, event_type, revision, topic, partition, log_offset,
    (SELECT max(chart.version) FROM ledger.chart
     WHERE chart.book_id = voucher.book_id AND chart.position <= voucher.position)
FROM read.voucher WHERE book_id = %(book_id)s AND voucher_no = %(voucher_no)s;

-- name: voucher_said
-- What the voucher at a position says of its exchange and of its group: the quote, how much too old it was, and which
-- member it is of how many.
SELECT state -> 'quote', state -> 'stale_quote', state -> 'group'
FROM (SELECT convert_from(state, 'UTF8')::jsonb AS state FROM ledger.event
    WHERE book_id = %(book_id)s AND position = %(position)s) AS said
WHERE state ?| ARRAY['quote', 'group'];

-- name: voucher_lines
-- The lines of one voucher.
SELECT line, account, side, amount_minor, currency, scale, purpose
FROM read.voucher_line WHERE book_id = %(book_id)s AND voucher_no = %(voucher_no)s ORDER BY line;

-- name: voucher_links
-- What one voucher is to others, by its position: the two ends of each link.
SELECT link, other_voucher_no, other_position
FROM read.voucher_link WHERE book_id = %(book_id)s AND position = %(position)s ORDER BY other_position;

-- name: event_outcomes
-- Every decision on one upstream event, oldest first: the highest revision counts.
SELECT revision, outcome, position, voucher_no, code, detail, waits_for, event_type, order_key, effective_at, recorded_at,
    topic, partition, log_offset
FROM read.event_outcome
WHERE book_id = %(book_id)s AND source = %(source)s AND event_id = %(event_id)s
ORDER BY revision;

-- name: conflict_range
-- Refused events of the same id with another payload have an inbox key made of the id, the source's number and the
-- fingerprint, joined by '#': a range of the primary key, asked for by its bounds ('$' is the character after '#').
SELECT %(event_id)s || '#' || source_id || '#', %(event_id)s || '#' || source_id || '$'
FROM ledger.source WHERE book_id = %(book_id)s AND uri = %(source)s;

-- name: event_conflicts
-- The first of those refused events, oldest first.
SELECT revision, outcome, position, voucher_no, code, detail, waits_for, event_type, order_key, effective_at, recorded_at,
    topic, partition, log_offset
FROM read.event_outcome
WHERE book_id = %(book_id)s AND source = 'conflict' AND event_id >= %(low)s AND event_id < %(high)s
ORDER BY position LIMIT 100;

-- name: trial_balance
-- Sums of all heads per currency and account type, in this snapshot.
SELECT currency, scale, type, accounts, entries, debits_minor, credits_minor
FROM read.trial_balance WHERE book_id = %(book_id)s ORDER BY currency, type;

-- name: trial_balance_through
-- The same up to the end of a UTC day of effective_at, from the projection.
SELECT day.currency, day.scale, day.type, NULL::bigint AS accounts, sum(day.entries)::bigint,
    sum(day.debits_minor), sum(day.credits_minor)
FROM read.trial_balance_by_day AS day
WHERE day.book_id = %(book_id)s AND day.day <= %(day)s
GROUP BY day.currency, day.scale, day.type ORDER BY day.currency, day.type;

-- name: findings
-- A page of findings in the order of their key.
SELECT code, subject, state, amount_minor, currency, scale, side, detail, opened_at_position, first_seen_at,
    resolved_at_position, reopened, changed_at
FROM read.finding
WHERE book_id = %(book_id)s AND (code, subject) > (%(after_code)s, %(after_subject)s)
    AND (%(state)s::text IS NULL OR state = %(state)s) AND (%(code)s::text IS NULL OR code = %(code)s)
ORDER BY code, subject LIMIT %(limit)s;

-- name: finding_totals
-- Number and sum of findings by code, state and currency.
SELECT code, state, currency, scale, count(*), sum(amount_minor)
FROM read.finding WHERE book_id = %(book_id)s GROUP BY code, state, currency, scale ORDER BY code, state, currency;

-- name: payment_subject
-- What is known of one order key, as decisions read it.
SELECT authorised_minor, captured_minor, refunded_minor, subject.asset_id, voided, parked, marks, asset.code, asset.scale
FROM ledger.subject LEFT JOIN ledger.asset ON asset.asset_id = subject.asset_id AND subject.asset_id <> 0
WHERE book_id = %(book_id)s AND order_key = %(order_key)s;

-- name: payment_parts
-- Its refunds, chargebacks, settlements, payouts and fees, and whether a voucher of theirs was taken back by request.
SELECT kind, part_id, told, amount_minor, used_minor, asset.code, asset.scale, EXISTS (
    SELECT FROM unnest(subject_part.vouchers) AS reference
    INNER JOIN ledger.block ON block.book_id = subject_part.book_id AND block.batch_id = reference >> 16
    INNER JOIN ledger.reversal ON reversal.book_id = block.book_id
        AND reversal.reversed_position = block.first_position + (reference & 65535)
)
FROM ledger.subject_part LEFT JOIN ledger.asset ON asset.asset_id = subject_part.asset_id AND subject_part.asset_id <> 0
WHERE book_id = %(book_id)s AND order_key = %(order_key)s ORDER BY kind, part_id;

-- name: daily_balances
-- A page of the days of one account that have entries.
SELECT day, currency, scale, entries, debits_minor, credits_minor
FROM read.daily_balance
WHERE book_id = %(book_id)s AND account = %(account)s AND day > %(after)s::date AND day <= %(through)s::date
ORDER BY day LIMIT %(limit)s;

-- name: followers
-- How far everything that follows the log has come.
SELECT 'relay' AS name, checkpoint.position, '' AS stopped_code
FROM ledger.relay_checkpoint AS checkpoint WHERE checkpoint.book_id = %(book_id)s
UNION ALL
SELECT projection, position, stopped_code FROM projections.progress WHERE book_id = %(book_id)s
ORDER BY 1;

-- name: relay_lag
-- Over all books: how many positions the relay is behind.
SELECT count(*), coalesce(sum(book.position - coalesce(checkpoint.position, 0)), 0)::bigint,
    coalesce(max(book.position - coalesce(checkpoint.position, 0)), 0)::bigint
FROM ledger.book LEFT JOIN ledger.relay_checkpoint AS checkpoint ON checkpoint.book_id = book.book_id;

-- name: finding_counts
-- Over all books: how many findings there are of each code and state.
SELECT code, state, findings FROM reconciliation.finding_counts();

-- name: writable
-- Whether the store takes writes. A reader's own login may be read-only; the server and the database may not.
SELECT NOT pg_is_in_recovery() AND (setting = 'off' OR source IN ('user', 'database user', 'client', 'session'))
FROM pg_settings WHERE name = 'default_transaction_read_only';

-- name: maintenance
-- What stops posting now: rows of maintenance, and books that are halted. Of book 0 it stops every partition.
SELECT coalesce(directory.code, 'every book') AS book, maintenance.scope, maintenance.mode, maintenance.reason,
    maintenance.book_id = 0 AS stops_all
FROM ledger.maintenance
LEFT JOIN ledger.book_directory AS directory
    ON directory.book_id = maintenance.book_id AND maintenance.book_id <> 0
WHERE maintenance.until_at IS NULL OR maintenance.until_at > now()
UNION ALL SELECT code, 'all', posting_mode, 'its posting mode', book_id = 0 FROM ledger.book
WHERE posting_mode = 'halted'
ORDER BY book, scope;

-- name: stopped_partitions
-- Partitions that are not consumed any more.
SELECT topic, partition, stopped_code FROM ledger.source_position WHERE stopped_code <> ''
UNION ALL SELECT topic, partition, stopped_code FROM projections.source_position WHERE stopped_code <> ''
ORDER BY topic, partition;

-- name: scales
-- Number of minor digits of everything that money is counted in.
SELECT code, scale FROM ledger.asset;

-- name: periods
-- Periods that were ever closed, or the one that ends with a day, oldest first.
SELECT through, after, status, closings, position, recorded_at, reason, requested_by, approved_by, known_at_position,
    accounts, trial_balance, totals
FROM read.period WHERE book_id = %(book_id)s AND (%(through)s::date IS NULL OR through = %(through)s::date) ORDER BY through;

-- name: explained_entries
-- A range of entries of one account with all that their vouchers' events say, and the blocks that seal them.
SELECT entry.posting_sequence, entry.line, entry.side::text, entry.amount_minor, entry.running_minor,
    ledger.purpose_name(entry.purpose), event.position, event.voucher_no, event.order_key, event.state,
    block.number, block.recorded_at,
    (SELECT max(chart.version) FROM ledger.chart
     WHERE chart.book_id = event.book_id AND chart.position <= event.position)
FROM ledger.entry
JOIN ledger.event ON event.book_id = entry.book_id AND event.position = entry.position
JOIN LATERAL (
    SELECT block.number, block.recorded_at FROM ledger.block
    WHERE block.book_id = entry.book_id AND block.last_position >= entry.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true
WHERE entry.book_id = %(book_id)s AND entry.account_id = %(account_id)s
    AND entry.posting_sequence BETWEEN %(first)s AND %(last)s
ORDER BY entry.posting_sequence;

-- name: explained_entries_through
-- The newest entries of one account, up to one, that took effect through a UTC day; likewise.
SELECT entry.posting_sequence, entry.line, entry.side::text, entry.amount_minor, entry.running_minor,
    ledger.purpose_name(entry.purpose), event.position, event.voucher_no, event.order_key, event.state,
    block.number, block.recorded_at,
    (SELECT max(chart.version) FROM ledger.chart
     WHERE chart.book_id = event.book_id AND chart.position <= event.position)
FROM (
    SELECT book_id, position, posting_sequence, line, side, amount_minor, running_minor, purpose FROM ledger.entry
    WHERE book_id = %(book_id)s AND account_id = %(account_id)s AND posting_sequence <= %(last)s
        AND effective_at < (%(through)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY posting_sequence DESC LIMIT %(limit)s
) AS entry
JOIN ledger.event ON event.book_id = entry.book_id AND event.position = entry.position
JOIN LATERAL (
    SELECT block.number, block.recorded_at FROM ledger.block
    WHERE block.book_id = entry.book_id AND block.last_position >= entry.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true
ORDER BY entry.posting_sequence;

-- name: first_entry_through
-- The oldest of all entries of one account that took effect through a UTC day.
SELECT posting_sequence FROM ledger.entry
WHERE book_id = %(book_id)s AND account_id = %(account_id)s
    AND effective_at < (%(through)s::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY posting_sequence LIMIT 1;

-- name: explained_vouchers
-- Vouchers by their numbers, likewise, in their order.
SELECT event.position, event.voucher_no, event.order_key, event.state, block.number, block.recorded_at,
    (SELECT max(chart.version) FROM ledger.chart
     WHERE chart.book_id = event.book_id AND chart.position <= event.position)
FROM ledger.event
JOIN LATERAL (
    SELECT block.number, block.recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true
WHERE event.book_id = %(book_id)s AND event.voucher_no BETWEEN %(first)s AND %(last)s AND event.voucher_no > 0
ORDER BY event.voucher_no;

-- name: last_zero
-- The last entry, up to one, after which the balance of an account was zero.
SELECT posting_sequence FROM ledger.entry
WHERE book_id = %(book_id)s AND account_id = %(account_id)s AND posting_sequence <= %(last)s AND running_minor = 0
ORDER BY posting_sequence DESC LIMIT 1;

-- name: entries_to_sum
-- A range of entries of one account, and the states of their vouchers.
SELECT entry.side::text, entry.amount_minor, event.state
FROM ledger.entry
JOIN ledger.event ON event.book_id = entry.book_id AND event.position = entry.position
WHERE entry.book_id = %(book_id)s AND entry.account_id = %(account_id)s
    AND entry.posting_sequence BETWEEN %(first)s AND %(last)s
ORDER BY entry.posting_sequence;

-- name: accounts_to_sum
-- A page of accounts in the order of their numbers, with how many entries each has now.
SELECT account.account_id, account.type, asset.code, asset.scale, head.posting_sequence
FROM ledger.account
JOIN ledger.asset ON asset.asset_id = account.asset_id
JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
WHERE account.book_id = %(book_id)s AND account.account_id > %(after)s
ORDER BY account.account_id LIMIT %(limit)s;

-- name: entries_of_accounts_until
-- How many entries each of these accounts had at a position: the bisection of entries_until, over all of them at once.
-- OFFSET 0 keeps it a look-up by key for each account, however many there are.
WITH RECURSIVE bisection (account_id, low, high, middle) AS (
    SELECT wanted.account_id, 0::bigint, wanted.entries + 1, (wanted.entries + 1) / 2
    FROM unnest(%(account_ids)s::integer[], %(entries)s::bigint[]) AS wanted (account_id, entries)
    UNION ALL
    SELECT bisection.account_id, half.low, half.high, (half.low + half.high) / 2
    FROM bisection
    CROSS JOIN LATERAL (
        SELECT position FROM ledger.entry
        WHERE entry.book_id = %(book_id)s AND entry.account_id = bisection.account_id
            AND entry.posting_sequence = bisection.middle
        OFFSET 0
    ) AS entry
    CROSS JOIN LATERAL (
        SELECT
            CASE WHEN entry.position <= %(position)s THEN bisection.middle ELSE bisection.low END AS low,
            CASE WHEN entry.position <= %(position)s THEN bisection.high ELSE bisection.middle END AS high
    ) AS half
    WHERE bisection.high - bisection.low > 1
)
SELECT account_id, low FROM bisection WHERE high - low = 1;

-- name: rolled_stretches
-- How many stretches of level 1 are rolled up for each of these accounts; they are gapless, so the last one tells.
SELECT wanted.account_id, last_of.chunk + 1
FROM unnest(%(account_ids)s::integer[]) AS wanted (account_id)
CROSS JOIN LATERAL (
    SELECT rollup.chunk FROM projections.day_rollup AS rollup
    WHERE rollup.book_id = %(book_id)s AND rollup.account_id = wanted.account_id AND rollup.level = 1
    ORDER BY rollup.chunk DESC LIMIT 1
) AS last_of;

-- name: effective_sums
-- What took effect through a UTC day, by account: of stretches from their roll-ups, of other ranges entry by entry.
SELECT account_id, sum(debits)::bigint, sum(credits)::bigint, sum(entries)::bigint
FROM (
    SELECT stretch.account_id, through_day.debits_minor AS debits, through_day.credits_minor AS credits, through_day.entries
    FROM unnest(%(stretch_accounts)s::integer[], %(levels)s::smallint[], %(chunks)s::bigint[])
        AS stretch (account_id, level, chunk)
    CROSS JOIN LATERAL (
        SELECT rollup.debits_minor, rollup.credits_minor, rollup.entries FROM projections.day_rollup AS rollup
        WHERE rollup.book_id = %(book_id)s AND rollup.account_id = stretch.account_id
            AND rollup.level = stretch.level AND rollup.chunk = stretch.chunk AND rollup.day <= %(through)s::date
        ORDER BY rollup.day DESC LIMIT 1
    ) AS through_day
    UNION ALL
    SELECT tail.account_id, read_one_by_one.debits, read_one_by_one.credits, read_one_by_one.entries
    FROM unnest(%(tail_accounts)s::integer[], %(firsts)s::bigint[], %(lasts)s::bigint[])
        AS tail (account_id, first, last)
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(entry.amount_minor) FILTER (WHERE entry.side = 'D'), 0) AS debits,
            coalesce(sum(entry.amount_minor) FILTER (WHERE entry.side = 'C'), 0) AS credits,
            count(*) AS entries
        FROM ledger.entry
        WHERE entry.book_id = %(book_id)s AND entry.account_id = tail.account_id
            AND entry.posting_sequence BETWEEN tail.first AND tail.last
            AND entry.effective_at < (%(through)s::date + 1)::timestamp AT TIME ZONE 'UTC'
    ) AS read_one_by_one
) AS part
GROUP BY account_id;

-- name: rates
-- The latest exchange rate of each pair, by its own time.
SELECT base, counter, rate, provider, source, published_at, valid_until, newest_effective_at, publications, last_position
FROM projections.rate WHERE book_id = %(book_id)s ORDER BY base, counter;
