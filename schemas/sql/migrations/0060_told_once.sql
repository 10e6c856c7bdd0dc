-- What happens once, by the id of its business: told again by another event, it is refused. One row each, with its place in the log.
SET ROLE ledger_owner;

ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_kind_check;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_kind_check CHECK (kind IN (
    'payment', 'refund', 'chargeback', 'settlement', 'payout', 'fee', 'drawer', 'delivery', 'attempt', 'custody',
    'leg', 'leg_back', 'kept', 'commission', 'transfer', 'inflow', 'monitoring', 'approval',
    'sale', 'cogs', 'inventory', 'receipt', 'cash_refund', 'sweep'
)) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_kind_check;
COMMENT ON COLUMN ledger.subject_part.vouchers IS 'Log references (batch_id << 16 | ordinal) of what it posted, for mirrors; of kinds sale, cogs, inventory, receipt, cash_refund and sweep of the event that told it';

-- What was told before, from the log: more than once where it was. Nobody counts meanwhile.
LOCK TABLE ledger.subject, ledger.subject_part IN SHARE ROW EXCLUSIVE MODE;
WITH said AS (
    SELECT event.book_id, event.order_key, event.position, convert_from(event.state, 'UTF8')::jsonb AS state FROM ledger.event
    WHERE event.type IN ('voucher.posted', 'fact.recorded')
        AND (position('"event_type":"sale.completed.v1"'::bytea IN event.state) > 0
            OR position('"event_type":"cogs.recorded.v1"'::bytea IN event.state) > 0
            OR position('"event_type":"inventory.adjusted.v1"'::bytea IN event.state) > 0
            OR position('"event_type":"cash.received.v1"'::bytea IN event.state) > 0
            OR position('"event_type":"cash.refunded.v1"'::bytea IN event.state) > 0
            OR position('"event_type":"sweep.requested.v1"'::bytea IN event.state) > 0)
), once AS (
    SELECT said.book_id, said.order_key, block.batch_id << 16 | (said.position - block.first_position) AS reference,
        CASE said.state ->> 'event_type' WHEN 'sale.completed.v1' THEN 'sale' WHEN 'cogs.recorded.v1' THEN 'cogs'
            WHEN 'inventory.adjusted.v1' THEN 'inventory' WHEN 'cash.received.v1' THEN 'receipt'
            WHEN 'cash.refunded.v1' THEN 'cash_refund' WHEN 'sweep.requested.v1' THEN 'sweep' END AS kind,
        coalesce(said.state ->> 'sale_id', said.state ->> 'adjustment_id', said.state ->> 'receipt_id', said.state ->> 'refund_id',
            said.state ->> 'sweep_id') AS part_id
    FROM said INNER JOIN ledger.block
        ON block.book_id = said.book_id AND said.position BETWEEN block.first_position AND block.last_position
), kept AS (
    INSERT INTO ledger.subject (book_id, order_key) SELECT DISTINCT book_id, order_key FROM once WHERE kind IS NOT NULL
    ON CONFLICT (book_id, order_key) DO NOTHING
)
INSERT INTO ledger.subject_part (book_id, order_key, kind, part_id, told, amount_minor, used_minor, asset_id, vouchers)
SELECT book_id, order_key, kind, part_id, 0, count(*), 0, 0, array_agg(reference ORDER BY reference) FROM once
WHERE kind IS NOT NULL GROUP BY book_id, order_key, kind, part_id;

-- What the database refuses, whoever writes: a count that its events do not bear out, and to tell one of them again.
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_told_once CHECK (
    kind NOT IN ('sale', 'cogs', 'inventory', 'receipt', 'cash_refund', 'sweep')
    OR (amount_minor > 0 AND amount_minor = cardinality(vouchers))
) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_told_once;
CREATE FUNCTION ledger.refuse_told_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'TOLD_ONCE_REFUSED: % % of order key % in book % happened once', OLD.kind, OLD.part_id, OLD.order_key,
        OLD.book_id USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER subject_part_told_once BEFORE UPDATE ON ledger.subject_part FOR EACH ROW
    WHEN (OLD.kind IN ('sale', 'cogs', 'inventory', 'receipt', 'cash_refund', 'sweep'))
    EXECUTE FUNCTION ledger.refuse_told_again();
RESET ROLE;
