-- Steps of refunds, chargebacks, settlements, payouts and fees. A row is written under the lock of its order key's subject.

SET ROLE ledger_owner;

-- Not among the columns that a new order key copies in: whoever has no need of it pays two bytes a row, and no work.
ALTER TABLE ledger.subject ADD COLUMN marks smallint NOT NULL DEFAULT 0 CHECK (marks BETWEEN 0 AND 7);
COMMENT ON COLUMN ledger.subject.marks IS 'Sum of: 1 failed for good, 2 its authorisation expired, 4 refunds, disputes or settlements have taken of it what its part of kind payment says';

CREATE TABLE ledger.subject_part (
    told bigint NOT NULL CHECK (told >= 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    used_minor bigint NOT NULL CHECK (used_minor >= 0),
    book_id integer NOT NULL,
    asset_id smallint NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('payment', 'refund', 'chargeback', 'settlement', 'payout', 'fee')),
    order_key text COLLATE "C" NOT NULL,
    part_id text COLLATE "C" NOT NULL,
    vouchers bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (book_id, order_key, kind, part_id),
    CONSTRAINT subject_part_within CHECK (kind IN ('payment', 'settlement') OR used_minor <= amount_minor)
) WITH (fillfactor = 80);
COMMENT ON TABLE ledger.subject_part IS 'One row per refund, chargeback, settlement, payout and fee of an order key; and one of kind payment where such have taken something of it';
COMMENT ON COLUMN ledger.subject_part.told IS 'How often each of its steps was accepted, a byte a step: its state follows from that alone';
COMMENT ON COLUMN ledger.subject_part.amount_minor IS 'Its amount; of kind payment what open refunds and disputes set aside';
COMMENT ON COLUMN ledger.subject_part.used_minor IS 'Of a fee what was given back, of a settlement its net amount, of kind payment what was settled';
COMMENT ON COLUMN ledger.subject_part.vouchers IS 'Log references (batch_id << 16 | ordinal) of what it posted, for mirrors';

-- What the database refuses, whoever writes: a step that was accepted stays so.
CREATE FUNCTION ledger.refuse_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'PART_REFUSED: % % of order key % in book % would forget a step', OLD.kind, OLD.part_id,
        OLD.order_key, OLD.book_id USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER subject_part_guard BEFORE UPDATE ON ledger.subject_part FOR EACH ROW
    WHEN (NEW.told < OLD.told OR cardinality(NEW.vouchers) < cardinality(OLD.vouchers)
          OR (NEW.book_id, NEW.order_key, NEW.kind, NEW.part_id)
              IS DISTINCT FROM (OLD.book_id, OLD.order_key, OLD.kind, OLD.part_id))
    EXECUTE FUNCTION ledger.refuse_part();

CREATE TRIGGER subject_part_kept BEFORE DELETE OR TRUNCATE ON ledger.subject_part
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Rights ------------------------------------------------------------------------------------------

GRANT SELECT ON ledger.subject_part TO ledger_poster, ledger_projector, ledger_reconciler, ledger_reader;
GRANT INSERT, UPDATE ON ledger.subject_part TO ledger_poster;
ALTER TABLE ledger.subject_part ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON ledger.subject_part FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON ledger.subject_part FOR SELECT TO ledger_projector, ledger_reconciler USING (true);
RESET ROLE;
