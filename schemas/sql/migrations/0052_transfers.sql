-- Transfers: their steps, deposits, verdicts and approvals as parts of an order key; and the verification of customers.
SET ROLE ledger_owner;

ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_kind_check;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_kind_check CHECK (kind IN (
    'payment', 'refund', 'chargeback', 'settlement', 'payout', 'fee', 'drawer', 'delivery', 'attempt', 'custody',
    'leg', 'leg_back', 'kept', 'commission', 'transfer', 'inflow', 'monitoring', 'approval'
)) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_kind_check;
-- What the database refuses, whoever writes: a transfer that settles twice or goes back twice, or a deposit that does; a
-- second voice of one person. Steps by their bytes: of a transfer settled (1), failed (2) and compensated (3), of a deposit
-- received (1) and compensated (2). What went back was there before, and what failed never settled.
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_transfer CHECK (
    kind <> 'transfer' OR ((told >> 8 & 255) + (told >> 16 & 255) <= 1 AND (told >> 24 & 255) <= (told >> 8 & 255))
) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_transfer;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_inflow CHECK (
    kind <> 'inflow' OR ((told >> 8 & 255) <= 1 AND (told >> 16 & 255) <= (told >> 8 & 255))
) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_inflow;
ALTER TABLE ledger.subject_part ADD CONSTRAINT subject_part_approval CHECK (kind <> 'approval' OR told <= 1) NOT VALID;
ALTER TABLE ledger.subject_part VALIDATE CONSTRAINT subject_part_approval;

COMMENT ON TABLE ledger.subject_part IS 'One row per refund, chargeback, settlement, payout, fee and transfer of an order key; of a transfer also one per deposit (inflow), one for monitoring and one per person that approved; one of kind payment where such have taken something of it; one of the other kinds where events are only counted or added up';
COMMENT ON COLUMN ledger.notice.kind IS 'Of what kind of thing: settlement_profile, verification';
COMMENT ON COLUMN ledger.notice.key IS 'The thing: of a settlement profile the code of the beneficiary''s account, of a verification the customer';

-- Read models ---------------------------------------------------------------------------------------

CREATE FUNCTION projections.transfer_state(
    state text, monitoring text, amount_minor bigint, received_minor bigint, compensated_minor bigint
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN state IN ('SETTLED', 'FAILED', 'COMPENSATED') THEN state
    WHEN monitoring = 'BLOCKED' THEN 'BLOCKED'
    WHEN state = 'UNDER_REVIEW' OR monitoring = 'FLAGGED' THEN 'UNDER_REVIEW'
    WHEN received_minor >= amount_minor THEN 'FUNDED'
    WHEN received_minor > 0 THEN 'INFLOW_PARTIAL'
    WHEN compensated_minor > 0 THEN 'COMPENSATED'
    ELSE 'REQUESTED'
END;
COMMENT ON FUNCTION projections.transfer_state IS 'Where a transfer stands, by its own steps, by the verdict of monitoring and by what of it was received and went back';

-- Each transfer with its deposits, verdict and approvals added up: few rows, found by their key.
CREATE VIEW projections.transfer_all_versions WITH (security_invoker = true) AS
SELECT
    row.book_id, row.version, row.order_key, row.reference, row.failure_reason, row.currency, row.amount_minor, of_all.received_minor,
    of_all.compensated_minor, of_all.approvals, of_all.monitoring,
    projections.transfer_state(
        row.state, of_all.monitoring, row.amount_minor, of_all.received_minor, of_all.compensated_minor
    ) AS state,
    row.first_effective_at, of_all.last_effective_at, of_all.last_position
FROM projections.part_versions AS row
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(part.amount_minor) FILTER (WHERE part.kind = 'inflow' AND part.state = 'RECEIVED'), 0)::bigint AS received_minor,
        coalesce(sum(part.amount_minor) FILTER (WHERE part.kind = 'inflow' AND part.state = 'COMPENSATED'), 0)::bigint AS compensated_minor,
        count(*) FILTER (WHERE part.kind = 'approval')::integer AS approvals,
        coalesce(max(part.state) FILTER (WHERE part.kind = 'monitoring'), '') AS monitoring,
        max(part.last_effective_at) AS last_effective_at, max(part.last_position) AS last_position
    FROM projections.part_versions AS part
    WHERE part.book_id = row.book_id AND part.version = row.version AND part.order_key = row.order_key
) AS of_all
WHERE row.kind = 'transfer';
COMMENT ON VIEW projections.transfer_all_versions IS 'Every transfer in every version of its rows: whoever reads it says which';

CREATE VIEW projections.transfer WITH (security_invoker = true) AS
SELECT
    row.book_id, row.order_key, row.state, row.reference, row.failure_reason, row.currency, row.amount_minor, row.received_minor,
    row.compensated_minor, row.approvals, row.monitoring, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.checkpoint
INNER JOIN projections.transfer_all_versions AS row ON row.book_id = checkpoint.book_id AND row.version = checkpoint.version
WHERE checkpoint.projection = 'parts' AND checkpoint.state = 'ACTIVE';
COMMENT ON VIEW projections.transfer IS 'One row per transfer, with what its deposits, monitoring and approvals add up to';

CREATE VIEW read.transfer WITH (security_invoker = true) AS
SELECT
    transfer.book_id, transfer.order_key AS transfer_id, transfer.state, transfer.monitoring, transfer.approvals, transfer.reference,
    transfer.failure_reason, transfer.currency, asset.scale, transfer.amount_minor,
    read.amount(transfer.amount_minor, asset.scale) AS amount, transfer.received_minor,
    read.amount(transfer.received_minor, asset.scale) AS received, transfer.compensated_minor,
    read.amount(transfer.compensated_minor, asset.scale) AS compensated, transfer.first_effective_at, transfer.last_effective_at,
    transfer.last_position, progress.position
FROM projections.transfer
LEFT JOIN ledger.asset ON asset.code = transfer.currency
INNER JOIN projections.progress ON progress.book_id = transfer.book_id AND progress.projection = 'parts';
COMMENT ON VIEW read.transfer IS 'One row per transfer; as far as the projection has come';
COMMENT ON COLUMN read.transfer.book_id IS 'Number of the book';
COMMENT ON COLUMN read.transfer.transfer_id IS 'Id of the transfer, which is the subject of its events';
COMMENT ON COLUMN read.transfer.state IS 'REQUESTED, INFLOW_PARTIAL, FUNDED, UNDER_REVIEW, BLOCKED, SETTLED, FAILED or COMPENSATED';
COMMENT ON COLUMN read.transfer.monitoring IS 'Verdict of monitoring: PASSED, FLAGGED or BLOCKED; empty where there is none';
COMMENT ON COLUMN read.transfer.approvals IS 'Distinct persons that approved';
COMMENT ON COLUMN read.transfer.reference IS 'What it is for, in the words of the publishing service';
COMMENT ON COLUMN read.transfer.failure_reason IS 'Why it failed, in the words of the publishing service; empty where it did not';
COMMENT ON COLUMN read.transfer.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.transfer.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.transfer.amount_minor IS 'Amount that was requested, in minor units';
COMMENT ON COLUMN read.transfer.amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.transfer.received_minor IS 'Deposits that were received and did not go back, in minor units';
COMMENT ON COLUMN read.transfer.received IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.transfer.compensated_minor IS 'Deposits that went back, in minor units';
COMMENT ON COLUMN read.transfer.compensated IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.transfer.first_effective_at IS 'When its first step happened';
COMMENT ON COLUMN read.transfer.last_effective_at IS 'When its last step happened';
COMMENT ON COLUMN read.transfer.last_position IS 'Position of its last step; read on from the highest you have seen';
COMMENT ON COLUMN read.transfer.position IS 'How far in the log of the book the projection has come';

CREATE VIEW read.verification WITH (security_invoker = true) AS
SELECT DISTINCT ON (book_id, key)
    book_id, key AS customer, said ->> 'status' AS status, said ->> 'status' = 'VERIFIED' AS verified, revision
FROM ledger.notice WHERE kind = 'verification'
ORDER BY book_id, key, revision DESC;
COMMENT ON VIEW read.verification IS 'Whether each customer is verified, as it was told last';
COMMENT ON COLUMN read.verification.book_id IS 'Number of the book';
COMMENT ON COLUMN read.verification.customer IS 'The customer, in the words of the publishing service';
COMMENT ON COLUMN read.verification.status IS 'VERIFIED, PENDING, REJECTED or SUSPENDED';
COMMENT ON COLUMN read.verification.verified IS 'True where its transfers may settle';
COMMENT ON COLUMN read.verification.revision IS 'How often it was told';

GRANT SELECT ON projections.transfer_all_versions, projections.transfer TO ledger_projector, ledger_reader, ledger_reconciler;
GRANT SELECT ON read.transfer, read.verification TO ledger_reader;
RESET ROLE;
