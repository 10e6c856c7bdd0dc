"""Invariants of the log itself, and of who may touch what."""

from tests.invariants.invariant import Invariant

I10_NO_RIGHT = Invariant(
    "I10",
    "No runtime role may change or remove a row of the log, and the owner meets a trigger",
    """
    WITH role AS (
        SELECT DISTINCT grantee FROM pg_namespace CROSS JOIN aclexplode(nspacl) WHERE nspname = 'ledger'
            AND grantee <> 0 AND grantee <> nspowner
    ), guarded AS (
        SELECT tgrelid AS oid FROM pg_trigger WHERE tgenabled IN ('O', 'A')
            AND tgfoid = 'ledger.refuse_change'::regproc AND tgtype & (8 | 16 | 32) = 8 | 16 | 32
    )
    SELECT format('%s may %s %s', grantee::regrole, privilege, oid::regclass)
    FROM guarded, role, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
    WHERE has_table_privilege(grantee, oid, privilege)
        OR (privilege = 'UPDATE' AND has_any_column_privilege(grantee, oid, privilege))
    UNION ALL
    SELECT format('ledger.%s has no trigger that refuses', log_table)
    FROM unnest(ARRAY['event', 'entry', 'block', 'inbox', 'signed_checkpoint']) AS log_table
    WHERE ('ledger.' || log_table)::regclass NOT IN (SELECT oid FROM guarded)
    UNION ALL
    SELECT format('%s has no trigger that refuses', relation.oid::regclass)
    FROM pg_class relation JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p') AND nspname IN ('ledger', 'webhook') AND relation.oid NOT IN (SELECT oid FROM guarded)
        AND NOT EXISTS (SELECT FROM role WHERE has_any_column_privilege(grantee, relation.oid, 'UPDATE'))
        AND (nspname, relname) <> ('webhook', 'untold')  -- a queue: what is told leaves it, the facts stay in the log
    """,
)

I10_GAPLESS = Invariant(
    "I10",
    "Events stand at 1 … n, blocks follow each other and hold every event, the book ends where its log ends",
    """
    SELECT format('book %s', code) FROM ledger.book LEFT JOIN (
        SELECT book_id, count(*) AS events, min(position) AS low, max(position) AS high
        FROM ledger.event GROUP BY book_id
    ) log USING (book_id)
    WHERE book.position <> coalesce(high, 0) OR coalesce(events, 0) <> coalesce(high, 0) OR low <> 1
    UNION ALL
    SELECT format('block %s/%s', book_id, number) FROM (
        SELECT *, row_number() OVER chain AS expected_number, lag(last_position, 1, 0::bigint) OVER chain AS before,
            lag(hash) OVER chain AS hash_before
        FROM ledger.block WINDOW chain AS (PARTITION BY book_id ORDER BY number)
    ) block
    WHERE number <> expected_number OR first_position <> before + 1
        OR previous_hash <> coalesce(hash_before, decode(repeat('00', 32), 'hex'))
    UNION ALL
    SELECT format('end of book %s', code) FROM ledger.book
    LEFT JOIN ledger.block ON block.book_id = book.book_id AND block.number = book.block_number
    WHERE (book.position, book.block_hash) IS DISTINCT FROM
        (coalesce(last_position, 0), coalesce(hash, decode(repeat('00', 32), 'hex')))
    """,
)

I16_TIME = Invariant(
    "I16",
    "Recorded time follows positions and never the other way round",
    """
    SELECT format('block %s/%s', book_id, number) FROM (
        SELECT *, lag(recorded_at) OVER (PARTITION BY book_id ORDER BY number) AS before FROM ledger.block
    ) block WHERE recorded_at < before
    """,
)

I22_DETECT_ONLY = Invariant(
    "I22",
    "Reconciliation reads the ledger and writes findings, readers write nothing",
    """
    SELECT format('%s may %s %s', role, privilege, relation.oid::regclass)
    FROM pg_class relation JOIN pg_namespace ON pg_namespace.oid = relnamespace,
        unnest(ARRAY['ledger_reader', 'ledger_reconciler']) AS role,
        unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS privilege
    WHERE relkind IN ('r', 'p', 'v') AND nspname NOT IN ('pg_catalog', 'information_schema')
        AND nspname !~ '^pg_(toast|temp)'
        AND NOT (role = 'ledger_reconciler' AND nspname = 'reconciliation')
        AND has_table_privilege(role, relation.oid, privilege)
    """,
)
