-- Views for analysts: stable names, amounts in minor and in whole units, both times, and positions to read on from.
--
-- They run with the rights of who asks (security_invoker), so row-level security shows one book at a time:
-- SELECT set_config('ledger.book_id', '<book_id>', true) first.

CREATE SCHEMA read AUTHORIZATION ledger_owner;
COMMENT ON SCHEMA read IS 'What analysts and the query API read; names and columns are kept stable';
SET ROLE ledger_owner;

CREATE FUNCTION read.amount(amount_minor numeric, scale smallint) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN round(amount_minor / power(10::numeric, scale::numeric), scale);
COMMENT ON FUNCTION read.amount IS 'Minor units as an exact decimal number of whole units';

CREATE FUNCTION read.side_of(difference_minor bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE sign(difference_minor) WHEN 1 THEN 'debit' WHEN -1 THEN 'credit' ELSE 'none' END;
COMMENT ON FUNCTION read.side_of IS 'The side on which debits less credits stand';

CREATE VIEW read.book WITH (security_invoker = true) AS
SELECT
    book_id, code AS book, position, voucher_no, nullif(recorded_at, '-infinity') AS recorded_at, posting_mode,
    nullif(closed_through, '-infinity') AS closed_through, log_epoch
FROM ledger.book;
COMMENT ON VIEW read.book IS 'Books that you may see, and how far each has come';
COMMENT ON COLUMN read.book.book_id IS 'Number of the book';
COMMENT ON COLUMN read.book.book IS 'Code of the book';
COMMENT ON COLUMN read.book.position IS 'Position of the last event';
COMMENT ON COLUMN read.book.voucher_no IS 'Number of the last voucher';
COMMENT ON COLUMN read.book.recorded_at IS 'When the last event was written; null in an empty book';
COMMENT ON COLUMN read.book.posting_mode IS 'open, or halted by an operator';
COMMENT ON COLUMN read.book.closed_through IS 'End of the last closed period, no voucher takes effect before it; null where none is closed';
COMMENT ON COLUMN read.book.log_epoch IS 'Raised after a restore or failover, when positions may be issued anew';

CREATE VIEW read.account WITH (security_invoker = true) AS
SELECT
    account.book_id, account.account_id, account.code AS account, account.type, asset.code AS currency, asset.scale,
    account.role, account.keyed,
    CASE head.status WHEN 'O' THEN 'open' WHEN 'F' THEN 'frozen' WHEN 'C' THEN 'closed' END AS status,
    head.posting_sequence AS entries
FROM ledger.account
INNER JOIN ledger.asset ON asset.asset_id = account.asset_id
INNER JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id;
COMMENT ON VIEW read.account IS 'Accounts of a book and their status';
COMMENT ON COLUMN read.account.book_id IS 'Number of the book';
COMMENT ON COLUMN read.account.account_id IS 'Number of the account, inside the store only';
COMMENT ON COLUMN read.account.account IS 'Code of the account';
COMMENT ON COLUMN read.account.type IS 'asset, liability, equity, revenue or expense';
COMMENT ON COLUMN read.account.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.account.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.account.role IS 'Role by which rules find a control account; empty for others';
COMMENT ON COLUMN read.account.keyed IS 'Whether the account is kept per order key, and should reach zero for each';
COMMENT ON COLUMN read.account.status IS 'open, frozen or closed';
COMMENT ON COLUMN read.account.entries IS 'Number of entries';

CREATE VIEW read.balance WITH (security_invoker = true) AS
SELECT
    account.book_id, account.account_id, account.code AS account, account.type, asset.code AS currency, asset.scale,
    abs(head.debits_posted - head.credits_posted) AS amount_minor,
    read.amount(abs(head.debits_posted - head.credits_posted), asset.scale) AS amount,
    read.side_of(head.debits_posted - head.credits_posted) AS side,
    head.debits_posted AS debits_minor, head.credits_posted AS credits_minor,
    read.amount(head.debits_posted, asset.scale) AS debits, read.amount(head.credits_posted, asset.scale) AS credits,
    head.posting_sequence, coalesce(entry.position, 0) AS position
FROM ledger.account
INNER JOIN ledger.asset ON asset.asset_id = account.asset_id
INNER JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
LEFT JOIN ledger.entry
    ON entry.book_id = head.book_id AND entry.account_id = head.account_id
    AND entry.posting_sequence = head.posting_sequence;
COMMENT ON VIEW read.balance IS 'Balance of each account now, exact at once: from the head that postings lock';
COMMENT ON COLUMN read.balance.book_id IS 'Number of the book';
COMMENT ON COLUMN read.balance.account_id IS 'Number of the account, inside the store only';
COMMENT ON COLUMN read.balance.account IS 'Code of the account';
COMMENT ON COLUMN read.balance.type IS 'asset, liability, equity, revenue or expense';
COMMENT ON COLUMN read.balance.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.balance.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.balance.amount_minor IS 'Amount in minor units, without a sign';
COMMENT ON COLUMN read.balance.amount IS 'The same amount in whole units of the currency';
COMMENT ON COLUMN read.balance.side IS 'The side on which the balance stands: debit, credit, or none when it is zero';
COMMENT ON COLUMN read.balance.debits_minor IS 'Sum of debits in minor units';
COMMENT ON COLUMN read.balance.credits_minor IS 'Sum of credits in minor units';
COMMENT ON COLUMN read.balance.debits IS 'Sum of debits in whole units of the currency';
COMMENT ON COLUMN read.balance.credits IS 'Sum of credits in whole units of the currency';
COMMENT ON COLUMN read.balance.posting_sequence IS 'Number of entries of the account';
COMMENT ON COLUMN read.balance.position IS 'Position of the last entry of the account; 0 before the first';

CREATE VIEW read.statement WITH (security_invoker = true) AS
SELECT
    entry.book_id, entry.account_id, account.code AS account, entry.posting_sequence, entry.position, event.voucher_no,
    entry.line, CASE entry.side WHEN 'D' THEN 'debit' ELSE 'credit' END AS side,
    entry.amount_minor, read.amount(entry.amount_minor, asset.scale) AS amount, asset.code AS currency, asset.scale,
    abs(entry.running_minor) AS running_minor, read.amount(abs(entry.running_minor), asset.scale) AS running_amount,
    read.side_of(entry.running_minor) AS running_side,
    ledger.purpose_name(entry.purpose) AS purpose, event.order_key, entry.effective_at, block.recorded_at
FROM ledger.entry
INNER JOIN ledger.account ON account.book_id = entry.book_id AND account.account_id = entry.account_id
INNER JOIN ledger.asset ON asset.asset_id = entry.asset_id
INNER JOIN ledger.event ON event.book_id = entry.book_id AND event.position = entry.position
INNER JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = entry.book_id AND block.last_position >= entry.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true;
COMMENT ON VIEW read.statement IS 'Entries of accounts in their order, each with the balance after it';
COMMENT ON COLUMN read.statement.book_id IS 'Number of the book';
COMMENT ON COLUMN read.statement.account_id IS 'Number of the account, inside the store only';
COMMENT ON COLUMN read.statement.account IS 'Code of the account';
COMMENT ON COLUMN read.statement.posting_sequence IS 'Place of the entry in its account: 1, 2, 3 … without gaps';
COMMENT ON COLUMN read.statement.position IS 'Place in the log of the book: 1, 2, 3 … in commit order; read on from the highest you have seen';
COMMENT ON COLUMN read.statement.voucher_no IS 'Gapless number of the voucher in its book';
COMMENT ON COLUMN read.statement.line IS 'Number of the line in its voucher, from 1';
COMMENT ON COLUMN read.statement.side IS 'debit or credit';
COMMENT ON COLUMN read.statement.amount_minor IS 'Amount in minor units, without a sign';
COMMENT ON COLUMN read.statement.amount IS 'The same amount in whole units of the currency';
COMMENT ON COLUMN read.statement.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.statement.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.statement.running_minor IS 'Balance of the account after this entry in minor units, without a sign';
COMMENT ON COLUMN read.statement.running_amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.statement.running_side IS 'The side on which that balance stands: debit, credit, or none when it is zero';
COMMENT ON COLUMN read.statement.purpose IS 'Why the line is there: payment, seller_share, platform_fee, suspense, refund, payout, reversal …';
COMMENT ON COLUMN read.statement.order_key IS 'The payment, refund or transfer that it belongs to';
COMMENT ON COLUMN read.statement.effective_at IS 'When it happened, as the producer says';
COMMENT ON COLUMN read.statement.recorded_at IS 'When it was written; never falls along the log';

CREATE VIEW read.voucher WITH (security_invoker = true) AS
SELECT
    event.book_id, event.voucher_no, event.position, state.value ->> 'kind' AS kind, state.value ->> 'rule' AS rule,
    event.order_key, (state.value ->> 'amount_minor')::numeric AS amount_minor,
    read.amount((state.value ->> 'amount_minor')::numeric, asset.scale) AS amount, asset.code AS currency, asset.scale,
    (state.value ->> 'effective_at')::timestamptz AS effective_at, block.recorded_at,
    state.value ->> 'source' AS source, state.value ->> 'event_id' AS event_id, state.value ->> 'event_type' AS event_type,
    coalesce((state.value ->> 'revision')::integer, 1) AS revision, state.value -> 'cause' ->> 0 AS topic,
    (state.value -> 'cause' ->> 1)::integer AS partition, (state.value -> 'cause' ->> 2)::bigint AS log_offset
FROM ledger.event
CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS value) AS state
INNER JOIN ledger.asset ON asset.code = state.value ->> 'currency'
INNER JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true
WHERE event.voucher_no > 0;
COMMENT ON VIEW read.voucher IS 'Vouchers: the document behind the entries, and the upstream event that caused it';
COMMENT ON COLUMN read.voucher.book_id IS 'Number of the book';
COMMENT ON COLUMN read.voucher.voucher_no IS 'Gapless number of the voucher in its book';
COMMENT ON COLUMN read.voucher.position IS 'Place in the log of the book: 1, 2, 3 … in commit order; read on from the highest you have seen';
COMMENT ON COLUMN read.voucher.kind IS 'capture, refund, void, payout …';
COMMENT ON COLUMN read.voucher.rule IS 'Posting rule and its version that made the voucher';
COMMENT ON COLUMN read.voucher.order_key IS 'The payment, refund or transfer that it belongs to';
COMMENT ON COLUMN read.voucher.amount_minor IS 'Amount in minor units, without a sign';
COMMENT ON COLUMN read.voucher.amount IS 'The same amount in whole units of the currency';
COMMENT ON COLUMN read.voucher.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.voucher.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.voucher.effective_at IS 'When it happened, as the producer says';
COMMENT ON COLUMN read.voucher.recorded_at IS 'When it was written; never falls along the log';
COMMENT ON COLUMN read.voucher.source IS 'Who published the upstream event (ce_source)';
COMMENT ON COLUMN read.voucher.event_id IS 'Id of the upstream event at its source (ce_id)';
COMMENT ON COLUMN read.voucher.event_type IS 'Type of the upstream event (ce_type)';
COMMENT ON COLUMN read.voucher.revision IS '1 for the first decision on the upstream event; each redrive or healing adds one, the highest counts';
COMMENT ON COLUMN read.voucher.topic IS 'Topic that the upstream event came from';
COMMENT ON COLUMN read.voucher.partition IS 'Partition of the topic';
COMMENT ON COLUMN read.voucher.log_offset IS 'Offset in the partition';

CREATE VIEW read.voucher_line WITH (security_invoker = true) AS
SELECT
    event.book_id, event.voucher_no, event.position, lines.line::integer AS line, lines.value ->> 0 AS account,
    CASE lines.value ->> 1 WHEN 'D' THEN 'debit' ELSE 'credit' END AS side,
    (lines.value ->> 2)::bigint AS amount_minor, read.amount((lines.value ->> 2)::bigint, asset.scale) AS amount,
    asset.code AS currency, asset.scale, lines.value ->> 4 AS purpose
FROM ledger.event
CROSS JOIN LATERAL
    jsonb_array_elements(convert_from(event.state, 'UTF8')::jsonb -> 'lines') WITH ORDINALITY AS lines (value, line)
INNER JOIN ledger.asset ON asset.code = lines.value ->> 3
WHERE event.voucher_no > 0;
COMMENT ON VIEW read.voucher_line IS 'Lines of vouchers, as the log has them';
COMMENT ON COLUMN read.voucher_line.book_id IS 'Number of the book';
COMMENT ON COLUMN read.voucher_line.voucher_no IS 'Gapless number of the voucher in its book';
COMMENT ON COLUMN read.voucher_line.position IS 'Place in the log of the book: 1, 2, 3 … in commit order; read on from the highest you have seen';
COMMENT ON COLUMN read.voucher_line.line IS 'Number of the line in its voucher, from 1';
COMMENT ON COLUMN read.voucher_line.account IS 'Code of the account';
COMMENT ON COLUMN read.voucher_line.side IS 'debit or credit';
COMMENT ON COLUMN read.voucher_line.amount_minor IS 'Amount in minor units, without a sign';
COMMENT ON COLUMN read.voucher_line.amount IS 'The same amount in whole units of the currency';
COMMENT ON COLUMN read.voucher_line.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.voucher_line.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.voucher_line.purpose IS 'Why the line is there: payment, seller_share, platform_fee, suspense, refund, payout, reversal …';

CREATE VIEW read.trial_balance WITH (security_invoker = true) AS
SELECT
    head.book_id, asset.code AS currency, asset.scale, account.type, count(*) AS accounts,
    sum(head.posting_sequence)::bigint AS entries,
    sum(head.debits_posted) AS debits_minor, sum(head.credits_posted) AS credits_minor,
    read.amount(sum(head.debits_posted), asset.scale) AS debits,
    read.amount(sum(head.credits_posted), asset.scale) AS credits
FROM ledger.account_head AS head
INNER JOIN ledger.account ON account.book_id = head.book_id AND account.account_id = head.account_id
INNER JOIN ledger.asset ON asset.asset_id = head.asset_id
GROUP BY head.book_id, asset.code, asset.scale, account.type;
COMMENT ON VIEW read.trial_balance IS 'Sums of all accounts now, per currency and account type; over the types of a currency debits equal credits';
COMMENT ON COLUMN read.trial_balance.book_id IS 'Number of the book';
COMMENT ON COLUMN read.trial_balance.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.trial_balance.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.trial_balance.type IS 'asset, liability, equity, revenue or expense';
COMMENT ON COLUMN read.trial_balance.accounts IS 'Number of accounts';
COMMENT ON COLUMN read.trial_balance.entries IS 'Number of entries';
COMMENT ON COLUMN read.trial_balance.debits_minor IS 'Sum of debits in minor units';
COMMENT ON COLUMN read.trial_balance.credits_minor IS 'Sum of credits in minor units';
COMMENT ON COLUMN read.trial_balance.debits IS 'Sum of debits in whole units of the currency';
COMMENT ON COLUMN read.trial_balance.credits IS 'Sum of credits in whole units of the currency';

CREATE VIEW read.trial_balance_by_day WITH (security_invoker = true) AS
SELECT
    day.book_id, day.day, day.currency, asset.scale, day.account_type AS type, day.entries, day.debits_minor,
    day.credits_minor, read.amount(day.debits_minor, asset.scale) AS debits,
    read.amount(day.credits_minor, asset.scale) AS credits, progress.position
FROM projections.trial_balance AS day
INNER JOIN ledger.asset ON asset.code = day.currency
INNER JOIN projections.progress ON progress.book_id = day.book_id AND progress.projection = 'trial_balance';
COMMENT ON VIEW read.trial_balance_by_day IS 'Debits and credits per UTC day, currency and account type; as far as the projection has come';
COMMENT ON COLUMN read.trial_balance_by_day.book_id IS 'Number of the book';
COMMENT ON COLUMN read.trial_balance_by_day.day IS 'UTC day of effective_at';
COMMENT ON COLUMN read.trial_balance_by_day.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.trial_balance_by_day.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.trial_balance_by_day.type IS 'asset, liability, equity, revenue or expense';
COMMENT ON COLUMN read.trial_balance_by_day.entries IS 'Number of entries';
COMMENT ON COLUMN read.trial_balance_by_day.debits_minor IS 'Sum of debits in minor units';
COMMENT ON COLUMN read.trial_balance_by_day.credits_minor IS 'Sum of credits in minor units';
COMMENT ON COLUMN read.trial_balance_by_day.debits IS 'Sum of debits in whole units of the currency';
COMMENT ON COLUMN read.trial_balance_by_day.credits IS 'Sum of credits in whole units of the currency';
COMMENT ON COLUMN read.trial_balance_by_day.position IS 'How far in the log of the book the projection has come';

CREATE VIEW read.daily_balance WITH (security_invoker = true) AS
SELECT
    day.book_id, day.account, day.day, day.currency, asset.scale, day.entries, day.debits_minor, day.credits_minor,
    read.amount(day.debits_minor, asset.scale) AS debits, read.amount(day.credits_minor, asset.scale) AS credits,
    progress.position
FROM projections.daily_balance AS day
INNER JOIN ledger.asset ON asset.code = day.currency
INNER JOIN projections.progress ON progress.book_id = day.book_id AND progress.projection = 'daily_balances';
COMMENT ON VIEW read.daily_balance IS 'Debits and credits of accounts per UTC day; as far as the projection has come';
COMMENT ON COLUMN read.daily_balance.book_id IS 'Number of the book';
COMMENT ON COLUMN read.daily_balance.account IS 'Code of the account';
COMMENT ON COLUMN read.daily_balance.day IS 'UTC day of effective_at';
COMMENT ON COLUMN read.daily_balance.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.daily_balance.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.daily_balance.entries IS 'Number of entries';
COMMENT ON COLUMN read.daily_balance.debits_minor IS 'Sum of debits in minor units';
COMMENT ON COLUMN read.daily_balance.credits_minor IS 'Sum of credits in minor units';
COMMENT ON COLUMN read.daily_balance.debits IS 'Sum of debits in whole units of the currency';
COMMENT ON COLUMN read.daily_balance.credits IS 'Sum of credits in whole units of the currency';
COMMENT ON COLUMN read.daily_balance.position IS 'How far in the log of the book the projection has come';

CREATE VIEW read.payment WITH (security_invoker = true) AS
SELECT
    payment.book_id, payment.order_key, payment.status, payment.currency, asset.scale,
    payment.authorised_minor, read.amount(payment.authorised_minor, asset.scale) AS authorised,
    payment.captured_minor, read.amount(payment.captured_minor, asset.scale) AS captured,
    payment.refunded_minor, read.amount(payment.refunded_minor, asset.scale) AS refunded,
    payment.voided_minor, read.amount(payment.voided_minor, asset.scale) AS voided,
    payment.paid_out_minor, read.amount(payment.paid_out_minor, asset.scale) AS paid_out,
    payment.captures, payment.refunds, payment.first_effective_at, payment.last_effective_at, payment.last_position,
    progress.position
FROM projections.payment
INNER JOIN ledger.asset ON asset.code = payment.currency
INNER JOIN projections.progress ON progress.book_id = payment.book_id AND progress.projection = 'payments';
COMMENT ON VIEW read.payment IS 'One row per order key: what became of the payment; as far as the projection has come';
COMMENT ON COLUMN read.payment.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payment.order_key IS 'The payment, refund or transfer that it belongs to';
COMMENT ON COLUMN read.payment.status IS 'authorised, captured, partially_refunded, refunded, voided or paid_out';
COMMENT ON COLUMN read.payment.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.payment.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.payment.authorised_minor IS 'Sum authorised in minor units';
COMMENT ON COLUMN read.payment.authorised IS 'Sum authorised in whole units of the currency';
COMMENT ON COLUMN read.payment.captured_minor IS 'Sum captured in minor units';
COMMENT ON COLUMN read.payment.captured IS 'Sum captured in whole units of the currency';
COMMENT ON COLUMN read.payment.refunded_minor IS 'Sum refunded in minor units';
COMMENT ON COLUMN read.payment.refunded IS 'Sum refunded in whole units of the currency';
COMMENT ON COLUMN read.payment.voided_minor IS 'Sum called off in minor units';
COMMENT ON COLUMN read.payment.voided IS 'Sum called off in whole units of the currency';
COMMENT ON COLUMN read.payment.paid_out_minor IS 'Sum paid out in minor units';
COMMENT ON COLUMN read.payment.paid_out IS 'Sum paid out in whole units of the currency';
COMMENT ON COLUMN read.payment.captures IS 'Number of captures';
COMMENT ON COLUMN read.payment.refunds IS 'Number of refunds';
COMMENT ON COLUMN read.payment.first_effective_at IS 'When its first event happened';
COMMENT ON COLUMN read.payment.last_effective_at IS 'When its last event happened';
COMMENT ON COLUMN read.payment.last_position IS 'Position of its last event; read on from the highest you have seen';
COMMENT ON COLUMN read.payment.position IS 'How far in the log of the book the projection has come';

CREATE VIEW read.event_outcome WITH (security_invoker = true) AS
SELECT
    inbox.book_id, source.uri AS source, inbox.event_id, inbox.revision,
    CASE event.type
        WHEN 'voucher.posted' THEN 'POSTED' WHEN 'fact.recorded' THEN 'RECORDED' WHEN 'event.rejected' THEN 'REJECTED'
        WHEN 'event.parked' THEN 'PARKED' WHEN 'event.skipped' THEN 'SKIPPED'
    END AS outcome,
    event.position, nullif(event.voucher_no, 0) AS voucher_no, coalesce(state.value ->> 'code', '') AS code,
    coalesce(state.value ->> 'detail', '') AS detail, coalesce(state.value ->> 'waits_for', '') AS waits_for,
    state.value ->> 'event_type' AS event_type, event.order_key,
    (state.value ->> 'effective_at')::timestamptz AS effective_at, block.recorded_at,
    state.value -> 'cause' ->> 0 AS topic, (state.value -> 'cause' ->> 1)::integer AS partition,
    (state.value -> 'cause' ->> 2)::bigint AS log_offset
FROM ledger.inbox
INNER JOIN ledger.source ON source.book_id = inbox.book_id AND source.source_id = inbox.source_id
INNER JOIN ledger.block ON block.book_id = inbox.book_id AND block.batch_id = inbox.batch_id
-- A sum is not leakproof: without this fence, row-level security would read every event before it compares one.
CROSS JOIN LATERAL (SELECT block.first_position + inbox.ordinal AS position OFFSET 0) AS place
INNER JOIN ledger.event ON event.book_id = inbox.book_id AND event.position = place.position
CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS value) AS state;
COMMENT ON VIEW read.event_outcome IS 'What became of each upstream event, and of each later decision on it';
COMMENT ON COLUMN read.event_outcome.book_id IS 'Number of the book';
COMMENT ON COLUMN read.event_outcome.source IS 'Who published the upstream event (ce_source)';
COMMENT ON COLUMN read.event_outcome.event_id IS 'Id of the upstream event at its source (ce_id)';
COMMENT ON COLUMN read.event_outcome.revision IS '1 for the first decision on the upstream event; each redrive or healing adds one, the highest counts';
COMMENT ON COLUMN read.event_outcome.outcome IS 'POSTED (one voucher), RECORDED (a fact without entries), REJECTED, PARKED or SKIPPED';
COMMENT ON COLUMN read.event_outcome.position IS 'Place in the log of the book: 1, 2, 3 … in commit order; read on from the highest you have seen';
COMMENT ON COLUMN read.event_outcome.voucher_no IS 'Gapless number of the voucher; null where none was posted';
COMMENT ON COLUMN read.event_outcome.code IS 'Stable name of the reason; empty where there is none';
COMMENT ON COLUMN read.event_outcome.detail IS 'The reason in words';
COMMENT ON COLUMN read.event_outcome.waits_for IS 'What a parked event waits for; empty for others';
COMMENT ON COLUMN read.event_outcome.event_type IS 'Type of the upstream event (ce_type)';
COMMENT ON COLUMN read.event_outcome.order_key IS 'The payment, refund or transfer that it belongs to';
COMMENT ON COLUMN read.event_outcome.effective_at IS 'When it happened, as the producer says';
COMMENT ON COLUMN read.event_outcome.recorded_at IS 'When it was written; never falls along the log';
COMMENT ON COLUMN read.event_outcome.topic IS 'Topic that the upstream event came from';
COMMENT ON COLUMN read.event_outcome.partition IS 'Partition of the topic';
COMMENT ON COLUMN read.event_outcome.log_offset IS 'Offset in the partition';

CREATE VIEW read.dead_letter WITH (security_invoker = true) AS
SELECT
    letter.book_id, letter.position, letter.outcome, letter.code, letter.detail, letter.waits_for, letter.order_key,
    source.uri AS source, letter.event_id, letter.revision, letter.topic, letter.partition, letter.incarnation,
    letter.log_offset, letter.resolved_position, block.recorded_at
FROM ledger.dead_letter AS letter
INNER JOIN ledger.source ON source.book_id = letter.book_id AND source.source_id = letter.source_id
INNER JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = letter.book_id AND block.last_position >= letter.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true;
COMMENT ON VIEW read.dead_letter IS 'Events that were rejected or parked, without their payload';
COMMENT ON COLUMN read.dead_letter.book_id IS 'Number of the book';
COMMENT ON COLUMN read.dead_letter.position IS 'Place in the log of the book: 1, 2, 3 … in commit order; read on from the highest you have seen';
COMMENT ON COLUMN read.dead_letter.outcome IS 'REJECTED or PARKED';
COMMENT ON COLUMN read.dead_letter.code IS 'Stable name of the reason; empty where there is none';
COMMENT ON COLUMN read.dead_letter.detail IS 'The reason in words';
COMMENT ON COLUMN read.dead_letter.waits_for IS 'What a parked event waits for; empty for others';
COMMENT ON COLUMN read.dead_letter.order_key IS 'The payment, refund or transfer that it belongs to';
COMMENT ON COLUMN read.dead_letter.source IS 'Who published the upstream event (ce_source)';
COMMENT ON COLUMN read.dead_letter.event_id IS 'Id of the upstream event at its source (ce_id)';
COMMENT ON COLUMN read.dead_letter.revision IS '1 for the first decision on the upstream event; each redrive or healing adds one, the highest counts';
COMMENT ON COLUMN read.dead_letter.topic IS 'Topic that the upstream event came from';
COMMENT ON COLUMN read.dead_letter.partition IS 'Partition of the topic';
COMMENT ON COLUMN read.dead_letter.incarnation IS 'Raised when the topic was deleted and made anew';
COMMENT ON COLUMN read.dead_letter.log_offset IS 'Offset in the partition';
COMMENT ON COLUMN read.dead_letter.resolved_position IS 'Position of the decision that resolved it; null while it is open';
COMMENT ON COLUMN read.dead_letter.recorded_at IS 'When it was written; never falls along the log';

CREATE VIEW read.finding WITH (security_invoker = true) AS
SELECT
    finding.book_id, finding.code, finding.subject, finding.state, finding.amount_minor,
    read.amount(finding.amount_minor, asset.scale) AS amount, asset.code AS currency, asset.scale,
    CASE finding.side WHEN 'D' THEN 'debit' WHEN 'C' THEN 'credit' END AS side, finding.detail,
    finding.opened_at_position, opening.scanned_at AS first_seen_at, finding.resolved_at_position, finding.reopened,
    changing.position, changing.scanned_at AS changed_at
FROM reconciliation.finding
INNER JOIN reconciliation.scan AS opening
    ON opening.book_id = finding.book_id AND opening.number = finding.opened_by_scan
INNER JOIN reconciliation.scan AS changing
    ON changing.book_id = finding.book_id AND changing.number = finding.changed_by_scan
LEFT JOIN ledger.asset ON asset.asset_id = finding.asset_id;
COMMENT ON VIEW read.finding IS 'What reconciliation found: OPEN while the latest complete scan sees it, RESOLVED since it does not';
COMMENT ON COLUMN read.finding.book_id IS 'Number of the book';
COMMENT ON COLUMN read.finding.code IS 'Stable name of the check that found it';
COMMENT ON COLUMN read.finding.subject IS 'What it is about: an order key, an upstream event, a partition';
COMMENT ON COLUMN read.finding.state IS 'OPEN or RESOLVED';
COMMENT ON COLUMN read.finding.amount_minor IS 'Amount of the difference in minor units, without a sign; null where it has none';
COMMENT ON COLUMN read.finding.amount IS 'The same amount in whole units of the currency';
COMMENT ON COLUMN read.finding.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.finding.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.finding.side IS 'The side on which that amount is too much: debit or credit';
COMMENT ON COLUMN read.finding.detail IS 'More about it, by code';
COMMENT ON COLUMN read.finding.opened_at_position IS 'Position of the scan that opened it, or reopened it last';
COMMENT ON COLUMN read.finding.first_seen_at IS 'When a scan first saw it';
COMMENT ON COLUMN read.finding.resolved_at_position IS 'Position of the scan that no longer saw it; null while it is OPEN';
COMMENT ON COLUMN read.finding.reopened IS 'How often it came back';
COMMENT ON COLUMN read.finding.position IS 'Position of the scan that changed it last';
COMMENT ON COLUMN read.finding.changed_at IS 'When that scan ran';

GRANT USAGE ON SCHEMA read TO ledger_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA read TO ledger_reader;
RESET ROLE;
