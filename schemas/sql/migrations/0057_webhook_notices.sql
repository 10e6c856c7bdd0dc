-- What happens to webhooks and their adapters is told on a topic. Each table's new rows leave a notice here in the
-- transaction that writes them; a notice is removed once the topic has acknowledged it. So none is lost by a crash, and a
-- reader needs no cursor that rows of slower transactions could fall behind.
SET ROLE ledger_owner;

CREATE TABLE webhook.untold (
    notice_id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL,
    number bigint,
    book_id integer NOT NULL,
    ordinal integer NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (book_id, notice_id),
    FOREIGN KEY (book_id, endpoint) REFERENCES webhook.feed
);
COMMENT ON TABLE webhook.untold IS 'What happened to webhooks and is not acknowledged by their topic yet';
COMMENT ON COLUMN webhook.untold.ordinal IS 'Which copy, attempt or change it is: with type, endpoint and number (or aspect) it names the fact';

-- A notice says what its row says: it leaves the queue, and is never changed or swept away.
CREATE TRIGGER untold_unchanged BEFORE UPDATE OR TRUNCATE ON webhook.untold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

CREATE FUNCTION webhook.tell_received() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook.untold (book_id, endpoint, type, at, number, ordinal, detail)
    SELECT book_id, endpoint, 'webhook.received', received_at, number, 1,
        jsonb_build_object('event_id', event_id, 'webhook_type', type, 'masked', masked)
    FROM news ORDER BY book_id, endpoint, number;
    RETURN NULL;
END $$;
CREATE FUNCTION webhook.tell_duplicate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook.untold (book_id, endpoint, type, at, number, ordinal, detail)
    SELECT book_id, endpoint, 'webhook.duplicate_dropped', dropped_at, number, copy, jsonb_build_object('copy', copy)
    FROM news ORDER BY book_id, endpoint, number, copy;
    RETURN NULL;
END $$;
CREATE FUNCTION webhook.tell_processed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook.untold (book_id, endpoint, type, at, number, ordinal, detail)
    SELECT book_id, endpoint, 'webhook.processed', processed_at, number, attempt,
        jsonb_build_object('attempt', attempt, 'outcome', outcome, 'code', code, 'detail', detail, 'events', events)
    FROM news ORDER BY book_id, endpoint, number, attempt;
    RETURN NULL;
END $$;
CREATE FUNCTION webhook.tell_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook.untold (book_id, endpoint, type, at, number, ordinal, detail)
    SELECT book_id, endpoint, 'webhook.forgotten', forgotten_at, number, 1, jsonb_build_object('reason', reason,
        'requested_by', requested_by, 'bytes', body_bytes, 'sha256', encode(body_sha256, 'hex'))
    FROM news ORDER BY book_id, endpoint, number;
    RETURN NULL;
END $$;
CREATE FUNCTION webhook.tell_health() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook.untold (book_id, endpoint, type, at, ordinal, detail)
    SELECT book_id, endpoint, 'adapter.health_changed', changed_at, change,
        jsonb_build_object('aspect', aspect, 'change', change, 'healthy', healthy, 'reason', reason)
    FROM news ORDER BY book_id, endpoint, aspect, change;
    RETURN NULL;
END $$;
CREATE TRIGGER received_told AFTER INSERT ON webhook.received REFERENCING NEW TABLE AS news
    FOR EACH STATEMENT EXECUTE FUNCTION webhook.tell_received();
CREATE TRIGGER duplicate_told AFTER INSERT ON webhook.duplicate REFERENCING NEW TABLE AS news
    FOR EACH STATEMENT EXECUTE FUNCTION webhook.tell_duplicate();
CREATE TRIGGER processed_told AFTER INSERT ON webhook.processed REFERENCING NEW TABLE AS news
    FOR EACH STATEMENT EXECUTE FUNCTION webhook.tell_processed();
CREATE TRIGGER forgotten_told AFTER INSERT ON webhook.forgotten REFERENCING NEW TABLE AS news
    FOR EACH STATEMENT EXECUTE FUNCTION webhook.tell_forgotten();
CREATE TRIGGER health_told AFTER INSERT ON webhook.health REFERENCING NEW TABLE AS news
    FOR EACH STATEMENT EXECUTE FUNCTION webhook.tell_health();

-- Whoever writes what happened leaves the notice; only the publisher reads and removes them.
GRANT INSERT ON webhook.untold TO ledger_inbox, ledger_publisher, ledger_poster;
GRANT SELECT, DELETE ON webhook.untold TO ledger_publisher;
GRANT SELECT ON webhook.untold TO ledger_reader, ledger_reconciler;

ALTER TABLE webhook.untold ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON webhook.untold FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON webhook.untold TO ledger_inbox, ledger_publisher, ledger_reconciler
    USING (true) WITH CHECK (true);

RESET ROLE;
