-- Payments across currencies, each with what was paid and what was credited for it; and exchange rates as a read model.
SET ROLE ledger_owner;

-- A row is written under the lock of its order key's subject.
CREATE TABLE ledger.payment_exchange (
    paid_minor bigint NOT NULL CHECK (paid_minor >= 0),
    credited_minor bigint NOT NULL CHECK (credited_minor >= 0),
    paid_back_minor bigint NOT NULL CHECK (paid_back_minor BETWEEN 0 AND paid_minor),
    credited_back_minor bigint NOT NULL CHECK (credited_back_minor BETWEEN 0 AND credited_minor),
    book_id integer NOT NULL,
    asset_id smallint NOT NULL,
    order_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, order_key),
    -- What gives back all that was paid gives back all that was credited, to the last unit.
    CONSTRAINT payment_exchange_whole CHECK (paid_back_minor < paid_minor OR credited_back_minor = credited_minor)
) WITH (fillfactor = 80);
COMMENT ON TABLE ledger.payment_exchange IS 'One row per payment that was paid in one currency and credited in another; its subject has mark 32';
COMMENT ON COLUMN ledger.payment_exchange.paid_minor IS 'What was captured, in the payment''s own currency';
COMMENT ON COLUMN ledger.payment_exchange.credited_minor IS 'What was credited for it, in the currency of its beneficiaries';
COMMENT ON COLUMN ledger.payment_exchange.paid_back_minor IS 'What of the first went back by refunds, and by disputes that are open or lost';
COMMENT ON COLUMN ledger.payment_exchange.credited_back_minor IS 'What of the second went back with it';
COMMENT ON COLUMN ledger.payment_exchange.asset_id IS 'The currency of its beneficiaries';

-- What the database refuses, whoever writes: a payment that is credited in another currency than before.
CREATE FUNCTION ledger.refuse_exchange() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'EXCHANGE_REFUSED: order key % in book % is credited in another currency', OLD.order_key, OLD.book_id
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER payment_exchange_guard BEFORE UPDATE ON ledger.payment_exchange FOR EACH ROW
    WHEN ((NEW.book_id, NEW.order_key, NEW.asset_id) IS DISTINCT FROM (OLD.book_id, OLD.order_key, OLD.asset_id))
    EXECUTE FUNCTION ledger.refuse_exchange();
CREATE TRIGGER payment_exchange_kept BEFORE DELETE OR TRUNCATE ON ledger.payment_exchange
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- The read model of rates ---------------------------------------------------------------------------

CREATE TABLE projections.rate_versions (
    published_at timestamptz NOT NULL,
    valid_until timestamptz,
    last_position bigint NOT NULL,
    publications bigint NOT NULL,
    book_id integer NOT NULL,
    version integer NOT NULL,
    base text COLLATE "C" NOT NULL,
    counter text COLLATE "C" NOT NULL,
    rate text COLLATE "C" NOT NULL,
    provider text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, version, base, counter)
) WITH (fillfactor = 80);
COMMENT ON COLUMN projections.rate_versions.published_at IS 'The rate''s own time: the latest one stands, in whatever order they came';
COMMENT ON COLUMN projections.rate_versions.last_position IS 'Where the rate that stands is in the log';

-- How far the book's own time has come: what rates are old against.
CREATE TABLE projections.rate_clock_versions (
    newest_effective_at timestamptz NOT NULL,
    book_id integer NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (book_id, version)
) WITH (fillfactor = 50);

CREATE VIEW projections.rate WITH (security_invoker = true) AS
SELECT
    row.book_id, row.base, row.counter, row.rate, row.provider, row.source, row.published_at, row.valid_until,
    clock.newest_effective_at, row.publications, row.last_position
FROM projections.checkpoint
INNER JOIN projections.rate_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
INNER JOIN projections.rate_clock_versions AS clock
    ON clock.book_id = checkpoint.book_id AND clock.version = checkpoint.version
WHERE checkpoint.projection = 'rates' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.rate IS 'One row per pair of currencies: the latest rate by its own time';

CREATE VIEW read.rate WITH (security_invoker = true) AS
SELECT
    rate.book_id, rate.base, rate.counter, rate.rate, rate.provider, rate.source, rate.published_at, rate.valid_until,
    rate.newest_effective_at, rate.publications, rate.last_position, progress.position
FROM projections.rate
INNER JOIN projections.progress ON progress.book_id = rate.book_id AND progress.projection = 'rates';
COMMENT ON VIEW read.rate IS 'One row per pair of currencies that a rate was published for: the latest by its own time; as far as the projection has come';
COMMENT ON COLUMN read.rate.book_id IS 'Number of the book';
COMMENT ON COLUMN read.rate.base IS 'Code of the asset that is priced';
COMMENT ON COLUMN read.rate.counter IS 'Code of the asset that it is priced in';
COMMENT ON COLUMN read.rate.rate IS 'Units of counter for one unit of base: an exact decimal, as it was published';
COMMENT ON COLUMN read.rate.provider IS 'Who published it';
COMMENT ON COLUMN read.rate.source IS 'Where the provider has it from';
COMMENT ON COLUMN read.rate.published_at IS 'The rate''s own time';
COMMENT ON COLUMN read.rate.valid_until IS 'When it ends to hold, where its publisher says so';
COMMENT ON COLUMN read.rate.newest_effective_at IS 'The latest time at which anything of the book took effect: what rates are old against';
COMMENT ON COLUMN read.rate.publications IS 'How often a rate of the pair was published';
COMMENT ON COLUMN read.rate.last_position IS 'Position of the rate that stands';
COMMENT ON COLUMN read.rate.position IS 'How far in the log of the book the projection has come';

-- Rights ------------------------------------------------------------------------------------------

GRANT SELECT ON ledger.payment_exchange TO ledger_poster, ledger_projector, ledger_reconciler, ledger_reader;
GRANT INSERT, UPDATE ON ledger.payment_exchange TO ledger_poster;
ALTER TABLE ledger.payment_exchange ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON ledger.payment_exchange FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON ledger.payment_exchange FOR SELECT TO ledger_projector, ledger_reconciler USING (true);

GRANT SELECT ON projections.rate_versions, projections.rate_clock_versions, projections.rate
    TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT, UPDATE, DELETE ON projections.rate_versions, projections.rate_clock_versions TO ledger_projector;
GRANT SELECT ON read.rate TO ledger_reader;
DO $$
DECLARE
    book_table text;
BEGIN
    FOREACH book_table IN ARRAY ARRAY['rate_versions', 'rate_clock_versions'] LOOP
        EXECUTE format('ALTER TABLE projections.%I ENABLE ROW LEVEL SECURITY', book_table);
        EXECUTE format('CREATE POLICY one_book ON projections.%I FOR SELECT TO ledger_reader
                        USING (book_id::text = current_setting(''ledger.book_id'', true))', book_table);
        EXECUTE format('CREATE POLICY every_book ON projections.%I FOR SELECT TO ledger_reconciler USING (true)', book_table);
        EXECUTE format('CREATE POLICY projector ON projections.%I TO ledger_projector USING (true) WITH CHECK (true)', book_table);
    END LOOP;
END $$;
RESET ROLE;
