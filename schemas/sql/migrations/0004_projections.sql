-- The read models: folds of the ledger's topic, with the checkpoint of each.
--
-- Every row carries the version of the build it belongs to. A rebuild fills version n+1 beside the version that readers
-- see, and switches by changing one row of projections.checkpoint: views show the ACTIVE version of each book.

CREATE SCHEMA projections AUTHORIZATION ledger_owner;
SET ROLE ledger_owner;

CREATE TABLE projections.checkpoint (
    book_id integer NOT NULL REFERENCES ledger.book,
    projection text COLLATE "C" NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    state text COLLATE "C" NOT NULL CHECK (state IN ('BUILDING', 'ACTIVE', 'RETIRED')),
    fold_version integer NOT NULL,
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    log_epoch integer NOT NULL DEFAULT 1,
    block_number bigint NOT NULL DEFAULT 0,
    block_hash bytea NOT NULL DEFAULT '',
    stopped_code text COLLATE "C" NOT NULL DEFAULT '',
    stopped_detail text NOT NULL DEFAULT '',
    PRIMARY KEY (book_id, projection, version)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX checkpoint_active ON projections.checkpoint (book_id, projection) WHERE state = 'ACTIVE';
COMMENT ON TABLE projections.checkpoint IS 'Last position that each version of a projection has durably applied, per book; moved in the transaction that writes its rows';
COMMENT ON COLUMN projections.checkpoint.fold_version IS 'Version of the code that folded these rows; other code does not go on with them';
COMMENT ON COLUMN projections.checkpoint.block_hash IS 'Hash of the block that holds the position: the log is continued by hash, not by number alone';
COMMENT ON COLUMN projections.checkpoint.stopped_code IS 'Set when the log could not be continued; cleared by a rebuild';

CREATE TABLE projections.source_position (
    consumer text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    last_offset bigint NOT NULL DEFAULT -1,
    last_hash bytea NOT NULL DEFAULT '',
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE projections.source_position IS 'Where the projector reads on in each partition. It saves time; what has been applied is said by checkpoint alone';

CREATE TABLE projections.payment_versions (
    book_id integer NOT NULL,
    version integer NOT NULL,
    captures integer NOT NULL,
    refunds integer NOT NULL,
    authorised_minor bigint NOT NULL,
    captured_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    voided_minor bigint NOT NULL,
    paid_out_minor bigint NOT NULL,
    first_effective_at timestamptz NOT NULL,
    last_effective_at timestamptz NOT NULL,
    last_position bigint NOT NULL,
    voided boolean NOT NULL,
    order_key text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN voided THEN 'voided'
            WHEN refunded_minor > 0 AND refunded_minor >= captured_minor THEN 'refunded'
            WHEN refunded_minor > 0 THEN 'partially_refunded'
            WHEN captured_minor > 0 THEN 'captured'
            WHEN authorised_minor > 0 THEN 'authorised'
            ELSE 'paid_out'
        END
    ) STORED,
    PRIMARY KEY (book_id, version, order_key)
) WITH (fillfactor = 80);

CREATE TABLE projections.daily_balance_versions (
    book_id integer NOT NULL,
    version integer NOT NULL,
    debits_minor bigint NOT NULL,
    credits_minor bigint NOT NULL,
    entries bigint NOT NULL,
    day date NOT NULL,
    account text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, version, account, day)
) WITH (fillfactor = 80);

-- Sums over many accounts can pass 2^63, which one account's counters cannot.
CREATE TABLE projections.trial_balance_versions (
    book_id integer NOT NULL,
    version integer NOT NULL,
    entries bigint NOT NULL,
    day date NOT NULL,
    currency text COLLATE "C" NOT NULL,
    account_type text COLLATE "C" NOT NULL,
    debits_minor numeric(38, 0) NOT NULL,
    credits_minor numeric(38, 0) NOT NULL,
    PRIMARY KEY (book_id, version, day, currency, account_type)
) WITH (fillfactor = 50);

-- What readers see --------------------------------------------------------------------------------

CREATE VIEW projections.payment WITH (security_invoker = true) AS
SELECT
    row.book_id, row.order_key, row.status, row.currency, row.authorised_minor, row.captured_minor, row.refunded_minor,
    row.voided_minor, row.paid_out_minor, row.captures, row.refunds, row.first_effective_at, row.last_effective_at,
    row.last_position
FROM projections.checkpoint
INNER JOIN projections.payment_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'payments' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.payment IS 'One row per order key: what was authorised, captured, refunded, called off and paid out, and the status that follows';

CREATE VIEW projections.daily_balance WITH (security_invoker = true) AS
SELECT row.book_id, row.account, row.day, row.currency, row.debits_minor, row.credits_minor, row.entries
FROM projections.checkpoint
INNER JOIN projections.daily_balance_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'daily_balances' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.daily_balance IS 'Debits and credits of one account on one UTC day of effective_at; days without entries have no row';

CREATE VIEW projections.trial_balance WITH (security_invoker = true) AS
SELECT row.book_id, row.day, row.currency, row.account_type, row.debits_minor, row.credits_minor, row.entries
FROM projections.checkpoint
INNER JOIN projections.trial_balance_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'trial_balance' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.trial_balance IS 'Debits and credits per UTC day of effective_at, currency and account type; over the types of a day and currency they are equal';

CREATE VIEW projections.progress WITH (security_invoker = true) AS
SELECT
    checkpoint.book_id, checkpoint.projection, checkpoint.version, checkpoint.position,
    book.position - checkpoint.position AS lag_positions, checkpoint.stopped_code, checkpoint.stopped_detail
FROM projections.checkpoint
INNER JOIN ledger.book ON book.book_id = checkpoint.book_id
WHERE checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.progress IS 'How far each projection has applied its book''s log, and why it stopped if it did';

-- Rights ------------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA projections TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT SELECT ON ALL TABLES IN SCHEMA projections TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT, UPDATE, DELETE ON projections.checkpoint, projections.source_position, projections.payment_versions,
    projections.daily_balance_versions, projections.trial_balance_versions TO ledger_projector;

DO $$
DECLARE
    book_table text;
BEGIN
    FOREACH book_table IN ARRAY ARRAY['checkpoint', 'payment_versions', 'daily_balance_versions', 'trial_balance_versions'] LOOP
        EXECUTE format('ALTER TABLE projections.%I ENABLE ROW LEVEL SECURITY', book_table);
        EXECUTE format('CREATE POLICY one_book ON projections.%I FOR SELECT TO ledger_reader
                        USING (book_id::text = current_setting(''ledger.book_id'', true))', book_table);
        EXECUTE format('CREATE POLICY every_book ON projections.%I FOR SELECT TO ledger_reconciler USING (true)', book_table);
        EXECUTE format('CREATE POLICY projector ON projections.%I TO ledger_projector USING (true) WITH CHECK (true)', book_table);
    END LOOP;
END $$;
RESET ROLE;
