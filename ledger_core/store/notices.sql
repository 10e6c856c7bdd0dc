-- name: last_notices
-- What stands of each of these things.
SELECT asked.book_id, asked.kind, asked.key, last.revision, last.said
FROM unnest(%(books)s::integer[], %(kinds)s::text[], %(keys)s::text[]) AS asked (book_id, kind, key)
CROSS JOIN LATERAL (
    SELECT revision, said FROM ledger.notice
    WHERE notice.book_id = asked.book_id AND notice.kind = asked.kind AND notice.key = asked.key
    ORDER BY revision DESC LIMIT 1
) AS last;

-- name: told_meanwhile
-- Of these things, how many stand otherwise by now? Asked under the locks of their books, before new ones are written.
SELECT count(*)
FROM unnest(%(books)s::integer[], %(kinds)s::text[], %(keys)s::text[], %(revisions)s::integer[])
    AS asked (book_id, kind, key, known)
JOIN ledger.notice USING (book_id, kind, key)
WHERE notice.revision > asked.known;

-- name: insert_notices
INSERT INTO ledger.notice (book_id, kind, key, revision, said)
SELECT book_id, kind, key, revision, said
FROM unnest(%(books)s::integer[], %(kinds)s::text[], %(keys)s::text[], %(revisions)s::integer[], %(said)s::jsonb[])
    AS told (book_id, kind, key, revision, said);
