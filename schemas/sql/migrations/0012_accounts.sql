-- Limits of accounts as columns of the head, the group an account rolls up into, and charts that stay as they were.
SET ROLE ledger_owner;

ALTER TABLE ledger.account ADD COLUMN parent text COLLATE "C" NOT NULL DEFAULT '';
COMMENT ON COLUMN ledger.account.parent IS 'Group that the account was opened under; empty where the chart in force says';

ALTER TABLE ledger.account_head
    ADD COLUMN minimum_minor bigint,
    ADD COLUMN maximum_minor bigint,
    ADD COLUMN limit_policy "char" NOT NULL DEFAULT 'A' CHECK (limit_policy IN ('A', 'W', 'D')),
    ADD COLUMN normal_side "char" CHECK (normal_side IN ('D', 'C')),
    ADD CHECK (minimum_minor <= maximum_minor),
    ADD CHECK (normal_side IS NOT NULL OR (limit_policy = 'A' AND minimum_minor IS NULL AND maximum_minor IS NULL));
COMMENT ON COLUMN ledger.account_head.minimum_minor IS 'Least available balance on the normal side, below zero for an overdraft; null for none';
COMMENT ON COLUMN ledger.account_head.maximum_minor IS 'Greatest posted balance on the normal side; null for none';
COMMENT ON COLUMN ledger.account_head.limit_policy IS 'A allow: for information, W warn: posts and says so, D deny: refuses';
COMMENT ON COLUMN ledger.account_head.normal_side IS 'Side on which the balance grows, by the type of the account; set where there are limits';

-- A deny limit holds whoever writes. As in postings, only what moves the balance further beyond it is refused. The
-- policy stands first, so that a head without limits pays for one comparison of a byte; numeric cannot overflow.
CREATE FUNCTION ledger.refuse_limit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'LIMIT_REFUSED: account % of book % would stand beyond its minimum or maximum',
        NEW.account_id, NEW.book_id USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION ledger.posted_minor(head ledger.account_head) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE head.normal_side WHEN 'D' THEN head.debits_posted::numeric - head.credits_posted
    ELSE head.credits_posted::numeric - head.debits_posted END;
COMMENT ON FUNCTION ledger.posted_minor IS 'Posted balance on the normal side';

CREATE FUNCTION ledger.available_minor(head ledger.account_head) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE head.normal_side WHEN 'D' THEN head.debits_posted::numeric - head.credits_posted - head.credits_pending
    ELSE head.credits_posted::numeric - head.debits_posted - head.debits_pending END;
COMMENT ON FUNCTION ledger.available_minor IS 'Posted balance on the normal side less what holds will take';

CREATE TRIGGER account_head_limit_guard BEFORE UPDATE ON ledger.account_head FOR EACH ROW
    WHEN (NEW.limit_policy = 'D' AND OLD.limit_policy = 'D'
          AND ((ledger.available_minor(NEW) < NEW.minimum_minor AND ledger.available_minor(NEW) < ledger.available_minor(OLD))
               OR (ledger.posted_minor(NEW) > NEW.maximum_minor AND ledger.posted_minor(NEW) > ledger.posted_minor(OLD))))
    EXECUTE FUNCTION ledger.refuse_limit();

-- A version of a chart is never changed: vouchers were posted by it.
CREATE TRIGGER chart_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.chart
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

RESET ROLE;
