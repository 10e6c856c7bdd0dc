-- What readers may see of the bytes of events, and what two views call a step that was taken back.
SET ROLE ledger_owner;

-- A parked event is kept whole until it is decided, with bank accounts of profiles: readers see why it waits, not what it says.
REVOKE SELECT ON ledger.dead_letter FROM ledger_reader;
GRANT SELECT (
    book_id, position, source_id, event_id, revision, outcome, code, detail, waits_for, order_key, topic, partition, incarnation,
    log_offset, timestamp_ms, resolved_position
) ON ledger.dead_letter TO ledger_reader;
-- The embedded log holds the records of all books, whole, and no policy walls one book off from another there.
REVOKE SELECT ON ALL TABLES IN SCHEMA transport FROM ledger_reader;
REVOKE USAGE ON SCHEMA transport FROM ledger_reader;

COMMENT ON COLUMN ledger.dead_letter.value IS 'The data of the event: of a parked one as they came, for they are read again; of a rejected one without bank accounts';
COMMENT ON COLUMN read.refund.state IS 'PENDING, APPROVED, PROCESSING, COMPLETED or FAILED; TAKEN_BACK where its voucher was reversed by request';
COMMENT ON COLUMN read.payout.state IS 'REQUESTED, PAID, FAILED or RETURNED; TAKEN_BACK where its voucher was reversed by request';

RESET ROLE;
