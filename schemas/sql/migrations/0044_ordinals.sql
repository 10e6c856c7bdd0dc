-- A log reference (batch_id << 16 | ordinal) has 16 bits for the place of an event in its batch: one more, and it would be that of
-- another batch's event.
SET ROLE ledger_owner;

ALTER TABLE ledger.inbox ADD CONSTRAINT inbox_ordinal_check CHECK (ordinal BETWEEN 0 AND 65535);

RESET ROLE;
