-- A payment that failed before any event named an amount is a payment, too: FAILED, without a currency.
SET ROLE ledger_owner;

DROP VIEW read.payment;
DROP VIEW projections.payment;
ALTER TABLE projections.payment_versions DROP COLUMN state;
ALTER TABLE projections.payment_versions ADD COLUMN state text COLLATE "C" GENERATED ALWAYS AS (
    CASE
        WHEN family <> 'payment' OR (currency = '' AND NOT failed) THEN NULL
        WHEN voided THEN 'VOIDED'
        WHEN captured_minor > 0 AND refunded_minor = captured_minor THEN 'REFUNDED'
        WHEN captured_minor > 0 THEN 'CAPTURED'
        WHEN failed OR expired THEN 'FAILED'
        WHEN authorised_minor > 0 THEN 'AUTHORIZED'
        WHEN awaits_cash THEN 'PENDING_CASH'
        ELSE 'INITIATED'
    END
) STORED;

-- Times mostly rise, so this grows at its right end. What is not captured yet, or never will be, is what people look for.
CREATE INDEX payment_versions_in_time ON projections.payment_versions (book_id, version, first_effective_at, order_key)
    WHERE state IS NOT NULL;
CREATE INDEX payment_versions_by_state ON projections.payment_versions (book_id, version, state, first_effective_at, order_key)
    WHERE state IN ('INITIATED', 'AUTHORIZED', 'PENDING_CASH', 'VOIDED', 'FAILED', 'REFUNDED');

CREATE VIEW projections.payment WITH (security_invoker = true) AS
SELECT
    row.book_id, row.order_key, row.state,
    projections.execution(row.executed, row.unexecuted) AS execution,
    projections.finality(row.executed, row.final, row.unfinal) AS finality,
    row.currency, row.method, row.authorised_minor, row.captured_minor, row.refunded_minor, row.voided_minor,
    row.reversed_minor, row.disputed_minor, row.commission_minor, row.fees_minor,
    row.captured_minor - row.voided_minor - row.refunded_minor - row.disputed_minor - row.commission_minor - row.fees_minor
        AS net_minor,
    row.captures, row.refunds, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.checkpoint
INNER JOIN projections.payment_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'payments' AND checkpoint.state = 'ACTIVE' AND row.state IS NOT NULL;
COMMENT ON VIEW projections.payment IS 'One row per payment of which an event was accepted: its state, the sums of its events, and what is left of it';

CREATE VIEW read.payment WITH (security_invoker = true) AS
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
    progress.position
FROM projections.payment
LEFT JOIN ledger.asset ON asset.code = payment.currency
INNER JOIN projections.progress ON progress.book_id = payment.book_id AND progress.projection = 'payments';
COMMENT ON VIEW read.payment IS 'One row per payment of which an event was accepted: what became of it; as far as the projection has come';
COMMENT ON COLUMN read.payment.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payment.order_key IS 'The payment: the subject of its events';
COMMENT ON COLUMN read.payment.state IS 'INITIATED, AUTHORIZED, PENDING_CASH, CAPTURED, VOIDED, FAILED or REFUNDED';
COMMENT ON COLUMN read.payment.execution IS 'Of its settlements: PENDING, CONFIRMED or FAILED; executed is not final';
COMMENT ON COLUMN read.payment.finality IS 'Of what was executed: PENDING, CONFIRMED or FAILED';
COMMENT ON COLUMN read.payment.method IS 'How it was paid, in the words of the publishing service';
COMMENT ON COLUMN read.payment.currency IS 'Code of the asset, by ISO 4217 where it has one; empty of a payment that failed before any event named an amount';
COMMENT ON COLUMN read.payment.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.payment.authorised_minor IS 'Sum authorised in minor units';
COMMENT ON COLUMN read.payment.authorised IS 'Sum authorised in whole units of the currency';
COMMENT ON COLUMN read.payment.captured_minor IS 'Sum captured in minor units, less what was taken back by request';
COMMENT ON COLUMN read.payment.captured IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.refunded_minor IS 'Sum refunded in minor units, less refunds taken back by request';
COMMENT ON COLUMN read.payment.refunded IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.voided_minor IS 'Sum called off after it was captured, in minor units';
COMMENT ON COLUMN read.payment.voided IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.reversed_minor IS 'Sum of captures taken back by request, in minor units';
COMMENT ON COLUMN read.payment.reversed IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.disputed_minor IS 'Sum of disputes that are open or lost, in minor units';
COMMENT ON COLUMN read.payment.disputed IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.commission_minor IS 'What the platform keeps of it, in minor units';
COMMENT ON COLUMN read.payment.commission IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.fees_minor IS 'What processors charge for its settlements and disputes, in minor units';
COMMENT ON COLUMN read.payment.fees IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.net_minor IS 'What is left of it: captured less voided, refunded, disputed, commission and fees, in minor units; below zero where it cost more';
COMMENT ON COLUMN read.payment.net IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payment.captures IS 'Number of captures';
COMMENT ON COLUMN read.payment.refunds IS 'Number of refunds';
COMMENT ON COLUMN read.payment.first_effective_at IS 'When its first event happened';
COMMENT ON COLUMN read.payment.last_effective_at IS 'When its last event happened';
COMMENT ON COLUMN read.payment.last_position IS 'Position of its last event; read on from the highest you have seen';
COMMENT ON COLUMN read.payment.position IS 'How far in the log of the book the projection has come';

GRANT SELECT ON projections.payment TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT SELECT ON read.payment TO ledger_reader;
RESET ROLE;
