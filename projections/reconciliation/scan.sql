-- name: lock_book
-- One scanner of a book at a time; held to the end of the transaction.
SELECT pg_advisory_xact_lock(%(lock_class)s, %(book_id)s);

-- name: book_position
-- Where the book stands in this snapshot.
SELECT position FROM ledger.book WHERE book_id = %(book_id)s;

-- name: latest_scan
-- What the scan on record before this one saw.
SELECT position, complete FROM reconciliation.scan WHERE book_id = %(book_id)s ORDER BY number DESC LIMIT 1;

-- name: record_scan
-- Takes the next number; of two scanners with the same snapshot, the key lets one of them have it.
INSERT INTO reconciliation.scan (book_id, number, position, complete, opened, reopened, changed, resolved)
SELECT %(book_id)s, coalesce(max(number), 0) + 1, %(position)s, %(complete)s,
    %(opened)s, %(reopened)s, %(changed)s, %(resolved)s
FROM reconciliation.scan WHERE book_id = %(book_id)s
RETURNING number;

-- name: open_findings
-- How many findings are open.
SELECT count(*) FROM reconciliation.finding WHERE book_id = %(book_id)s AND state = 'OPEN';

-- name: differences
-- What a check observes and is not on record, and the other way round. Only what differs leaves the database: an
-- identical scan returns no row, however many findings are open.
WITH observed AS MATERIALIZED ({observations}),
recorded AS (
    SELECT subject, state, amount_minor, asset_id, side, detail
    FROM reconciliation.finding WHERE book_id = %(book_id)s AND code = %(code)s
)
SELECT
    CASE WHEN recorded.subject IS NULL THEN 'opened'
         WHEN observed.subject IS NULL THEN 'resolved'
         WHEN recorded.state = 'RESOLVED' THEN 'reopened'
         ELSE 'changed' END,
    %(code)s, coalesce(observed.subject, recorded.subject), observed.amount_minor, observed.asset_id,
    observed.side::text, coalesce(observed.detail, '{{}}')::text
FROM observed FULL JOIN recorded ON recorded.subject = observed.subject
WHERE recorded.subject IS NULL
    OR (observed.subject IS NULL AND recorded.state = 'OPEN')
    OR (observed.subject IS NOT NULL AND (
        recorded.state = 'RESOLVED'
        OR (recorded.amount_minor, recorded.asset_id, recorded.side, recorded.detail)
            IS DISTINCT FROM (observed.amount_minor, observed.asset_id, observed.side, observed.detail)))
ORDER BY 3;

-- name: retired
-- Findings still open whose check exists no more: nobody will ever observe them again.
SELECT 'resolved', code, subject, NULL::bigint, NULL::smallint, NULL::text, '{}'
FROM reconciliation.finding
WHERE book_id = %(book_id)s AND state = 'OPEN' AND code <> ALL (%(codes)s) ORDER BY code, subject;

-- name: write_observed
-- Opens, reopens and changes findings; a reopened one is the same row again.
INSERT INTO reconciliation.finding AS finding (
    book_id, code, subject, state, amount_minor, asset_id, side, detail, opened_at_position, opened_by_scan,
    changed_by_scan)
SELECT %(book_id)s, code, subject, 'OPEN', amount_minor, asset_id, side::"char", detail, %(position)s, %(number)s,
    %(number)s
FROM unnest(%(code)s::text[], %(subject)s::text[], %(amount_minor)s::bigint[], %(asset_id)s::smallint[],
    %(side)s::text[], %(detail)s::jsonb[]) AS observed (code, subject, amount_minor, asset_id, side, detail)
ON CONFLICT (book_id, code, subject) DO UPDATE SET
    state = 'OPEN', amount_minor = excluded.amount_minor, asset_id = excluded.asset_id, side = excluded.side,
    detail = excluded.detail, changed_by_scan = excluded.changed_by_scan, resolved_at_position = NULL,
    reopened = finding.reopened + CASE finding.state WHEN 'RESOLVED' THEN 1 ELSE 0 END,
    opened_at_position = CASE finding.state
        WHEN 'RESOLVED' THEN excluded.opened_at_position ELSE finding.opened_at_position END;

-- name: write_resolved
-- Resolves findings; each keeps its last amount, which is what it was about.
UPDATE reconciliation.finding
SET state = 'RESOLVED', resolved_at_position = %(position)s, changed_by_scan = %(number)s
FROM unnest(%(code)s::text[], %(subject)s::text[]) AS gone (code, subject)
WHERE finding.book_id = %(book_id)s AND finding.code = gone.code AND finding.subject = gone.subject;
