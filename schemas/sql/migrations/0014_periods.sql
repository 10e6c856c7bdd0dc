-- Periods: what of a book's past is closed. The events in the log are the truth; book.closed_through is what postings
-- decide on, ledger.period finds the events of a period. Both are written in the transaction of their event.

SET ROLE ledger_owner;

CREATE TABLE ledger.period (
    book_id integer NOT NULL REFERENCES ledger.book,
    closings integer NOT NULL CHECK (closings > 0),
    position bigint NOT NULL,
    through date NOT NULL,
    after date,
    status text COLLATE "C" NOT NULL CHECK (status IN ('open', 'closing', 'closed')),
    PRIMARY KEY (book_id, through),
    CHECK (after < through)
);
COMMENT ON TABLE ledger.period IS 'Periods that were ever closed, by effective date in UTC; what follows the last one is open and has no row';
COMMENT ON COLUMN ledger.period.through IS 'Last day of the period';
COMMENT ON COLUMN ledger.period.after IS 'Last day of the period before it; null for the first, which reaches back for ever';
COMMENT ON COLUMN ledger.period.status IS 'open again, closing (shut, not sealed yet), or closed';
COMMENT ON COLUMN ledger.period.closings IS 'How often its closing was begun; numbers the aggregates of its events';
COMMENT ON COLUMN ledger.period.position IS 'Place in the log of its latest event';

-- Nearly every guard's question is whether any book has a closed period at all. Its columns never change while a book
-- posts, so the book's row goes on being updated in place.
CREATE INDEX book_closed ON ledger.book (book_id) WHERE closed_through > '-infinity';

CREATE FUNCTION ledger.check_closed_period() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = on AS $$
DECLARE
    bad record;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.book WHERE closed_through > '-infinity') THEN
        RETURN NULL;
    END IF;
    SELECT earliest.book_id, earliest.effective_at INTO bad
    FROM (SELECT book_id, min(effective_at) AS effective_at FROM new_entries GROUP BY book_id) earliest
    JOIN ledger.book USING (book_id)
    WHERE earliest.effective_at <= book.closed_through LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'PERIOD_CLOSED: an entry of book % takes effect at %, in a closed period',
            bad.book_id, bad.effective_at USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_period_guard AFTER INSERT ON ledger.entry
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_closed_period();

CREATE FUNCTION ledger.check_closed_through() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ledger.event
        WHERE event.book_id = NEW.book_id AND event.position = NEW.position
            AND event.type IN ('period.closing', 'period.reopened') AND event.xmin = pg_current_xact_id()::xid
    ) THEN
        RAISE EXCEPTION 'PERIOD_EVENT_MISSING: closed_through of book % moves without its event', NEW.book_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER book_period_guard BEFORE UPDATE ON ledger.book FOR EACH ROW
    WHEN (NEW.closed_through <> OLD.closed_through) EXECUTE FUNCTION ledger.check_closed_through();

GRANT SELECT ON ledger.period TO ledger_poster, ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT, UPDATE ON ledger.period TO ledger_poster;
ALTER TABLE ledger.period ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON ledger.period FOR SELECT TO ledger_reader USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON ledger.period FOR SELECT TO ledger_projector, ledger_reconciler USING (true);

CREATE VIEW read.period WITH (security_invoker = true) AS
SELECT
    period.book_id, period.through, period.after, period.status, period.closings, period.position,
    event.type AS event, state.value ->> 'reason' AS reason,
    nullif(state.value ->> 'requested_by', '') AS requested_by, state.value ->> 'approved_by' AS approved_by,
    (state.value ->> 'known_at_position')::bigint AS known_at_position,
    (state.value ->> 'accounts')::integer AS accounts, state.value ->> 'trial_balance' AS trial_balance,
    state.value -> 'totals' AS totals, block.recorded_at
FROM ledger.period
INNER JOIN ledger.event ON event.book_id = period.book_id AND event.position = period.position
CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS value) AS state
INNER JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true;
COMMENT ON VIEW read.period IS 'Periods that were ever closed, each with its latest event; what follows the last one is open';
COMMENT ON COLUMN read.period.book_id IS 'Number of the book';
COMMENT ON COLUMN read.period.through IS 'Last day of the period, in UTC';
COMMENT ON COLUMN read.period.after IS 'Last day of the period before it; null for the first';
COMMENT ON COLUMN read.period.status IS 'open again, closing (shut, not sealed yet), or closed';
COMMENT ON COLUMN read.period.closings IS 'How often its closing was begun';
COMMENT ON COLUMN read.period.position IS 'Place of its latest event in the log of the book';
COMMENT ON COLUMN read.period.event IS 'Type of its latest event: period.closing, period.closed or period.reopened';
COMMENT ON COLUMN read.period.reason IS 'Why it was closed or reopened';
COMMENT ON COLUMN read.period.requested_by IS 'Who asked for it, where the event says so';
COMMENT ON COLUMN read.period.approved_by IS 'Who approved the reopening';
COMMENT ON COLUMN read.period.known_at_position IS 'The closing trial balance holds what was recorded up to here; nothing came into the period after it';
COMMENT ON COLUMN read.period.accounts IS 'Number of accounts in the closing trial balance';
COMMENT ON COLUMN read.period.trial_balance IS 'SHA-256 of the closing trial balance in its canonical form, as hexadecimal digits';
COMMENT ON COLUMN read.period.totals IS 'Per currency: its code and the sum of debits in minor units, which is that of credits';
COMMENT ON COLUMN read.period.recorded_at IS 'When its latest event was written';
GRANT SELECT ON read.period TO ledger_reader;
RESET ROLE;
