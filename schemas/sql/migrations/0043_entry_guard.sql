-- The same refusals for half the price: most vouchers have one asset, and entries come sorted by account.
SET ROLE ledger_owner;

-- One query over the whole COPY for each promise: balance per voucher and asset, lines 1..n, positions in a block that
-- this transaction wrote, and the last entry of each account equal to its head (heads are written first).
-- Its own planner settings: the poster's connections look everything else up by key.
CREATE OR REPLACE FUNCTION ledger.check_entries() RETURNS trigger LANGUAGE plpgsql
SET enable_hashjoin = on SET enable_seqscan = on AS $$
DECLARE
    bad record;
BEGIN
    -- Vouchers of one asset are done in one pass; only where some voucher fails it, or has several assets, is it asked again
    -- per asset.
    SELECT book_id, position INTO bad
    FROM new_entries GROUP BY book_id, position
    HAVING min(asset_id) <> max(asset_id) OR sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0
        OR count(*) < 2 OR min(line) <> 1 OR max(line) <> count(*)
    LIMIT 1;
    IF FOUND THEN
        SELECT book_id, position INTO bad FROM (
            SELECT book_id, position, sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) AS difference,
                   count(*) AS lines, min(line) AS low, max(line) AS high
            FROM new_entries GROUP BY book_id, position, asset_id
        ) per_asset
        GROUP BY book_id, position
        HAVING bool_or(difference <> 0) OR sum(lines) < 2 OR min(low) <> 1 OR max(high) <> sum(lines)
        LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'VOUCHER_UNBALANCED: entries of book % at position % do not balance or are not numbered 1..n',
                bad.book_id, bad.position USING ERRCODE = 'check_violation';
        END IF;
    END IF;

    SELECT spans.book_id, spans.low INTO bad FROM (
        SELECT book_id, min(position) AS low, max(position) AS high FROM new_entries GROUP BY book_id
    ) spans
    WHERE NOT EXISTS (
        SELECT FROM ledger.block
        WHERE block.book_id = spans.book_id AND block.first_position <= spans.low AND block.last_position >= spans.high
          AND block.xmin = pg_current_xact_id()::xid
    ) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ENTRY_OUTSIDE_BLOCK: entries of book % from position % lie in no block of this transaction',
            bad.book_id, bad.low USING ERRCODE = 'check_violation';
    END IF;

    -- Each entry against the one behind it, and the last of each account against its head. By a window over the one sort that
    -- the poster has done already, not by joining the transition table to itself: its size is unknown to a cached plan, and a
    -- nested loop over it takes forty times as long as the posting.
    SELECT placed.book_id, placed.account_id INTO bad FROM (
        SELECT book_id, account_id, posting_sequence, running_minor, asset_id,
               lead(posting_sequence) OVER by_account AS next_sequence, lead(asset_id) OVER by_account AS next_asset
        FROM new_entries
        WINDOW by_account AS (PARTITION BY book_id, account_id ORDER BY posting_sequence)
    ) placed
    LEFT JOIN ledger.account_head head ON head.book_id = placed.book_id AND head.account_id = placed.account_id
    -- Those that are not followed as they should be: the last ones, which must be what their heads say, and bad ones.
    WHERE (placed.next_sequence IS NULL OR placed.next_sequence <> placed.posting_sequence + 1 OR placed.next_asset <> placed.asset_id)
      AND (placed.next_sequence IS NOT NULL
        OR head.posting_sequence IS DISTINCT FROM placed.posting_sequence
        OR head.debits_posted - head.credits_posted IS DISTINCT FROM placed.running_minor
        OR head.asset_id <> placed.asset_id)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'HEAD_DIFFERS: last entry of account % in book % is not what its head says',
            bad.account_id, bad.book_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;

RESET ROLE;
