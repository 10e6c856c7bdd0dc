-- Signed checkpoints: what a book's log was at the end of a block, signed by a key that this database does not hold.

SET ROLE ledger_owner;

CREATE TABLE ledger.signed_checkpoint (
    block_number bigint NOT NULL,
    position bigint NOT NULL,
    event_position bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    book_id integer NOT NULL,
    log_epoch integer NOT NULL,
    key_name text COLLATE "C" NOT NULL,
    public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
    block_hash bytea NOT NULL CHECK (octet_length(block_hash) = 32),
    tree_root bytea NOT NULL CHECK (octet_length(tree_root) = 32),
    frontier bytea NOT NULL CHECK (octet_length(frontier) = 32 * bit_count(block_number::bit(64))),
    signature bytea NOT NULL CHECK (octet_length(signature) = 64),
    PRIMARY KEY (book_id, block_number, public_key),
    UNIQUE (book_id, event_position),
    FOREIGN KEY (book_id, block_number) REFERENCES ledger.block,
    CHECK (event_position > position)
);
COMMENT ON TABLE ledger.signed_checkpoint IS 'Signed checkpoints of each book; the event checkpoint.signed at event_position publishes the same';
COMMENT ON COLUMN ledger.signed_checkpoint.tree_root IS 'Root of the tree (RFC 6962) over the hashes of blocks 1 to block_number';
COMMENT ON COLUMN ledger.signed_checkpoint.frontier IS 'Roots of that tree''s full subtrees, largest first: the next checkpoint goes on from them';

CREATE TRIGGER signed_checkpoint_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.signed_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();

-- A signature over something that the log does not say would be worse than none.
CREATE FUNCTION ledger.check_signed_checkpoint() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM ledger.block
        WHERE block.book_id = NEW.book_id AND block.number = NEW.block_number AND block.last_position = NEW.position
          AND block.hash = NEW.block_hash AND block.recorded_at = NEW.recorded_at
    ) OR NOT EXISTS (
        SELECT FROM ledger.event
        WHERE event.book_id = NEW.book_id AND event.position = NEW.event_position AND event.type = 'checkpoint.signed'
    ) THEN
        RAISE EXCEPTION 'CHECKPOINT_DIFFERS: the log of book % does not say this of block %', NEW.book_id, NEW.block_number
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER signed_checkpoint_guard AFTER INSERT ON ledger.signed_checkpoint
    FOR EACH ROW EXECUTE FUNCTION ledger.check_signed_checkpoint();

GRANT SELECT ON ledger.signed_checkpoint TO ledger_poster, ledger_projector, ledger_reader, ledger_reconciler;
GRANT INSERT ON ledger.signed_checkpoint TO ledger_poster;

ALTER TABLE ledger.signed_checkpoint ENABLE ROW LEVEL SECURITY;
CREATE POLICY one_book ON ledger.signed_checkpoint FOR SELECT TO ledger_reader
    USING (book_id::text = current_setting('ledger.book_id', true));
CREATE POLICY every_book ON ledger.signed_checkpoint FOR SELECT TO ledger_projector, ledger_reconciler USING (true);

RESET ROLE;
