-- Payments by the names of their states, with the story of every order key; refunds, disputes, settlements, payouts and
-- fees as read models beside them. Their rows are folded anew from the log: the projector finds no checkpoint, and begins.
SET ROLE ledger_owner;

DROP VIEW read.payment;
DROP VIEW projections.payment;
DROP TABLE projections.payment_versions;
DELETE FROM projections.checkpoint WHERE projection = 'payments';

CREATE TABLE projections.payment_versions (
    authorised_minor bigint NOT NULL DEFAULT 0,
    captured_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    voided_minor bigint NOT NULL DEFAULT 0,
    reversed_minor bigint NOT NULL DEFAULT 0,
    disputed_minor bigint NOT NULL DEFAULT 0,
    commission_minor bigint NOT NULL DEFAULT 0,
    fees_minor bigint NOT NULL DEFAULT 0,
    first_effective_at timestamptz,
    last_effective_at timestamptz,
    last_position bigint NOT NULL,
    book_id integer NOT NULL,
    version integer NOT NULL,
    events integer NOT NULL,
    captures integer NOT NULL DEFAULT 0,
    refunds integer NOT NULL DEFAULT 0,
    executed integer NOT NULL DEFAULT 0,
    unexecuted integer NOT NULL DEFAULT 0,
    final integer NOT NULL DEFAULT 0,
    unfinal integer NOT NULL DEFAULT 0,
    voided boolean NOT NULL DEFAULT false,
    failed boolean NOT NULL DEFAULT false,
    expired boolean NOT NULL DEFAULT false,
    awaits_cash boolean NOT NULL DEFAULT false,
    family text COLLATE "C" NOT NULL,
    order_key text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL DEFAULT '',
    method text COLLATE "C" NOT NULL DEFAULT '',
    state text COLLATE "C" GENERATED ALWAYS AS (
        CASE
            WHEN family <> 'payment' OR currency = '' THEN NULL
            WHEN voided THEN 'VOIDED'
            WHEN captured_minor > 0 AND refunded_minor = captured_minor THEN 'REFUNDED'
            WHEN captured_minor > 0 THEN 'CAPTURED'
            WHEN failed OR expired THEN 'FAILED'
            WHEN authorised_minor > 0 THEN 'AUTHORIZED'
            WHEN awaits_cash THEN 'PENDING_CASH'
            ELSE 'INITIATED'
        END
    ) STORED,
    positions bigint[] NOT NULL,
    PRIMARY KEY (book_id, version, order_key)
) WITH (fillfactor = 80);
COMMENT ON COLUMN projections.payment_versions.family IS 'What the order key belongs to: payment, payout, fee, transfer …';
COMMENT ON COLUMN projections.payment_versions.positions IS 'Where its first 1,000 events stand in the log, refused ones too';
COMMENT ON COLUMN projections.payment_versions.executed IS 'Settlements that stand as executed; unexecuted: failed; final, unfinal: their finality confirmed, failed';

-- Times mostly rise, so this grows at its right end. What is not captured yet, or never will be, is what people look for.
CREATE INDEX payment_versions_in_time ON projections.payment_versions (book_id, version, first_effective_at, order_key)
    WHERE state IS NOT NULL;
CREATE INDEX payment_versions_by_state ON projections.payment_versions (book_id, version, state, first_effective_at, order_key)
    WHERE state IN ('INITIATED', 'AUTHORIZED', 'PENDING_CASH', 'VOIDED', 'FAILED', 'REFUNDED');

CREATE TABLE projections.part_versions (
    told bigint NOT NULL,
    amount_minor bigint NOT NULL,
    fee_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    first_effective_at timestamptz NOT NULL,
    last_effective_at timestamptz NOT NULL,
    last_position bigint NOT NULL,
    book_id integer NOT NULL,
    version integer NOT NULL,
    reversed boolean NOT NULL,
    kind text COLLATE "C" NOT NULL,
    order_key text COLLATE "C" NOT NULL,
    part_id text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    failure_reason text NOT NULL,
    positions bigint[] NOT NULL,
    PRIMARY KEY (book_id, version, order_key, kind, part_id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN projections.part_versions.told IS 'How often each of its steps was accepted, a byte a step: its state follows from that';
COMMENT ON COLUMN projections.part_versions.reversed IS 'Its voucher was taken back by request';
CREATE INDEX part_versions_in_time ON projections.part_versions (book_id, version, kind, first_effective_at, order_key, part_id);
CREATE INDEX part_versions_by_id ON projections.part_versions (book_id, version, kind, part_id);

-- What readers see --------------------------------------------------------------------------------

CREATE FUNCTION projections.execution(executed integer, unexecuted integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN executed > 0 THEN 'CONFIRMED' WHEN unexecuted > 0 THEN 'FAILED' ELSE 'PENDING' END;
COMMENT ON FUNCTION projections.execution IS 'Of a payment by its settlements: one that was executed is enough';

CREATE FUNCTION projections.finality(executed integer, final integer, unfinal integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN unfinal > 0 THEN 'FAILED' WHEN executed > 0 AND final = executed THEN 'CONFIRMED' ELSE 'PENDING' END;
COMMENT ON FUNCTION projections.finality IS 'Of what was executed: all of it has to last';

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

CREATE VIEW projections.story WITH (security_invoker = true) AS
SELECT row.book_id, row.order_key, row.family, row.events, row.positions, row.last_position
FROM projections.checkpoint
INNER JOIN projections.payment_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'payments' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.story IS 'One row per order key of any family: how many events it has, and where the first 1,000 stand in the log';

CREATE VIEW projections.part WITH (security_invoker = true) AS
SELECT
    row.book_id, row.kind, row.order_key, row.part_id, row.state, row.reversed, row.currency, row.amount_minor, row.fee_minor,
    row.refunded_minor, row.account, row.reference, row.failure_reason, row.first_effective_at, row.last_effective_at,
    row.last_position, row.positions
FROM projections.checkpoint
INNER JOIN projections.part_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'parts' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.part IS 'One row per refund, chargeback, settlement, payout and fee';

-- What analysts see -------------------------------------------------------------------------------

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
INNER JOIN ledger.asset ON asset.code = payment.currency
INNER JOIN projections.progress ON progress.book_id = payment.book_id AND progress.projection = 'payments';
COMMENT ON VIEW read.payment IS 'One row per payment of which an event was accepted: what became of it; as far as the projection has come';
COMMENT ON COLUMN read.payment.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payment.order_key IS 'The payment: the subject of its events';
COMMENT ON COLUMN read.payment.state IS 'INITIATED, AUTHORIZED, PENDING_CASH, CAPTURED, VOIDED, FAILED or REFUNDED';
COMMENT ON COLUMN read.payment.execution IS 'Of its settlements: PENDING, CONFIRMED or FAILED; executed is not final';
COMMENT ON COLUMN read.payment.finality IS 'Of what was executed: PENDING, CONFIRMED or FAILED';
COMMENT ON COLUMN read.payment.method IS 'How it was paid, in the words of the publishing service';
COMMENT ON COLUMN read.payment.currency IS 'Code of the asset, by ISO 4217 where it has one';
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

CREATE VIEW read.refund WITH (security_invoker = true) AS
SELECT
    part.book_id, part.order_key, part.part_id AS refund_id, part.state, part.reversed, part.failure_reason, part.currency,
    asset.scale, part.amount_minor, read.amount(part.amount_minor, asset.scale) AS amount, part.first_effective_at,
    part.last_effective_at, part.last_position, progress.position
FROM projections.part
LEFT JOIN ledger.asset ON asset.code = part.currency
INNER JOIN projections.progress ON progress.book_id = part.book_id AND progress.projection = 'parts'
WHERE part.kind = 'refund';
COMMENT ON VIEW read.refund IS 'One row per refund; as far as the projection has come';
COMMENT ON COLUMN read.refund.book_id IS 'Number of the book';
COMMENT ON COLUMN read.refund.order_key IS 'The payment that it gives back, whole or in part';
COMMENT ON COLUMN read.refund.refund_id IS 'Id of the refund';
COMMENT ON COLUMN read.refund.state IS 'PENDING, APPROVED, PROCESSING, COMPLETED or FAILED';
COMMENT ON COLUMN read.refund.reversed IS 'Whether its voucher was taken back by request';
COMMENT ON COLUMN read.refund.failure_reason IS 'Why it failed, in the words of the publishing service; empty where it did not';
COMMENT ON COLUMN read.refund.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.refund.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.refund.amount_minor IS 'Amount in minor units';
COMMENT ON COLUMN read.refund.amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.refund.first_effective_at IS 'When its first step happened';
COMMENT ON COLUMN read.refund.last_effective_at IS 'When its last step happened';
COMMENT ON COLUMN read.refund.last_position IS 'Position of its last step; read on from the highest you have seen';
COMMENT ON COLUMN read.refund.position IS 'How far in the log of the book the projection has come';

CREATE VIEW read.payout WITH (security_invoker = true) AS
SELECT
    part.book_id, part.order_key, part.part_id AS payout_id, part.account, part.state, part.reversed, part.failure_reason,
    part.currency, asset.scale, part.amount_minor, read.amount(part.amount_minor, asset.scale) AS amount,
    part.first_effective_at, part.last_effective_at, part.last_position, progress.position
FROM projections.part
LEFT JOIN ledger.asset ON asset.code = part.currency
INNER JOIN projections.progress ON progress.book_id = part.book_id AND progress.projection = 'parts'
WHERE part.kind = 'payout';
COMMENT ON VIEW read.payout IS 'One row per payout; as far as the projection has come';
COMMENT ON COLUMN read.payout.book_id IS 'Number of the book';
COMMENT ON COLUMN read.payout.order_key IS 'Subject of its events';
COMMENT ON COLUMN read.payout.payout_id IS 'Id of the payout';
COMMENT ON COLUMN read.payout.account IS 'Account whose money leaves';
COMMENT ON COLUMN read.payout.state IS 'REQUESTED, PAID, FAILED or RETURNED';
COMMENT ON COLUMN read.payout.reversed IS 'Whether its voucher was taken back by request';
COMMENT ON COLUMN read.payout.failure_reason IS 'Why it failed or was returned, in the words of the publishing service; empty where it was not';
COMMENT ON COLUMN read.payout.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.payout.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.payout.amount_minor IS 'Amount in minor units';
COMMENT ON COLUMN read.payout.amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.payout.first_effective_at IS 'When its first step happened';
COMMENT ON COLUMN read.payout.last_effective_at IS 'When its last step happened';
COMMENT ON COLUMN read.payout.last_position IS 'Position of its last step; read on from the highest you have seen';
COMMENT ON COLUMN read.payout.position IS 'How far in the log of the book the projection has come';

-- Rights ------------------------------------------------------------------------------------------

GRANT SELECT ON projections.payment_versions, projections.part_versions, projections.payment, projections.story, projections.part
    TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT, UPDATE, DELETE ON projections.payment_versions, projections.part_versions TO ledger_projector;
GRANT SELECT ON read.payment, read.refund, read.payout TO ledger_reader;

DO $$
DECLARE
    book_table text;
BEGIN
    FOREACH book_table IN ARRAY ARRAY['payment_versions', 'part_versions'] LOOP
        EXECUTE format('ALTER TABLE projections.%I ENABLE ROW LEVEL SECURITY', book_table);
        EXECUTE format('CREATE POLICY one_book ON projections.%I FOR SELECT TO ledger_reader
                        USING (book_id::text = current_setting(''ledger.book_id'', true))', book_table);
        EXECUTE format('CREATE POLICY every_book ON projections.%I FOR SELECT TO ledger_reconciler USING (true)', book_table);
        EXECUTE format('CREATE POLICY projector ON projections.%I TO ledger_projector USING (true) WITH CHECK (true)', book_table);
    END LOOP;
END $$;
RESET ROLE;
