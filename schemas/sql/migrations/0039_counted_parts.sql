-- Parts that count: how often a drawer was opened and closed, that a payment awaits cash, and its failed attempts.
SET ROLE ledger_owner;

ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_kind_check;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_kind_check CHECK (kind IN (
    'payment', 'refund', 'chargeback', 'settlement', 'payout', 'fee', 'drawer', 'delivery', 'attempt'
)) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_kind_check;
-- A drawer is open or closed, and never opened twice.
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_drawer
CHECK (kind <> 'drawer' OR amount_minor - used_minor IN (0, 1)) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_drawer;

COMMENT ON TABLE ledger.subject_part IS 'One row per refund, chargeback, settlement, payout and fee of an order key; one of kind payment where such have taken something of it; one of kind drawer, delivery or attempt where events are only counted';
COMMENT ON COLUMN ledger.subject_part.amount_minor IS 'Its amount; of kind payment what open refunds and disputes set aside; of kinds drawer, delivery and attempt how often it was opened, announced or failed';
COMMENT ON COLUMN ledger.subject_part.used_minor IS 'Of a fee what was given back, of a settlement its net amount, of kind payment what was settled, of a drawer how often it was closed';

-- What the database refuses, whoever writes: what was counted stays so.
CREATE TRIGGER subject_part_counted BEFORE UPDATE ON ledger.subject_part FOR EACH ROW
    WHEN (OLD.kind IN ('drawer', 'delivery', 'attempt')
          AND (NEW.amount_minor < OLD.amount_minor OR NEW.used_minor < OLD.used_minor))
    EXECUTE FUNCTION ledger.refuse_part();
RESET ROLE;
