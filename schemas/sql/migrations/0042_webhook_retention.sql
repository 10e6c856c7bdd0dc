-- Bodies of webhooks hold names and addresses, and are not kept for ever: what a body said may be forgotten once everything
-- in it has been posted. What came, when, and what became of it stays, and so does the key by which a copy is known again.
SET ROLE ledger_owner;

CREATE TABLE webhook.forgotten (
    number bigint NOT NULL,
    forgotten_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL,
    body_bytes integer NOT NULL CHECK (body_bytes > 0),
    endpoint text COLLATE "C" NOT NULL,
    body_sha256 bytea NOT NULL CHECK (octet_length(body_sha256) = 32),
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    requested_by text NOT NULL,
    PRIMARY KEY (book_id, endpoint, number),
    FOREIGN KEY (book_id, endpoint, number) REFERENCES webhook.received
);
COMMENT ON TABLE webhook.forgotten IS 'Webhooks whose body is no longer kept: by whom and why, and the hash of what it said';

CREATE TRIGGER forgotten_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON webhook.forgotten
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- Nothing of a webhook changes but its body, once, to nothing, and only as `forgotten` says.
CREATE FUNCTION webhook.check_forgetting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.number, NEW.received_at, NEW.book_id, NEW.masked, NEW.endpoint, NEW.event_id, NEW.type)
            IS DISTINCT FROM (OLD.number, OLD.received_at, OLD.book_id, OLD.masked, OLD.endpoint, OLD.event_id, OLD.type)
        OR octet_length(NEW.body) > 0 OR octet_length(OLD.body) = 0 THEN
        RAISE EXCEPTION 'LOG_IS_APPEND_ONLY: UPDATE of webhook.received is refused'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF NOT EXISTS (
        SELECT FROM webhook.forgotten JOIN webhook.feed USING (book_id, endpoint)
        WHERE forgotten.book_id = OLD.book_id AND forgotten.endpoint = OLD.endpoint AND forgotten.number = OLD.number
            AND forgotten.body_sha256 = sha256(OLD.body) AND feed.published >= OLD.number
    ) OR EXISTS (
        SELECT FROM webhook.replay
        WHERE replay.book_id = OLD.book_id AND replay.endpoint = OLD.endpoint AND replay.number = OLD.number AND NOT done
    ) THEN
        RAISE EXCEPTION 'WEBHOOK_NEEDED: webhook % of % is not published, or nobody said why it is forgotten',
            OLD.number, OLD.endpoint USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER received_append_only ON webhook.received;
CREATE TRIGGER received_append_only BEFORE DELETE OR TRUNCATE ON webhook.received
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER received_forgetting BEFORE UPDATE ON webhook.received
    FOR EACH ROW EXECUTE FUNCTION webhook.check_forgetting();
COMMENT ON COLUMN webhook.received.body IS 'The bytes as they came, card numbers and verification values masked; empty once forgotten';

CREATE OR REPLACE VIEW webhook.event WITH (security_invoker = true) AS
SELECT book_id, endpoint, 'webhook.received' AS type, received_at AS at, number,
    jsonb_build_object('event_id', event_id, 'type', type, 'masked', masked) AS detail
FROM webhook.received
UNION ALL
SELECT book_id, endpoint, 'webhook.duplicate_dropped', dropped_at, number, jsonb_build_object('copy', copy)
FROM webhook.duplicate
UNION ALL
SELECT book_id, endpoint, 'webhook.processed', processed_at, number,
    jsonb_build_object('attempt', attempt, 'outcome', outcome, 'code', code, 'detail', detail, 'events', events)
FROM webhook.processed
UNION ALL
SELECT book_id, endpoint, 'webhook.forgotten', forgotten_at, number,
    jsonb_build_object('reason', reason, 'requested_by', requested_by, 'bytes', body_bytes,
        'sha256', encode(body_sha256, 'hex'))
FROM webhook.forgotten
UNION ALL
SELECT book_id, endpoint, 'adapter.health_changed', changed_at, NULL,
    jsonb_build_object('aspect', aspect, 'healthy', healthy, 'reason', reason)
FROM webhook.health;
COMMENT ON VIEW webhook.event IS 'What happened to webhooks and their adapters: received, duplicate_dropped, processed, forgotten, health_changed';

-- Persons ask for it as the poster, as they do for replays.
GRANT SELECT, INSERT ON webhook.forgotten TO ledger_poster;
GRANT UPDATE (body) ON webhook.received TO ledger_poster;
GRANT SELECT ON webhook.forgotten TO ledger_reader, ledger_reconciler, ledger_publisher, ledger_inbox;
-- The publisher and the inbox move a feed's row, which is what a forgetting waits for.
GRANT UPDATE (published) ON webhook.feed TO ledger_poster;

ALTER TABLE webhook.forgotten ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON webhook.forgotten FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON webhook.forgotten TO ledger_inbox, ledger_publisher, ledger_reconciler
    USING (true) WITH CHECK (true);

RESET ROLE;
