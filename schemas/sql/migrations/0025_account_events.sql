-- What upstream events asked of accounts is an event of the account's own: recorded, like any fact.
SET ROLE ledger_owner;

CREATE OR REPLACE VIEW read.event_outcome WITH (security_invoker = true) AS
SELECT
    inbox.book_id, source.uri AS source, inbox.event_id, inbox.revision,
    CASE event.type
        WHEN 'voucher.posted' THEN 'POSTED' WHEN 'fact.recorded' THEN 'RECORDED' WHEN 'event.rejected' THEN 'REJECTED'
        WHEN 'event.parked' THEN 'PARKED' WHEN 'event.skipped' THEN 'SKIPPED'
        WHEN 'account.frozen' THEN 'RECORDED' WHEN 'account.unfrozen' THEN 'RECORDED' WHEN 'account.closed' THEN 'RECORDED'
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

RESET ROLE;
