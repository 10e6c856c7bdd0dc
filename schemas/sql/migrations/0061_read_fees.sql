-- Fees that the platform takes, for analysts.
SET ROLE ledger_owner;

CREATE VIEW read.fee WITH (security_invoker = true) AS
SELECT
    part.book_id, part.order_key, part.part_id AS fee_id, part.account, part.reference, part.state, part.reversed, part.failure_reason,
    part.currency, asset.scale, part.amount_minor, read.amount(part.amount_minor, asset.scale) AS amount,
    part.refunded_minor, read.amount(part.refunded_minor, asset.scale) AS refunded,
    part.first_effective_at, part.last_effective_at, part.last_position, progress.position
FROM projections.part
LEFT JOIN ledger.asset ON asset.code = part.currency
INNER JOIN projections.progress ON progress.book_id = part.book_id AND progress.projection = 'parts'
WHERE part.kind = 'fee';
COMMENT ON VIEW read.fee IS 'One row per fee that the platform takes, also of those that could not be taken; as far as the projection has come';
COMMENT ON COLUMN read.fee.book_id IS 'Number of the book';
COMMENT ON COLUMN read.fee.order_key IS 'Subject of its events';
COMMENT ON COLUMN read.fee.fee_id IS 'Id of the fee';
COMMENT ON COLUMN read.fee.account IS 'Account that it was charged; empty where it never was';
COMMENT ON COLUMN read.fee.reference IS 'What it is for, in the words of the publishing service; empty where nothing was named';
COMMENT ON COLUMN read.fee.state IS 'CHARGED, FAILED, RETRYING, or PERMANENTLY_FAILED after three tries; TAKEN_BACK where its voucher was reversed by request';
COMMENT ON COLUMN read.fee.reversed IS 'Whether its voucher was taken back by request';
COMMENT ON COLUMN read.fee.failure_reason IS 'Why it failed last, in the words of the publishing service; empty where it did not';
COMMENT ON COLUMN read.fee.currency IS 'Code of the asset, by ISO 4217 where it has one; empty where nothing named an amount yet';
COMMENT ON COLUMN read.fee.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.fee.amount_minor IS 'Amount in minor units';
COMMENT ON COLUMN read.fee.amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.fee.refunded_minor IS 'What of it was given back, in minor units';
COMMENT ON COLUMN read.fee.refunded IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.fee.first_effective_at IS 'When its first step happened';
COMMENT ON COLUMN read.fee.last_effective_at IS 'When its last step happened';
COMMENT ON COLUMN read.fee.last_position IS 'Position of its last step; read on from the highest you have seen';
COMMENT ON COLUMN read.fee.position IS 'How far in the log of the book the projection has come';
GRANT SELECT ON read.fee TO ledger_reader;

RESET ROLE;
