-- Where in a block an event was changed: the first bytes of each leaf, beside the root that says whether one was. And an account
-- that closes may leave its minimum behind.
SET ROLE ledger_owner;

ALTER TABLE ledger.block ADD COLUMN leaf_marks bytea;
-- Bytes of hashes: nothing to compress.
ALTER TABLE ledger.block ALTER COLUMN leaf_marks SET STORAGE EXTERNAL;
ALTER TABLE ledger.block ADD CONSTRAINT block_leaf_marks_check
    CHECK (octet_length(leaf_marks) = 4 * (last_position - first_position + 1)) NOT VALID;
ALTER TABLE ledger.block VALIDATE CONSTRAINT block_leaf_marks_check;

COMMENT ON COLUMN ledger.block.leaf_marks IS
    'First 4 bytes of the leaf hash of each event, in order; NULL where it was sealed before there were any. They locate and prove nothing: the root does';

-- As before, save for an account that closes in the same statement: another guard sees to it that it does so at zero.
DROP TRIGGER account_head_limit_guard ON ledger.account_head;
CREATE TRIGGER account_head_limit_guard BEFORE UPDATE ON ledger.account_head FOR EACH ROW
    WHEN (NEW.limit_policy = 'D' AND OLD.limit_policy = 'D' AND NEW.status <> 'C'
          AND ((ledger.available_minor(NEW) < NEW.minimum_minor AND ledger.available_minor(NEW) < ledger.available_minor(OLD))
               OR (ledger.posted_minor(NEW) > NEW.maximum_minor AND ledger.posted_minor(NEW) > ledger.posted_minor(OLD))))
    EXECUTE FUNCTION ledger.refuse_limit();

RESET ROLE;
