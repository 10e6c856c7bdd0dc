-- What each account earned by payments, and what of it went back, was kept or was paid out.
SET ROLE ledger_owner;

CREATE TABLE projections.beneficiary_versions (
    earned_minor bigint NOT NULL,
    commission_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    disputed_minor bigint NOT NULL,
    paid_out_minor bigint NOT NULL,
    fees_minor bigint NOT NULL,
    vouchers bigint NOT NULL,
    last_position bigint NOT NULL,
    first_effective_at timestamptz NOT NULL,
    last_effective_at timestamptz NOT NULL,
    book_id integer NOT NULL,
    version integer NOT NULL,
    account text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, version, account)
) WITH (fillfactor = 50);

CREATE VIEW projections.beneficiary WITH (security_invoker = true) AS
SELECT
    row.book_id, row.account, row.currency, row.earned_minor, row.commission_minor, row.refunded_minor, row.disputed_minor,
    row.paid_out_minor, row.fees_minor, row.vouchers, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.checkpoint
INNER JOIN projections.beneficiary_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'beneficiaries' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.beneficiary IS 'One row per account that payments, payouts or fees were about: the sums of what they moved on it';

CREATE VIEW read.beneficiary WITH (security_invoker = true) AS
SELECT
    beneficiary.book_id, beneficiary.account, beneficiary.currency, asset.scale,
    beneficiary.earned_minor, read.amount(beneficiary.earned_minor, asset.scale) AS earned,
    beneficiary.commission_minor, read.amount(beneficiary.commission_minor, asset.scale) AS commission,
    beneficiary.refunded_minor, read.amount(beneficiary.refunded_minor, asset.scale) AS refunded,
    beneficiary.disputed_minor, read.amount(beneficiary.disputed_minor, asset.scale) AS disputed,
    beneficiary.paid_out_minor, read.amount(beneficiary.paid_out_minor, asset.scale) AS paid_out,
    beneficiary.fees_minor, read.amount(beneficiary.fees_minor, asset.scale) AS fees,
    beneficiary.vouchers, beneficiary.first_effective_at, beneficiary.last_effective_at, beneficiary.last_position,
    progress.position
FROM projections.beneficiary
INNER JOIN ledger.asset ON asset.code = beneficiary.currency
INNER JOIN projections.progress ON progress.book_id = beneficiary.book_id AND progress.projection = 'beneficiaries';
COMMENT ON VIEW read.beneficiary IS 'One row per account that payments are for; as far as the projection has come. What is available now is in read.balance';
COMMENT ON COLUMN read.beneficiary.book_id IS 'Number of the book';
COMMENT ON COLUMN read.beneficiary.account IS 'Code of the account';
COMMENT ON COLUMN read.beneficiary.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.beneficiary.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.beneficiary.earned_minor IS 'Its shares of payments less commission, in minor units';
COMMENT ON COLUMN read.beneficiary.earned IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.beneficiary.commission_minor IS 'What the platform kept of its shares, in minor units';
COMMENT ON COLUMN read.beneficiary.commission IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.beneficiary.refunded_minor IS 'What refunds took back of it, in minor units';
COMMENT ON COLUMN read.beneficiary.refunded IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.beneficiary.disputed_minor IS 'What disputes that are open or lost took of it, in minor units';
COMMENT ON COLUMN read.beneficiary.disputed IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.beneficiary.paid_out_minor IS 'What was paid out or is on its way, in minor units';
COMMENT ON COLUMN read.beneficiary.paid_out IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.beneficiary.fees_minor IS 'Fees charged less fees given back, in minor units';
COMMENT ON COLUMN read.beneficiary.fees IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.beneficiary.vouchers IS 'Number of vouchers that moved one of these sums';
COMMENT ON COLUMN read.beneficiary.first_effective_at IS 'When the first of them took effect';
COMMENT ON COLUMN read.beneficiary.last_effective_at IS 'When the last of them took effect';
COMMENT ON COLUMN read.beneficiary.last_position IS 'Position of the last of them; read on from the highest you have seen';
COMMENT ON COLUMN read.beneficiary.position IS 'How far in the log of the book the projection has come';

GRANT SELECT ON projections.beneficiary_versions, projections.beneficiary TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT, UPDATE, DELETE ON projections.beneficiary_versions TO ledger_projector;
GRANT SELECT ON read.beneficiary TO ledger_reader;

ALTER TABLE projections.beneficiary_versions ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON projections.beneficiary_versions FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON projections.beneficiary_versions FOR SELECT TO ledger_reconciler USING (true);
CREATE POLICY projector ON projections.beneficiary_versions TO ledger_projector USING (true) WITH CHECK (true);
RESET ROLE;
