-- Why the projector does not read on in a partition of the ledger's topic.
SET ROLE ledger_owner;

ALTER TABLE projections.source_position ADD COLUMN stopped_code text NOT NULL DEFAULT '', ADD COLUMN stopped_detail text NOT NULL DEFAULT '';
COMMENT ON COLUMN projections.source_position.stopped_code IS 'Why the partition is not read on; empty while it is. The next batch that is read of it takes it back';

RESET ROLE;
