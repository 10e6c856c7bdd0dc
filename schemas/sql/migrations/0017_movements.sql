-- What the rebuilds of daily balances and of the trial balance have in common.

SET ROLE ledger_owner;

CREATE FUNCTION projections.movements(of_book integer, last_position bigint) RETURNS TABLE (
    account text, account_type text, day date, currency text, debits numeric, credits numeric, entries bigint
) LANGUAGE sql STABLE AS $$
    -- LEFT JOIN: an entry of an unknown account breaks a NOT NULL; better no build than one that lacks it.
    SELECT account.code, account.type, movement.day, asset.code, movement.debits, movement.credits, movement.entries
    FROM (
        SELECT
            entry.account_id, entry.asset_id, (entry.effective_at AT TIME ZONE 'UTC')::date AS day,
            coalesce(sum(entry.amount_minor) FILTER (WHERE entry.side = 'D'), 0) AS debits,
            coalesce(sum(entry.amount_minor) FILTER (WHERE entry.side = 'C'), 0) AS credits,
            count(*) AS entries
        FROM ledger.entry
        WHERE entry.book_id = of_book AND entry.position <= last_position
        GROUP BY entry.account_id, entry.asset_id, day
    ) AS movement
    LEFT JOIN ledger.account ON account.book_id = of_book AND account.account_id = movement.account_id
    LEFT JOIN ledger.asset ON asset.asset_id = movement.asset_id
$$;
COMMENT ON FUNCTION projections.movements IS 'Debits, credits and entries of a book by account and UTC day of effective_at, up to a position: what daily balances and the trial balance are rebuilt from';
RESET ROLE;
