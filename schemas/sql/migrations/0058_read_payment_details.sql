-- What the events of a payment say, for analysts: read from the log when somebody asks, and copied into no read model.
SET ROLE ledger_owner;

CREATE VIEW read.payment_leg WITH (security_invoker = true) AS
SELECT
    leg.book_id, leg.order_key, leg.part_id AS beneficiary,
    CASE WHEN subject.marks & 64 > 0 THEN 'direct' ELSE 'escrow' END AS custody, asset.code AS currency, asset.scale,
    leg.amount_minor, read.amount(leg.amount_minor, asset.scale) AS amount,
    leg.used_minor AS commission_minor, read.amount(leg.used_minor, asset.scale) AS commission,
    leg.amount_minor - leg.used_minor AS net_minor, read.amount(leg.amount_minor - leg.used_minor, asset.scale) AS net,
    coalesce(back.amount_minor, 0) AS back_minor, read.amount(coalesce(back.amount_minor, 0), asset.scale) AS back,
    coalesce(back.used_minor, 0) AS commission_back_minor,
    read.amount(coalesce(back.used_minor, 0), asset.scale) AS commission_back, book.position
FROM ledger.subject_part AS leg
INNER JOIN ledger.book ON book.book_id = leg.book_id
INNER JOIN ledger.subject ON subject.book_id = leg.book_id AND subject.order_key = leg.order_key
INNER JOIN ledger.asset ON asset.asset_id = leg.asset_id
LEFT JOIN ledger.subject_part AS back
    ON back.book_id = leg.book_id AND back.order_key = leg.order_key AND back.kind = 'leg_back' AND back.part_id = leg.part_id
WHERE leg.kind = 'leg' AND leg.amount_minor > 0;
COMMENT ON VIEW read.payment_leg IS 'One row per beneficiary of a split payment, exact at once; finality is the payment''s (read.payment), never a leg''s';
COMMENT ON COLUMN read.payment_leg.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payment_leg.order_key IS 'The payment, as in read.payment';
COMMENT ON COLUMN read.payment_leg.beneficiary IS 'Code of the account whose part it is';
COMMENT ON COLUMN read.payment_leg.custody IS 'escrow where the platform holds the beneficiaries'' shares, direct where the processor pays them itself';
COMMENT ON COLUMN read.payment_leg.currency IS 'Code of the asset that the beneficiary is credited in';
COMMENT ON COLUMN read.payment_leg.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.payment_leg.amount_minor IS 'Its part of what was captured and stands, commission included, in minor units';
COMMENT ON COLUMN read.payment_leg.amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment_leg.commission_minor IS 'The platform''s commission on it, in minor units';
COMMENT ON COLUMN read.payment_leg.commission IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment_leg.net_minor IS 'Its part less commission, in minor units';
COMMENT ON COLUMN read.payment_leg.net IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment_leg.back_minor IS 'What of its part went back by refunds, and by disputes that are open or lost, in minor units';
COMMENT ON COLUMN read.payment_leg.back IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment_leg.commission_back_minor IS 'The commission on that, in minor units: given back, unless the refund says that the platform keeps it';
COMMENT ON COLUMN read.payment_leg.commission_back IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment_leg.position IS 'Position of the last event of the book';
GRANT SELECT ON read.payment_leg TO ledger_reader;

CREATE VIEW read.payment_event WITH (security_invoker = true) AS
SELECT
    event.book_id, event.order_key, story.family, event.position, coalesce(state.value ->> 'event_type', event.type) AS event_type,
    CASE event.type
        WHEN 'voucher.posted' THEN 'POSTED' WHEN 'fact.recorded' THEN 'RECORDED' WHEN 'event.rejected' THEN 'REJECTED'
        WHEN 'event.parked' THEN 'PARKED' WHEN 'event.skipped' THEN 'SKIPPED' ELSE ''
    END AS outcome,
    nullif(event.voucher_no, 0) AS voucher_no, (state.value ->> 'effective_at')::timestamptz AS effective_at, block.recorded_at,
    asset.code AS currency, asset.scale, (state.value ->> 'amount_minor')::numeric AS amount_minor,
    read.amount((state.value ->> 'amount_minor')::numeric, asset.scale) AS amount, state.value ->> 'method' AS method,
    state.value ->> 'order_status' AS order_status, state.value ->> 'gateway_transaction_id' AS gateway_transaction_id,
    state.value ->> 'gateway_response' AS gateway_response, state.value ->> 'confirmed_by' AS confirmed_by,
    (state.value ->> 'confirmed_at')::timestamptz AS confirmed_at, state.value #>> '{split,custody}' AS custody,
    state.value ->> 'failure_reason' AS failure_reason, state.value ->> 'reason' AS reason,
    CASE WHEN event.type LIKE 'event.%' THEN state.value ->> 'code' END AS code, state.value ->> 'detail' AS detail,
    state.value ->> 'waits_for' AS waits_for,
    state.value - ARRAY[
        'kind', 'rule', 'effective_at', 'source', 'event_id', 'event_type', 'cause', 'revision', 'group', 'parked_at',
        'amount_minor', 'currency', 'lines', 'mirrored', 'code', 'detail', 'waits_for', 'failure_reason', 'reason'
    ] AS details
FROM projections.story
CROSS JOIN LATERAL unnest(story.positions) AS place (position)
INNER JOIN ledger.event ON event.book_id = story.book_id AND event.position = place.position
CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS value) AS state
LEFT JOIN ledger.asset ON asset.code = state.value ->> 'currency'
INNER JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true;
COMMENT ON VIEW read.payment_event IS 'Timelines: one row per event of a payment, payout, fee, transfer … (the first 1,000 of each), refused ones too; as far as the projection of payments has come';
COMMENT ON COLUMN read.payment_event.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payment_event.order_key IS 'The payment, payout, fee … that it belongs to: ask by it, and its events are read alone';
COMMENT ON COLUMN read.payment_event.family IS 'What the order key belongs to: payment, payout, fee, transfer …';
COMMENT ON COLUMN read.payment_event.position IS 'Place in the log of the book: 1, 2, 3 … in commit order';
COMMENT ON COLUMN read.payment_event.event_type IS 'Type of the upstream event (ce_type); of the ledger''s own where there is none';
COMMENT ON COLUMN read.payment_event.outcome IS 'POSTED (one voucher), RECORDED (a fact without entries), REJECTED, PARKED or SKIPPED; empty for the ledger''s own';
COMMENT ON COLUMN read.payment_event.voucher_no IS 'Gapless number of the voucher; null where none was posted';
COMMENT ON COLUMN read.payment_event.effective_at IS 'When it happened, as the producer says';
COMMENT ON COLUMN read.payment_event.recorded_at IS 'When it was written; never falls along the log';
COMMENT ON COLUMN read.payment_event.currency IS 'Code of the asset, by ISO 4217 where it has one; null where the event names none';
COMMENT ON COLUMN read.payment_event.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.payment_event.amount_minor IS 'Amount in minor units, without a sign; null where the event names none';
COMMENT ON COLUMN read.payment_event.amount IS 'The same amount in whole units of the currency';
COMMENT ON COLUMN read.payment_event.method IS 'How it is paid, in the words of the publishing service';
COMMENT ON COLUMN read.payment_event.order_status IS 'Of a capture with its proof: SHIPPED where it was prepaid, DELIVERED where it was paid in cash on delivery';
COMMENT ON COLUMN read.payment_event.gateway_transaction_id IS 'The processor''s id of a prepaid capture';
COMMENT ON COLUMN read.payment_event.gateway_response IS 'What the processor answered to it';
COMMENT ON COLUMN read.payment_event.confirmed_by IS 'Of cash on delivery: who confirmed it';
COMMENT ON COLUMN read.payment_event.confirmed_at IS 'Of cash on delivery: when it was confirmed';
COMMENT ON COLUMN read.payment_event.custody IS 'Of a split capture: escrow or direct, see read.payment_leg';
COMMENT ON COLUMN read.payment_event.failure_reason IS 'Why it failed, in the words of the publishing service';
COMMENT ON COLUMN read.payment_event.reason IS 'Why it was done, for people';
COMMENT ON COLUMN read.payment_event.code IS 'Stable name of the reason why it was refused or skipped; null for others';
COMMENT ON COLUMN read.payment_event.detail IS 'That reason in words';
COMMENT ON COLUMN read.payment_event.waits_for IS 'What a parked event waits for';
COMMENT ON COLUMN read.payment_event.details IS 'What else the log keeps of it, as it keeps it: ids, legs, quote, sign-offs, drawer, hold, metadata …';
GRANT SELECT ON read.payment_event TO ledger_reader;

-- Two more columns; each is looked up only where it is asked for.
CREATE OR REPLACE VIEW read.payment WITH (security_invoker = true) AS
SELECT
    payment.book_id, payment.order_key, payment.state, payment.execution, payment.finality, payment.method,
    payment.currency, asset.scale,
    payment.authorised_minor, read.amount(payment.authorised_minor, asset.scale) AS authorised,
    payment.captured_minor, read.amount(payment.captured_minor, asset.scale) AS captured,
    payment.refunded_minor, read.amount(payment.refunded_minor, asset.scale) AS refunded,
    payment.voided_minor, read.amount(payment.voided_minor, asset.scale) AS voided,
    payment.reversed_minor, read.amount(payment.reversed_minor, asset.scale) AS reversed,
    payment.disputed_minor, read.amount(payment.disputed_minor, asset.scale) AS disputed,
    payment.commission_minor, read.amount(payment.commission_minor, asset.scale) AS commission,
    payment.fees_minor, read.amount(payment.fees_minor, asset.scale) AS fees,
    payment.net_minor, read.amount(payment.net_minor, asset.scale) AS net,
    payment.captures, payment.refunds, payment.first_effective_at, payment.last_effective_at, payment.last_position,
    progress.position,
    (
        SELECT told.order_status FROM read.payment_event AS told
        WHERE told.book_id = payment.book_id AND told.order_key = payment.order_key AND told.order_status IS NOT NULL
            AND NOT EXISTS (
                SELECT FROM ledger.reversal
                WHERE reversal.book_id = told.book_id AND reversal.reversed_position = told.position
            )
        ORDER BY told.position DESC LIMIT 1
    ) AS order_status,
    (
        SELECT min(leg.custody) FROM read.payment_leg AS leg
        WHERE leg.book_id = payment.book_id AND leg.order_key = payment.order_key
    ) AS custody
FROM projections.payment
LEFT JOIN ledger.asset ON asset.code = payment.currency
INNER JOIN projections.progress ON progress.book_id = payment.book_id AND progress.projection = 'payments';
COMMENT ON COLUMN read.payment.finality IS 'Of what was executed: PENDING, CONFIRMED or FAILED; of the whole payment, never of one of its legs';
COMMENT ON COLUMN read.payment.order_status IS 'SHIPPED or DELIVERED, as the last capture with a proof says that stands; null where none does. Looked up in the log';
COMMENT ON COLUMN read.payment.custody IS 'Of a split payment: escrow or direct; null for others';

RESET ROLE;
