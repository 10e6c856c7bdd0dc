-- Both currencies of payments across currencies, for analysts.
SET ROLE ledger_owner;

CREATE VIEW read.payment_exchange WITH (security_invoker = true) AS
SELECT
    row.book_id, row.order_key, paid.code AS paid_currency, paid.scale AS paid_scale, row.paid_minor,
    read.amount(row.paid_minor, paid.scale) AS paid, row.paid_back_minor, read.amount(row.paid_back_minor, paid.scale) AS paid_back,
    credited.code AS currency, credited.scale, row.credited_minor, read.amount(row.credited_minor, credited.scale) AS credited,
    row.credited_back_minor, read.amount(row.credited_back_minor, credited.scale) AS credited_back, book.position
FROM ledger.payment_exchange AS row
INNER JOIN ledger.book ON book.book_id = row.book_id
INNER JOIN ledger.subject ON subject.book_id = row.book_id AND subject.order_key = row.order_key
INNER JOIN ledger.asset AS paid ON paid.asset_id = subject.asset_id
INNER JOIN ledger.asset AS credited ON credited.asset_id = row.asset_id;
COMMENT ON VIEW read.payment_exchange IS 'One row per payment that was paid in one currency and credited in another, exact at once';
COMMENT ON COLUMN read.payment_exchange.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payment_exchange.order_key IS 'The payment, as in read.payment';
COMMENT ON COLUMN read.payment_exchange.paid_currency IS 'Code of the asset that it was paid in';
COMMENT ON COLUMN read.payment_exchange.paid_scale IS 'Number of minor digits of that one';
COMMENT ON COLUMN read.payment_exchange.paid_minor IS 'What was captured, in minor units of the currency that it was paid in';
COMMENT ON COLUMN read.payment_exchange.paid IS 'The same in whole units';
COMMENT ON COLUMN read.payment_exchange.paid_back_minor IS 'What of it went back by refunds, and by disputes that are open or lost';
COMMENT ON COLUMN read.payment_exchange.paid_back IS 'The same in whole units';
COMMENT ON COLUMN read.payment_exchange.currency IS 'Code of the asset that its beneficiaries were credited in';
COMMENT ON COLUMN read.payment_exchange.scale IS 'Number of minor digits of that one: credited = credited_minor / 10^scale';
COMMENT ON COLUMN read.payment_exchange.credited_minor IS 'What was credited for it, commission included, in minor units';
COMMENT ON COLUMN read.payment_exchange.credited IS 'The same in whole units';
COMMENT ON COLUMN read.payment_exchange.credited_back_minor IS 'What of that went back with it, at the payment''s own ratio';
COMMENT ON COLUMN read.payment_exchange.credited_back IS 'The same in whole units';
COMMENT ON COLUMN read.payment_exchange.position IS 'Position of the last event of the book';
GRANT SELECT ON read.payment_exchange TO ledger_reader;

RESET ROLE;
