-- Two times at once: sums by effective day over stretches of an account's entries. Entries never change and stand
-- in the order in which they were recorded, so a full stretch never changes either: its sums are written once.

SET ROLE ledger_owner;

CREATE TABLE projections.day_rollup (
    chunk bigint NOT NULL CHECK (chunk >= 0),
    debits_minor bigint NOT NULL,
    credits_minor bigint NOT NULL,
    entries bigint NOT NULL,
    book_id integer NOT NULL,
    account_id integer NOT NULL,
    day date NOT NULL,
    level smallint NOT NULL CHECK (level > 0),
    PRIMARY KEY (book_id, account_id, level, chunk, day)
);
COMMENT ON TABLE projections.day_rollup IS 'Of each full stretch of an account''s entries: sums of what took effect through a day, one row for each day on which something did';
COMMENT ON COLUMN projections.day_rollup.level IS 'Stretches of level 1 are 256 entries long, those of each level above are 16 of the level below';
COMMENT ON COLUMN projections.day_rollup.chunk IS 'Place of the stretch in its account, from 0: it begins after posting_sequence chunk * length';
COMMENT ON COLUMN projections.day_rollup.day IS 'UTC day of effective_at; the sums hold this day and all before it';

-- Nobody may update: what is rolled up is written once, or built anew.
GRANT SELECT ON projections.day_rollup TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT, DELETE ON projections.day_rollup TO ledger_projector;

ALTER TABLE projections.day_rollup ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON projections.day_rollup FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON projections.day_rollup FOR SELECT TO ledger_reconciler USING (true);
CREATE POLICY projector ON projections.day_rollup TO ledger_projector USING (true) WITH CHECK (true);
RESET ROLE;
