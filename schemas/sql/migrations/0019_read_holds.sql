-- Holds for analysts: a view of their own, and what is held and available of each account beside its balance.

SET ROLE ledger_owner;

CREATE OR REPLACE VIEW read.balance WITH (security_invoker = true) AS
SELECT
    account.book_id, account.account_id, account.code AS account, account.type, asset.code AS currency, asset.scale,
    abs(head.debits_posted - head.credits_posted) AS amount_minor,
    read.amount(abs(head.debits_posted - head.credits_posted), asset.scale) AS amount,
    read.side_of(head.debits_posted - head.credits_posted) AS side,
    head.debits_posted AS debits_minor, head.credits_posted AS credits_minor,
    read.amount(head.debits_posted, asset.scale) AS debits, read.amount(head.credits_posted, asset.scale) AS credits,
    head.posting_sequence, coalesce(entry.position, 0) AS position,
    held.held_minor, read.amount(held.held_minor, asset.scale) AS held,
    abs(held.available_minor) AS available_minor, read.amount(abs(held.available_minor), asset.scale) AS available,
    read.side_of(held.available_minor) AS available_side
FROM ledger.account
INNER JOIN ledger.asset ON asset.asset_id = account.asset_id
INNER JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
LEFT JOIN ledger.entry
    ON entry.book_id = head.book_id AND entry.account_id = head.account_id
    AND entry.posting_sequence = head.posting_sequence
CROSS JOIN LATERAL (
    SELECT
        CASE WHEN account.type IN ('asset', 'expense') THEN head.credits_pending ELSE head.debits_pending END AS held_minor,
        head.debits_posted - head.credits_posted
        + CASE WHEN account.type IN ('asset', 'expense') THEN -head.credits_pending ELSE head.debits_pending END
            AS available_minor
) AS held;
COMMENT ON COLUMN read.balance.held_minor IS 'What open holds keep back of the account, in minor units';
COMMENT ON COLUMN read.balance.held IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.balance.available_minor IS 'The balance less what is held, in minor units, without a sign';
COMMENT ON COLUMN read.balance.available IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.balance.available_side IS 'The side on which the available balance stands: debit, credit, or none when it is zero';

CREATE VIEW read.hold WITH (security_invoker = true) AS
SELECT
    hold.book_id, hold.hold_id, account.code AS account, hold.status,
    CASE hold.side WHEN 'D' THEN 'debit' ELSE 'credit' END AS side, asset.code AS currency, asset.scale,
    hold.amount_minor, read.amount(hold.amount_minor, asset.scale) AS amount,
    hold.captured_minor, read.amount(hold.captured_minor, asset.scale) AS captured,
    hold.released_minor, read.amount(hold.released_minor, asset.scale) AS released,
    greatest(hold.amount_minor - hold.captured_minor - hold.released_minor, 0) AS held_minor,
    read.amount(greatest(hold.amount_minor - hold.captured_minor - hold.released_minor, 0), asset.scale) AS held,
    hold.tolerance_bps, hold.expires_at, hold.placed_position AS position, hold.closed_position
FROM ledger.hold
INNER JOIN ledger.account ON account.book_id = hold.book_id AND account.account_id = hold.account_id
INNER JOIN ledger.asset ON asset.asset_id = hold.asset_id;
COMMENT ON VIEW read.hold IS 'Holds, exact at once: money of accounts that was promised, and what became of it';
COMMENT ON COLUMN read.hold.book_id IS 'Number of the book';
COMMENT ON COLUMN read.hold.hold_id IS 'Id of the hold, which is the order key of its events';
COMMENT ON COLUMN read.hold.account IS 'Code of the account of which it keeps money back';
COMMENT ON COLUMN read.hold.status IS 'PLACED, PARTIALLY_CAPTURED, CAPTURED, RELEASED or EXPIRED';
COMMENT ON COLUMN read.hold.side IS 'The side that its captures post on the account: debit or credit';
COMMENT ON COLUMN read.hold.currency IS 'Code of the asset, by ISO 4217 where it has one';
COMMENT ON COLUMN read.hold.scale IS 'Number of minor digits of the currency: amount = amount_minor / 10^scale';
COMMENT ON COLUMN read.hold.amount_minor IS 'What was held at first, in minor units';
COMMENT ON COLUMN read.hold.amount IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.hold.captured_minor IS 'What was captured so far, in minor units';
COMMENT ON COLUMN read.hold.captured IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.hold.released_minor IS 'What was given back by a release, a final capture or expiry, in minor units';
COMMENT ON COLUMN read.hold.released IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.hold.held_minor IS 'What it still keeps back, in minor units';
COMMENT ON COLUMN read.hold.held IS 'The same in whole units of the currency';
COMMENT ON COLUMN read.hold.tolerance_bps IS 'How far captures may exceed the amount, in basis points of it';
COMMENT ON COLUMN read.hold.expires_at IS 'When it expires, if something is left of it; null for never';
COMMENT ON COLUMN read.hold.position IS 'Position at which it was placed';
COMMENT ON COLUMN read.hold.closed_position IS 'Position at which the last of it was captured, released or expired; null while it is open';
GRANT SELECT ON read.hold TO ledger_reader;

RESET ROLE;
