-- name: notices
-- Every notice of a book.
SELECT kind, key, revision, said FROM ledger.notice WHERE book_id = %s;

-- name: first_bad_notice
-- The slow way, only once sums differ: a notice of which log and row say different things, or only one of them anything.
WITH told AS (
    SELECT convert_from(state, 'UTF8')::jsonb -> 'notice' AS notice FROM ledger.event
    WHERE book_id = %(book_id)s AND type = 'fact.recorded'
), said AS (
    SELECT notice ->> 'kind' AS kind, notice ->> 'key' AS key, (notice ->> 'revision')::integer AS revision,
        notice - 'kind' - 'key' - 'revision' AS said
    FROM told WHERE notice IS NOT NULL
), kept AS (
    SELECT kind, key, revision, said FROM ledger.notice WHERE book_id = %(book_id)s
)
SELECT format('%%s %%s, revision %%s', kind, key, revision)
FROM said FULL JOIN kept USING (kind, key, revision)
WHERE said.said IS DISTINCT FROM kept.said ORDER BY 1 LIMIT 1;
