-- What the database refuses of closing an account, whoever writes: it closes at zero, in all and per order key, with
-- nothing held of it, and for good. Only statements that set a status look at any of it: postings pay nothing.
SET ROLE ledger_owner;

CREATE OR REPLACE FUNCTION ledger.refuse_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'CLOSING_REFUSED: account % of book % has a balance or open holds, or is closed already',
        NEW.account_id, NEW.book_id USING ERRCODE = 'check_violation';
END $$;

DROP TRIGGER account_head_closing_guard ON ledger.account_head;
CREATE TRIGGER account_head_closing_guard BEFORE UPDATE OF status ON ledger.account_head FOR EACH ROW
    WHEN ((NEW.status = 'C' AND (NEW.debits_posted <> NEW.credits_posted OR NEW.debits_pending <> 0 OR NEW.credits_pending <> 0))
          OR (OLD.status = 'C' AND NEW.status <> 'C'))
    EXECUTE FUNCTION ledger.refuse_closing();

-- At COMMIT, for heads are written before the entries of their transaction.
CREATE FUNCTION ledger.check_closing() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    uneven record;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.account WHERE book_id = NEW.book_id AND account_id = NEW.account_id AND keyed) THEN
        RETURN NULL;
    END IF;
    SELECT order_key INTO uneven FROM ledger.entry
    WHERE book_id = NEW.book_id AND account_id = NEW.account_id
    GROUP BY order_key HAVING sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'CLOSING_REFUSED: account % of book % is not at zero for order key %',
            NEW.account_id, NEW.book_id, uneven.order_key USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER account_head_closing_keys_guard AFTER UPDATE OF status ON ledger.account_head
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status = 'C' AND OLD.status <> 'C')
    EXECUTE FUNCTION ledger.check_closing();

RESET ROLE;
