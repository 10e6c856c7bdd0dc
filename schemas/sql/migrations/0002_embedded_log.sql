-- The embedded log: topics and consumer groups in PostgreSQL, for one machine and the demo.
--
-- It is a transport, not the ledger: its keys do not lead with book_id, and it lives in a schema of its own, so that
-- a deployment on Kafka can leave it empty. What a broker would promise holds here too: offsets per partition are
-- 0, 1, 2 … without gaps and in commit order, because the partition's row is locked from the first append of a
-- transaction to its COMMIT; records never change.

CREATE SCHEMA transport AUTHORIZATION ledger_owner;
SET ROLE ledger_owner;

-- A topic deleted and created again gets a new topic_id, so nobody goes on in it by mistake.
CREATE TABLE transport.topic (
    topic_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    partitions integer NOT NULL CHECK (partitions BETWEEN 1 AND 10000)
);

CREATE TABLE transport.partition (
    topic_id bigint NOT NULL REFERENCES transport.topic ON DELETE CASCADE,
    partition integer NOT NULL CHECK (partition >= 0),
    begin_offset bigint NOT NULL DEFAULT 0 CHECK (begin_offset >= 0),
    next_offset bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (topic_id, partition),
    CHECK (begin_offset <= next_offset)
) WITH (fillfactor = 50);

-- One row holds many records, as a segment of a broker's log does: appending and reading cost a tenth of a row each.
-- The key ends with the last offset, so that one index finds the segment that contains an offset and all that follow.
CREATE TABLE transport.segment (
    topic_id bigint NOT NULL,
    partition integer NOT NULL,
    last_offset bigint NOT NULL,
    base_offset bigint NOT NULL,
    timestamp_ms bigint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (topic_id, partition, last_offset),
    FOREIGN KEY (topic_id, partition) REFERENCES transport.partition ON DELETE CASCADE,
    CHECK (base_offset BETWEEN 0 AND last_offset)
);

-- Compressing would cost more than the rest of an append together.
ALTER TABLE transport.segment ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Members of a group hold partitions by claim; who has not been seen for the session's length loses them. The clock
-- decides who may read, never what is posted: the fence of the posting transaction does that.
CREATE TABLE transport.consumer_group (
    group_id text PRIMARY KEY
);

CREATE TABLE transport.group_member (
    group_id text NOT NULL REFERENCES transport.consumer_group ON DELETE CASCADE,
    member_no bigint GENERATED ALWAYS AS IDENTITY,
    client_id text NOT NULL,
    topics text[] NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (group_id, member_no)
);

CREATE TABLE transport.group_claim (
    group_id text NOT NULL,
    topic_id bigint NOT NULL,
    partition integer NOT NULL,
    member_no bigint NOT NULL,
    PRIMARY KEY (group_id, topic_id, partition),
    FOREIGN KEY (group_id, member_no) REFERENCES transport.group_member ON DELETE CASCADE,
    FOREIGN KEY (topic_id, partition) REFERENCES transport.partition ON DELETE CASCADE
);

CREATE INDEX group_claim_by_member ON transport.group_claim (group_id, member_no);
CREATE INDEX group_claim_by_partition ON transport.group_claim (topic_id, partition);

-- For lag dashboards only; consumers keep their position beside their results.
CREATE TABLE transport.committed_offset (
    group_id text NOT NULL,
    topic_id bigint NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (group_id, topic_id, partition),
    FOREIGN KEY (topic_id, partition) REFERENCES transport.partition ON DELETE CASCADE
);

CREATE INDEX committed_offset_by_partition ON transport.committed_offset (topic_id, partition);

GRANT USAGE ON SCHEMA transport TO ledger_poster, ledger_projector, ledger_reader, ledger_reconciler;
GRANT SELECT ON ALL TABLES IN SCHEMA transport TO ledger_poster, ledger_projector, ledger_reader, ledger_reconciler;

-- Whoever reads as a member of a group keeps its membership, its claims and its lag.
GRANT INSERT, UPDATE, DELETE ON transport.consumer_group, transport.group_member, transport.group_claim,
    transport.committed_offset TO ledger_poster, ledger_projector;

-- The poster appends dead letters, the relay (which runs as projector) the ledger's events, and each creates the topics
-- that it writes. Deleting topics and records is the owner's.
GRANT INSERT ON transport.topic, transport.partition, transport.segment TO ledger_poster, ledger_projector;
GRANT UPDATE (next_offset) ON transport.partition TO ledger_poster, ledger_projector;

RESET ROLE;
