-- Offsets without a record are counted, never owed: a negative count would hide records that were taken twice.
ALTER TABLE ledger.source_position ADD CONSTRAINT source_position_gaps CHECK (gaps >= 0) NOT VALID;
ALTER TABLE ledger.source_position VALIDATE CONSTRAINT source_position_gaps;
