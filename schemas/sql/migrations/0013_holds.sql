-- Holds: promised money, kept back from what is available until it is captured, released or expires.
-- A row is written under the lock of its order key's subject (the order key is the hold's id); the pending counters
-- of its account under the lock of the head.

SET ROLE ledger_owner;

CREATE TABLE ledger.hold (
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    captured_minor bigint NOT NULL DEFAULT 0 CHECK (captured_minor >= 0),
    released_minor bigint NOT NULL DEFAULT 0 CHECK (released_minor >= 0),
    placed_position bigint NOT NULL,
    closed_position bigint,
    expires_at timestamptz,
    book_id integer NOT NULL,
    account_id integer NOT NULL,
    asset_id smallint NOT NULL,
    tolerance_bps smallint NOT NULL DEFAULT 0 CHECK (tolerance_bps BETWEEN 0 AND 10000),
    side "char" NOT NULL CHECK (side IN ('D', 'C')),
    status text NOT NULL DEFAULT 'PLACED',
    hold_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, hold_id),
    FOREIGN KEY (book_id, account_id) REFERENCES ledger.account,
    CONSTRAINT hold_not_exceeded
        CHECK (captured_minor <= amount_minor + div(amount_minor::numeric * tolerance_bps, 10000)),
    CONSTRAINT hold_status CHECK (CASE status
        WHEN 'PLACED' THEN captured_minor = 0 AND released_minor = 0 AND closed_position IS NULL
        WHEN 'PARTIALLY_CAPTURED' THEN captured_minor BETWEEN 1 AND amount_minor - 1 AND released_minor = 0
            AND closed_position IS NULL
        WHEN 'CAPTURED' THEN captured_minor > 0 AND released_minor = greatest(amount_minor - captured_minor, 0)
            AND closed_position > placed_position
        WHEN 'RELEASED' THEN released_minor > 0 AND released_minor = amount_minor - captured_minor
            AND closed_position > placed_position
        WHEN 'EXPIRED' THEN released_minor > 0 AND released_minor = amount_minor - captured_minor
            AND closed_position > placed_position
        ELSE false END)
) WITH (fillfactor = 80);
COMMENT ON TABLE ledger.hold IS 'One row per hold; what an open one still keeps back is amount less captured, in the pending counter of its side on the account head';
COMMENT ON COLUMN ledger.hold.side IS 'The side that its captures post on the account: D or C';
COMMENT ON COLUMN ledger.hold.tolerance_bps IS 'How far captures may exceed the amount, in basis points of it';
COMMENT ON COLUMN ledger.hold.placed_position IS 'Where its placing stands in the log';
COMMENT ON COLUMN ledger.hold.closed_position IS 'Where the event stands that captured the last of it, released it or let it expire; null while it is open';
CREATE INDEX hold_account ON ledger.hold (book_id, account_id, hold_id);
CREATE INDEX hold_due ON ledger.hold (book_id, expires_at) WHERE closed_position IS NULL AND expires_at IS NOT NULL;

-- What the database refuses, whoever writes ---------------------------------------------------------

CREATE FUNCTION ledger.refuse_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'HOLD_REFUSED: hold % of book % is closed, would give back what was captured or change its terms',
        NEW.hold_id, NEW.book_id USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER hold_guard BEFORE UPDATE ON ledger.hold FOR EACH ROW
    WHEN (OLD.closed_position IS NOT NULL
          OR NEW.captured_minor < OLD.captured_minor OR NEW.released_minor < OLD.released_minor
          OR (NEW.book_id, NEW.hold_id, NEW.account_id, NEW.asset_id, NEW.side, NEW.amount_minor, NEW.tolerance_bps,
              NEW.placed_position)
              IS DISTINCT FROM (OLD.book_id, OLD.hold_id, OLD.account_id, OLD.asset_id, OLD.side, OLD.amount_minor,
              OLD.tolerance_bps, OLD.placed_position)
          OR NEW.expires_at IS DISTINCT FROM OLD.expires_at)
    EXECUTE FUNCTION ledger.refuse_hold();

CREATE TRIGGER hold_kept BEFORE DELETE OR TRUNCATE ON ledger.hold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

CREATE FUNCTION ledger.refuse_pending() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'PENDING_REFUSED: account % of book % is frozen or closed: nothing more can be held of it',
        NEW.account_id, NEW.book_id USING ERRCODE = 'check_violation';
END $$;

-- Only statements that set a pending counter look at it: postings without holds pay nothing.
CREATE TRIGGER account_head_pending_guard BEFORE UPDATE OF debits_pending, credits_pending ON ledger.account_head
    FOR EACH ROW
    WHEN (OLD.status <> 'O' AND (NEW.debits_pending > OLD.debits_pending OR NEW.credits_pending > OLD.credits_pending))
    EXECUTE FUNCTION ledger.refuse_pending();

CREATE FUNCTION ledger.refuse_closing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'CLOSING_REFUSED: money of account % of book % is still held', NEW.account_id, NEW.book_id
        USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER account_head_closing_guard BEFORE UPDATE OF status ON ledger.account_head FOR EACH ROW
    WHEN (NEW.status = 'C' AND (NEW.debits_pending <> 0 OR NEW.credits_pending <> 0))
    EXECUTE FUNCTION ledger.refuse_closing();

CREATE TRIGGER account_head_opening_pending_guard BEFORE INSERT ON ledger.account_head FOR EACH ROW
    WHEN (NEW.debits_pending <> 0 OR NEW.credits_pending <> 0)
    EXECUTE FUNCTION ledger.refuse_head();

-- Rights ------------------------------------------------------------------------------------------

GRANT SELECT ON ledger.hold TO ledger_poster, ledger_projector, ledger_reconciler, ledger_reader;
GRANT INSERT, UPDATE ON ledger.hold TO ledger_poster;
ALTER TABLE ledger.hold ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON ledger.hold FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON ledger.hold FOR SELECT TO ledger_projector, ledger_reconciler USING (true);

RESET ROLE;
