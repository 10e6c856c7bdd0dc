-- Findings: what reconciliation saw that should not be so. It reads the ledger and writes here, nothing else.

CREATE SCHEMA reconciliation AUTHORIZATION ledger_owner;
COMMENT ON SCHEMA reconciliation IS 'Differences found by scans: detected, never repaired by themselves';
SET ROLE ledger_owner;

CREATE TABLE reconciliation.scan (
    number bigint NOT NULL CHECK (number > 0),
    position bigint NOT NULL CHECK (position >= 0),
    scanned_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL REFERENCES ledger.book,
    complete boolean NOT NULL,
    opened integer NOT NULL,
    reopened integer NOT NULL,
    changed integer NOT NULL,
    resolved integer NOT NULL,
    PRIMARY KEY (book_id, number),
    CHECK (complete OR resolved = 0)
);
COMMENT ON TABLE reconciliation.scan IS 'Scans that had something new to say: another position of the book, or another set of findings. Its key is the compare-and-set by which two scanners at once count as one';
COMMENT ON COLUMN reconciliation.scan.number IS 'Gapless number of the scan in its book';
COMMENT ON COLUMN reconciliation.scan.position IS 'Position of the book that the scan saw, in one snapshot';
COMMENT ON COLUMN reconciliation.scan.complete IS 'Whether every check ran; a scan that was not complete resolves nothing';

CREATE TABLE reconciliation.finding (
    opened_at_position bigint NOT NULL,
    resolved_at_position bigint,
    amount_minor bigint CHECK (amount_minor > 0),
    opened_by_scan bigint NOT NULL,
    changed_by_scan bigint NOT NULL,
    book_id integer NOT NULL,
    reopened integer NOT NULL DEFAULT 0 CHECK (reopened >= 0),
    asset_id smallint,
    side "char" CHECK (side IN ('D', 'C')),
    state text NOT NULL CHECK (state IN ('OPEN', 'RESOLVED')),
    code text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (book_id, code, subject),
    FOREIGN KEY (book_id, opened_by_scan) REFERENCES reconciliation.scan,
    FOREIGN KEY (book_id, changed_by_scan) REFERENCES reconciliation.scan,
    CHECK ((state = 'OPEN') = (resolved_at_position IS NULL)),
    CHECK ((amount_minor IS NULL) = (asset_id IS NULL) AND (amount_minor IS NULL) = (side IS NULL))
);
COMMENT ON TABLE reconciliation.finding IS 'One row per (book, code, subject), for ever: OPEN while the latest complete scan sees it, RESOLVED otherwise';
COMMENT ON COLUMN reconciliation.finding.subject IS 'What the finding is about: an order key, an upstream event, a partition';
COMMENT ON COLUMN reconciliation.finding.side IS 'The side on which the amount is too much: D debit, C credit';
COMMENT ON COLUMN reconciliation.finding.opened_at_position IS 'Position of the scan that opened it, or reopened it last';
COMMENT ON COLUMN reconciliation.finding.reopened IS 'How often it came back after it was resolved';

-- A finding is never removed, and its name and history do not change under it.
CREATE FUNCTION reconciliation.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'FINDINGS_STAY: % of reconciliation.% is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER finding_stays BEFORE DELETE OR TRUNCATE ON reconciliation.finding
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation.refuse_change();
CREATE TRIGGER finding_keeps_its_name BEFORE UPDATE ON reconciliation.finding FOR EACH ROW
    WHEN ((NEW.book_id, NEW.code, NEW.subject) IS DISTINCT FROM (OLD.book_id, OLD.code, OLD.subject) OR NEW.reopened < OLD.reopened)
    EXECUTE FUNCTION reconciliation.refuse_change();
CREATE TRIGGER scan_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reconciliation.scan
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation.refuse_change();

GRANT USAGE ON SCHEMA reconciliation TO ledger_reconciler, ledger_reader;
GRANT SELECT, INSERT ON reconciliation.scan TO ledger_reconciler;
GRANT SELECT, INSERT, UPDATE ON reconciliation.finding TO ledger_reconciler;
GRANT SELECT ON reconciliation.scan, reconciliation.finding TO ledger_reader;

ALTER TABLE reconciliation.scan ENABLE ROW LEVEL SECURITY;
ALTER TABLE reconciliation.finding ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON reconciliation.scan FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY one_book ON reconciliation.finding FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON reconciliation.scan TO ledger_reconciler USING (true) WITH CHECK (true);
CREATE POLICY every_book ON reconciliation.finding TO ledger_reconciler USING (true) WITH CHECK (true);
RESET ROLE;
