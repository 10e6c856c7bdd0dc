-- Webhooks of payment processors: stored before they are answered, then published to the payments topic in order.
--
-- They are no part of the books: what becomes of them is decided where every payment event is, under its own key. So the
-- endpoint, which strangers talk to, needs no right on the ledger, and a webhook never waits for a posting's lock.

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['ledger_inbox', 'ledger_publisher'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- roles belong to the cluster: another database's migration was faster
            END;
        END IF;
    END LOOP;
END $$;

CREATE SCHEMA webhook AUTHORIZATION ledger_owner;
COMMENT ON SCHEMA webhook IS 'Webhooks as processors sent them, card data masked, and what was published of each';
SET ROLE ledger_owner;

-- Numbers are given under the lock of this row, which is held to COMMIT: they are gapless and in commit order, so who
-- reads "all after the last one published" misses none.
CREATE TABLE webhook.feed (
    received bigint NOT NULL DEFAULT 0,
    published bigint NOT NULL DEFAULT 0,
    book_id integer NOT NULL REFERENCES ledger.book,
    endpoint text COLLATE "C" NOT NULL CHECK (endpoint ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    processor text COLLATE "C" NOT NULL CHECK (processor ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    PRIMARY KEY (book_id, endpoint),
    CHECK (published BETWEEN 0 AND received)
) WITH (fillfactor = 50);
COMMENT ON TABLE webhook.feed IS 'One row per endpoint: the number of its last webhook, and how far they are published';
COMMENT ON COLUMN webhook.feed.endpoint IS 'Last part of the address that the processor posts to; often the processor''s name';
COMMENT ON COLUMN webhook.feed.processor IS 'Whose webhooks they are: the adapter that reads them';

CREATE TABLE webhook.received (
    number bigint NOT NULL CHECK (number > 0),
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL,
    masked integer NOT NULL CHECK (masked >= 0),
    endpoint text COLLATE "C" NOT NULL,
    event_id text COLLATE "C" NOT NULL CHECK (length(event_id) BETWEEN 1 AND 300),
    type text COLLATE "C" NOT NULL CHECK (length(type) BETWEEN 1 AND 200),
    body bytea NOT NULL,
    PRIMARY KEY (book_id, endpoint, number),
    UNIQUE (book_id, endpoint, event_id),
    FOREIGN KEY (book_id, endpoint) REFERENCES webhook.feed
);
COMMENT ON TABLE webhook.received IS 'Every webhook once, by the processor''s own id of it';
COMMENT ON COLUMN webhook.received.body IS 'The bytes as they came, card numbers and verification values masked';
COMMENT ON COLUMN webhook.received.masked IS 'How many values of the body are masked';

CREATE TABLE webhook.duplicate (
    number bigint NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL,
    copy integer NOT NULL CHECK (copy > 1),
    endpoint text COLLATE "C" NOT NULL,
    PRIMARY KEY (book_id, endpoint, number, copy),
    FOREIGN KEY (book_id, endpoint, number) REFERENCES webhook.received
);
COMMENT ON TABLE webhook.duplicate IS 'Webhooks that came again: answered like the first, and dropped';

-- A person asks for a webhook to be published again: nothing changes but for what an adapter has learnt since.
CREATE TABLE webhook.replay (
    number bigint NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 1),
    done boolean NOT NULL DEFAULT false,
    endpoint text COLLATE "C" NOT NULL,
    reason text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    requested_by text NOT NULL,
    PRIMARY KEY (book_id, endpoint, number, attempt),
    FOREIGN KEY (book_id, endpoint, number) REFERENCES webhook.received
);
CREATE INDEX replay_waiting ON webhook.replay (book_id, endpoint, number) WHERE NOT done;

CREATE TABLE webhook.processed (
    number bigint NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL,
    attempt integer NOT NULL CHECK (attempt > 0),
    endpoint text COLLATE "C" NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('PUBLISHED', 'RECORDED', 'UNMAPPABLE')),
    code text NOT NULL DEFAULT '',
    detail text NOT NULL DEFAULT '',
    events jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(events) = 'array'),
    PRIMARY KEY (book_id, endpoint, number, attempt),
    FOREIGN KEY (book_id, endpoint, number) REFERENCES webhook.received,
    CHECK ((outcome = 'PUBLISHED') = (events <> '[]') AND (outcome = 'PUBLISHED') = (code = ''))
);
COMMENT ON TABLE webhook.processed IS 'What became of a webhook: events on the payments topic, or a name for why there is none';
COMMENT ON COLUMN webhook.processed.attempt IS '1, and one more for each replay';
COMMENT ON COLUMN webhook.processed.events IS 'Type, id and order key of each event, in order';

CREATE TABLE webhook.health (
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    book_id integer NOT NULL,
    change integer NOT NULL CHECK (change > 0),
    healthy boolean NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    aspect text NOT NULL CHECK (aspect IN ('signatures', 'mapping', 'publishing')),
    reason text NOT NULL DEFAULT '',
    PRIMARY KEY (book_id, endpoint, aspect, change),
    FOREIGN KEY (book_id, endpoint) REFERENCES webhook.feed
);
COMMENT ON TABLE webhook.health IS 'When an endpoint or its adapter began to fail, and when it was well again';

-- What the database itself refuses -----------------------------------------------------------------

DO $$
DECLARE
    log_table text;
BEGIN
    FOREACH log_table IN ARRAY ARRAY['received', 'duplicate', 'processed', 'health'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE OR TRUNCATE ON webhook.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', log_table || '_append_only', log_table);
    END LOOP;
END $$;

-- A number is the feed's next one, and a feed says "published" only of what has an outcome.
CREATE FUNCTION webhook.check_feed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rows bigint := NEW.received - OLD.received;
BEGIN
    -- Each in a statement of its own: who moves one of the two may not read what the other is about.
    IF rows <> 0 THEN
        SELECT count(*) INTO rows FROM webhook.received
        WHERE book_id = NEW.book_id AND endpoint = NEW.endpoint AND number > OLD.received AND number <= NEW.received;
    END IF;
    IF rows <> NEW.received - OLD.received THEN
        RAISE EXCEPTION 'FEED_DIFFERS: feed % of book % counts webhooks that are not there', NEW.endpoint, NEW.book_id
            USING ERRCODE = 'check_violation';
    END IF;
    rows := NEW.published - OLD.published;
    IF rows <> 0 THEN
        SELECT count(*) INTO rows FROM webhook.processed
        WHERE book_id = NEW.book_id AND endpoint = NEW.endpoint AND attempt = 1
            AND number > OLD.published AND number <= NEW.published;
    END IF;
    IF rows <> NEW.published - OLD.published THEN
        RAISE EXCEPTION 'FEED_DIFFERS: feed % of book % says published of what has no outcome', NEW.endpoint, NEW.book_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER feed_guard BEFORE UPDATE ON webhook.feed FOR EACH ROW EXECUTE FUNCTION webhook.check_feed();

-- The four kinds of events that the inbox and the publisher tell, as one log --------------------------

CREATE VIEW webhook.event WITH (security_invoker = true) AS
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
SELECT book_id, endpoint, 'adapter.health_changed', changed_at, NULL,
    jsonb_build_object('aspect', aspect, 'healthy', healthy, 'reason', reason)
FROM webhook.health;
COMMENT ON VIEW webhook.event IS 'What happened to webhooks and their adapters: received, duplicate_dropped, processed, health_changed';

-- Rights -------------------------------------------------------------------------------------------

-- The inbox may add webhooks and see which it has; it can neither read what is in them nor touch the books.
GRANT USAGE ON SCHEMA webhook, ledger TO ledger_inbox, ledger_publisher;
GRANT USAGE ON SCHEMA webhook TO ledger_reader, ledger_poster, ledger_reconciler;
GRANT SELECT ON ledger.book_directory TO ledger_inbox, ledger_publisher;
GRANT SELECT, INSERT ON webhook.feed TO ledger_inbox;
GRANT UPDATE (received) ON webhook.feed TO ledger_inbox;
GRANT SELECT (book_id, endpoint, number, event_id), INSERT ON webhook.received TO ledger_inbox;
GRANT SELECT, INSERT ON webhook.duplicate, webhook.health TO ledger_inbox;

GRANT SELECT ON ledger.asset TO ledger_publisher;
GRANT SELECT ON webhook.feed, webhook.received, webhook.replay TO ledger_publisher;
GRANT UPDATE (published) ON webhook.feed TO ledger_publisher;
GRANT UPDATE (done) ON webhook.replay TO ledger_publisher;
GRANT SELECT, INSERT ON webhook.processed, webhook.health TO ledger_publisher;
GRANT USAGE ON SCHEMA transport TO ledger_publisher;
GRANT SELECT ON ALL TABLES IN SCHEMA transport TO ledger_publisher;
GRANT INSERT ON transport.segment TO ledger_publisher;
GRANT UPDATE (next_offset) ON transport.partition TO ledger_publisher;

-- Persons ask for replays as the poster, as they do for whatever may change the books.
GRANT SELECT ON webhook.feed, webhook.received, webhook.processed, webhook.replay TO ledger_poster;
GRANT INSERT ON webhook.replay TO ledger_poster;
GRANT SELECT ON ALL TABLES IN SCHEMA webhook TO ledger_reader, ledger_reconciler;

DO $$
DECLARE
    book_table text;
BEGIN
    FOREACH book_table IN ARRAY ARRAY['feed', 'received', 'duplicate', 'replay', 'processed', 'health'] LOOP
        EXECUTE format('ALTER TABLE webhook.%I ENABLE ROW LEVEL SECURITY', book_table);
        EXECUTE format('CREATE POLICY one_book ON webhook.%I FOR SELECT TO ledger_reader
                        USING (book_id::text = current_setting(''ledger.book_id'', true))', book_table);
        EXECUTE format('CREATE POLICY every_book ON webhook.%I TO ledger_inbox, ledger_publisher, ledger_reconciler
                        USING (true) WITH CHECK (true)', book_table);
    END LOOP;
END $$;

RESET ROLE;
