-- Legs of split payments: what each beneficiary got, what the platform took of it, and what of both went back. And where
-- each version of a chart came into force.
SET ROLE ledger_owner;

-- A constant default: no row is written for it. A book begins with its first chart.
ALTER TABLE ledger.chart ADD COLUMN position bigint NOT NULL DEFAULT 1 CHECK (position > 0);
COMMENT ON COLUMN ledger.chart.position IS 'Where the event stands that put it in force: vouchers behind it, and before that of the next version, are posted by it';
ALTER TABLE ledger.chart DISABLE TRIGGER chart_append_only;
UPDATE ledger.chart SET position = told.position
FROM (
    SELECT book_id, position, row_number() OVER (PARTITION BY book_id ORDER BY position) AS version
    FROM ledger.event WHERE type IN ('book.created', 'chart.applied')
) AS told
WHERE chart.book_id = told.book_id AND chart.version = told.version AND chart.version > 1;
ALTER TABLE ledger.chart ENABLE TRIGGER chart_append_only;

ALTER TABLE ledger.subject DROP CONSTRAINT subject_marks_check;
ALTER TABLE ledger.subject ADD CONSTRAINT subject_marks_check CHECK (marks BETWEEN 0 AND 255) NOT VALID;
ALTER TABLE ledger.subject VALIDATE CONSTRAINT subject_marks_check;
COMMENT ON COLUMN ledger.subject.marks IS 'Sum of: 1 failed for good, 2 its authorisation expired, 4 refunds, disputes or settlements have taken of it what its part of kind payment says, 64 captured in direct custody, see its part of kind custody, 128 split, see its parts of kind leg';
ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_kind_check;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_kind_check CHECK (kind IN (
    'payment', 'refund', 'chargeback', 'settlement', 'payout', 'fee', 'drawer', 'delivery', 'attempt', 'custody',
    'leg', 'leg_back', 'kept', 'commission'
)) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_kind_check;
COMMENT ON COLUMN ledger.subject_part.amount_minor IS 'Its amount; of kind payment what open refunds and disputes set aside; of kinds drawer, delivery and attempt how often it was opened, announced or failed; of kinds leg and leg_back what was captured for a beneficiary, and what of that went back; of kind kept the commission that refunds left the platform; of kind commission what a settlement brought the platform';
COMMENT ON COLUMN ledger.subject_part.used_minor IS 'Of a fee what was given back, of a settlement its net amount, of kind payment what was settled, of a drawer how often it was closed; of kinds leg and leg_back the platform''s commission on it; of kind commission what the settlement took back';

-- What the database refuses, whoever writes: a leg that gives back more commission than was taken on it.
CREATE FUNCTION ledger.refuse_leg() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM ledger.subject_part AS back LEFT JOIN ledger.subject_part AS leg
            ON leg.book_id = back.book_id AND leg.order_key = back.order_key AND leg.kind = 'leg'
            AND leg.part_id = back.part_id
        WHERE back.book_id = NEW.book_id AND back.order_key = NEW.order_key AND back.kind = 'leg_back'
            AND back.part_id = NEW.part_id AND back.used_minor > coalesce(leg.used_minor, 0)
    ) THEN
        RAISE EXCEPTION 'LEG_REFUSED: % of order key % in book % would give back more commission than it paid',
            NEW.part_id, NEW.order_key, NEW.book_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER subject_part_leg AFTER INSERT OR UPDATE ON ledger.subject_part FOR EACH ROW
    WHEN (NEW.kind IN ('leg', 'leg_back')) EXECUTE FUNCTION ledger.refuse_leg();

-- Payments that were split before, from the log; what of them went back does not say whose leg it was.
LOCK TABLE ledger.subject, ledger.subject_part IN SHARE ROW EXCLUSIVE MODE;
WITH split AS (
    SELECT event.book_id, event.order_key, convert_from(event.state, 'UTF8')::jsonb AS state FROM ledger.event
    WHERE event.type IN ('voucher.posted', 'fact.recorded')
        AND position('"event_type":"payment.captured.v1"'::bytea IN event.state) > 0
        AND position('"split":{'::bytea IN event.state) > 0
        AND NOT EXISTS (
            SELECT FROM ledger.reversal JOIN ledger.event AS mirror
                ON mirror.book_id = reversal.book_id AND mirror.position = reversal.reversal_position
            WHERE reversal.book_id = event.book_id AND reversal.reversed_position = event.position
                AND convert_from(mirror.state, 'UTF8')::jsonb ->> 'kind' = 'reversal'
        )
), leg AS (
    SELECT split.book_id, split.order_key, one ->> 'beneficiary' AS part_id,
        sum((one ->> 'amount_minor')::bigint)::bigint AS amount_minor,
        sum((one ->> 'commission_minor')::bigint)::bigint AS used_minor, min(asset.asset_id) AS asset_id
    FROM split CROSS JOIN LATERAL jsonb_array_elements(split.state #> '{split,legs}') AS one
    JOIN ledger.asset ON asset.code = split.state ->> 'currency'
    GROUP BY 1, 2, 3
), written AS (
    INSERT INTO ledger.subject_part (book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id)
    SELECT book_id, order_key, 'leg', part_id, 0, amount_minor, used_minor, asset_id FROM leg
)
UPDATE ledger.subject SET marks = marks | 128
FROM (SELECT DISTINCT book_id, order_key FROM leg) AS of_legs
WHERE subject.book_id = of_legs.book_id AND subject.order_key = of_legs.order_key;
RESET ROLE;
