-- Payments of which something was taken back by request: how much, and what becomes of their status.
SET ROLE ledger_owner;

ALTER TABLE projections.payment_versions ADD COLUMN reversed_minor bigint NOT NULL DEFAULT 0;

-- The status of the table stays as it is: to change a generated column would rewrite the table.
CREATE OR REPLACE VIEW projections.payment WITH (security_invoker = true) AS
SELECT
    row.book_id, row.order_key,
    CASE
        WHEN row.reversed_minor > 0 AND row.captured_minor = 0 AND row.paid_out_minor = 0 AND NOT row.voided
            THEN 'reversed' COLLATE "C"
        ELSE row.status
    END AS status,
    row.currency, row.authorised_minor, row.captured_minor, row.refunded_minor,
    row.voided_minor, row.paid_out_minor, row.captures, row.refunds, row.first_effective_at, row.last_effective_at,
    row.last_position, row.reversed_minor
FROM projections.checkpoint
INNER JOIN projections.payment_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'payments' AND checkpoint.state = 'ACTIVE';

CREATE OR REPLACE VIEW read.payment WITH (security_invoker = true) AS
SELECT
    payment.book_id, payment.order_key, payment.status, payment.currency, asset.scale,
    payment.authorised_minor, read.amount(payment.authorised_minor, asset.scale) AS authorised,
    payment.captured_minor, read.amount(payment.captured_minor, asset.scale) AS captured,
    payment.refunded_minor, read.amount(payment.refunded_minor, asset.scale) AS refunded,
    payment.voided_minor, read.amount(payment.voided_minor, asset.scale) AS voided,
    payment.paid_out_minor, read.amount(payment.paid_out_minor, asset.scale) AS paid_out,
    payment.captures, payment.refunds, payment.first_effective_at, payment.last_effective_at, payment.last_position,
    progress.position,
    payment.reversed_minor, read.amount(payment.reversed_minor, asset.scale) AS reversed
FROM projections.payment
INNER JOIN ledger.asset ON asset.code = payment.currency
INNER JOIN projections.progress ON progress.book_id = payment.book_id AND progress.projection = 'payments';
COMMENT ON COLUMN read.payment.status IS 'authorised, captured, partially_refunded, refunded, voided, paid_out or reversed';
COMMENT ON COLUMN read.payment.captured_minor IS 'Sum captured in minor units, less what was taken back by request';
COMMENT ON COLUMN read.payment.captured IS 'Sum captured in whole units of the currency, less what was taken back by request';
COMMENT ON COLUMN read.payment.refunded_minor IS 'Sum refunded in minor units, less refunds taken back by request';
COMMENT ON COLUMN read.payment.refunded IS 'Sum refunded in whole units of the currency, less refunds taken back by request';
COMMENT ON COLUMN read.payment.paid_out_minor IS 'Sum paid out in minor units, less what was taken back by request';
COMMENT ON COLUMN read.payment.paid_out IS 'Sum paid out in whole units of the currency, less what was taken back by request';
COMMENT ON COLUMN read.payment.reversed_minor IS 'Sum of captures and payouts taken back by request, in minor units';
COMMENT ON COLUMN read.payment.reversed IS 'Sum of captures and payouts taken back by request, in whole units of the currency';
RESET ROLE;
