-- Notices: what services tell of a thing, kept one after the other. And the custody of split payments.

SET ROLE ledger_owner;

CREATE TABLE ledger.notice (
    book_id integer NOT NULL,
    revision integer NOT NULL CHECK (revision > 0),
    kind text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    said jsonb NOT NULL CHECK (jsonb_typeof(said) = 'object'),
    PRIMARY KEY (book_id, kind, key, revision)
);
COMMENT ON TABLE ledger.notice IS 'What services told of a thing, one row each time: the highest revision is what stands. The event of the log says the same';
COMMENT ON COLUMN ledger.notice.kind IS 'Of what kind of thing: settlement_profile';
COMMENT ON COLUMN ledger.notice.key IS 'The thing: of a settlement profile the code of the beneficiary''s account';
COMMENT ON COLUMN ledger.notice.said IS 'As the log keeps it: of a bank account no more than may be kept';

CREATE TRIGGER notice_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.notice
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- What the database refuses, whoever writes: a revision that does not follow the one before it.
CREATE FUNCTION ledger.refuse_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revision <> 1 + coalesce((SELECT max(notice.revision) FROM ledger.notice
        WHERE notice.book_id = NEW.book_id AND notice.kind = NEW.kind AND notice.key = NEW.key), 0) THEN
        RAISE EXCEPTION 'NOTICE_REFUSED: revision % of % % in book % follows none', NEW.revision, NEW.kind, NEW.key,
            NEW.book_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notice_guard BEFORE INSERT ON ledger.notice FOR EACH ROW EXECUTE FUNCTION ledger.refuse_notice();

-- Split payments whose beneficiaries were paid by the processor itself.
ALTER TABLE ledger.subject DROP CONSTRAINT subject_marks_check;
ALTER TABLE ledger.subject ADD CONSTRAINT subject_marks_check CHECK (marks BETWEEN 0 AND 127) NOT VALID;
ALTER TABLE ledger.subject VALIDATE CONSTRAINT subject_marks_check;
COMMENT ON COLUMN ledger.subject.marks IS 'Sum of: 1 failed for good, 2 its authorisation expired, 4 refunds, disputes or settlements have taken of it what its part of kind payment says, 64 captured in direct custody, see its part of kind custody';
ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_kind_check;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_kind_check
    CHECK (kind IN (
        'payment', 'refund', 'chargeback', 'settlement', 'payout', 'fee', 'drawer', 'delivery', 'attempt', 'custody'
    )) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_kind_check;

-- Rights ------------------------------------------------------------------------------------------

GRANT SELECT ON ledger.notice TO ledger_poster, ledger_projector, ledger_reconciler, ledger_reader;
GRANT INSERT ON ledger.notice TO ledger_poster;
ALTER TABLE ledger.notice ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON ledger.notice FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON ledger.notice FOR SELECT TO ledger_projector, ledger_reconciler USING (true);

CREATE VIEW read.settlement_profile WITH (security_invoker = true) AS
SELECT DISTINCT ON (book_id, key)
    book_id, key AS beneficiary, said ->> 'status' AS status, said ->> 'status' = 'VERIFIED' AS verified,
    said -> 'rails' AS rails, said -> 'bank_account_ref' AS bank_account_ref, revision
FROM ledger.notice WHERE kind = 'settlement_profile'
ORDER BY book_id, key, revision DESC;
COMMENT ON VIEW read.settlement_profile IS 'Whether each beneficiary may be paid out, as it was told last';
COMMENT ON COLUMN read.settlement_profile.book_id IS 'Number of the book';
COMMENT ON COLUMN read.settlement_profile.beneficiary IS 'Code of the beneficiary''s account';
COMMENT ON COLUMN read.settlement_profile.status IS 'VERIFIED, PENDING, REJECTED or SUSPENDED';
COMMENT ON COLUMN read.settlement_profile.verified IS 'True where captures may be split to it';
COMMENT ON COLUMN read.settlement_profile.rails IS 'By which rails, as a list';
COMMENT ON COLUMN read.settlement_profile.bank_account_ref IS 'To which account: as much of it as may be kept';
COMMENT ON COLUMN read.settlement_profile.revision IS 'How often it was told';
GRANT SELECT ON read.settlement_profile TO ledger_reader;
RESET ROLE;
