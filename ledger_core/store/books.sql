-- name: assets
-- Everything money is counted in.
SELECT code, asset_id FROM ledger.asset;

-- name: scales
-- In how many minor digits.
SELECT code, scale FROM ledger.asset;

-- name: books
-- Books of these codes with the chart in force.
SELECT book.book_id, book.code, book.chart_version, chart.document, book.posting_mode = 'dropped'
FROM ledger.book_directory directory
JOIN ledger.book USING (book_id)
JOIN ledger.chart ON chart.book_id = book.book_id AND chart.version = book.chart_version
WHERE directory.code = ANY(%s);

-- name: insert_sources
-- Sources that are not there yet, in the order of their key.
INSERT INTO ledger.source (book_id, uri)
SELECT %s, uri FROM unnest(%s::text[]) AS uri ORDER BY uri COLLATE "C"
ON CONFLICT (book_id, uri) DO NOTHING;

-- name: sources
-- Ids of sources.
SELECT uri, source_id FROM ledger.source WHERE book_id = %s AND uri = ANY(%s);

-- name: accounts
-- What never changes about accounts of one book.
SELECT code, account_id, asset_id, keyed, type, role FROM ledger.account WHERE book_id = %s AND code = ANY(%s);

-- name: insert_accounts
-- Accounts that are not there yet, in the order of their key; answers with those inserted.
INSERT INTO ledger.account (book_id, code, type, asset_id, role, keyed, parent)
SELECT %(book_id)s, code, type, asset_id, role, keyed, parent
FROM unnest(%(codes)s::text[], %(types)s::text[], %(assets)s::smallint[], %(roles)s::text[], %(keyed)s::boolean[],
    %(parents)s::text[]) AS opening (code, type, asset_id, role, keyed, parent)
ORDER BY code COLLATE "C"
ON CONFLICT (book_id, code) DO NOTHING
RETURNING code, account_id;

-- name: insert_heads
-- Heads of accounts just opened.
INSERT INTO ledger.account_head (book_id, account_id, asset_id)
SELECT book_id, account_id, asset_id FROM ledger.account
WHERE book_id = %s AND account_id = ANY(%s) ORDER BY account_id;

-- name: set_limits
-- Limits of heads that are locked or new.
UPDATE ledger.account_head AS head SET minimum_minor = wanted.minimum_minor, maximum_minor = wanted.maximum_minor,
    limit_policy = wanted.limit_policy::"char", normal_side = wanted.normal_side::"char"
FROM unnest(%(accounts)s::integer[], %(minimums)s::bigint[], %(maximums)s::bigint[], %(policies)s::text[], %(sides)s::text[])
    AS wanted (account_id, minimum_minor, maximum_minor, limit_policy, normal_side)
WHERE head.book_id = %(book_id)s AND head.account_id = wanted.account_id;

-- name: chart_version
-- The version of the chart in force.
SELECT chart_version FROM ledger.book WHERE book_id = %s;

-- name: insert_book_code
-- Takes the next book id for a code, or nothing when the code is taken.
INSERT INTO ledger.book_directory (code, book_id)
VALUES (%s, (nextval('ledger.book_id')))
ON CONFLICT (code) DO NOTHING RETURNING book_id;

-- name: insert_book
-- A new book, empty.
INSERT INTO ledger.book (book_id, code, chart_version) VALUES (%s, %s, 1);

-- name: insert_chart
-- A version of a book's chart, and where the event stands that puts it in force.
INSERT INTO ledger.chart (book_id, version, document, position) VALUES (%s, %s, %s, %s);

-- name: insert_relay_checkpoint
-- Where the relay stands in a new book.
INSERT INTO ledger.relay_checkpoint (book_id) VALUES (%s);
