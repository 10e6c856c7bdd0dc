"""Invariants of periods: what is closed stays closed until it is reopened by two persons."""

from tests.invariants.invariant import Invariant

I20_CLOSED_PERIODS = Invariant(
    "I20",
    "Nothing posts into a closed period except through a recorded reopening by two persons",
    """
    WITH told AS (
        SELECT event.book_id, position, type, decoded.state ->> 'requested_by' AS asked,
            decoded.state ->> 'approved_by' AS approved, (decoded.state ->> 'through')::date AS through,
            CASE type WHEN 'period.closing' THEN (decoded.state ->> 'through')::date
                      ELSE (decoded.state ->> 'after')::date END AS closed_through
        FROM ledger.event CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
        WHERE type LIKE 'period.%'
    ), gate AS (SELECT * FROM told WHERE type IN ('period.closing', 'period.reopened'))
    SELECT format('entry at %s/%s', entry.book_id, entry.position)
    FROM ledger.entry CROSS JOIN LATERAL (
        SELECT closed_through FROM gate WHERE gate.book_id = entry.book_id AND gate.position < entry.position
        ORDER BY gate.position DESC LIMIT 1
    ) at_that_time
    WHERE (effective_at AT TIME ZONE 'UTC')::date <= closed_through
    UNION ALL
    SELECT format('book %s is closed through %s', book.book_id, book.closed_through)
    FROM ledger.book LEFT JOIN LATERAL (
        SELECT closed_through FROM gate WHERE gate.book_id = book.book_id ORDER BY gate.position DESC LIMIT 1
    ) latest ON true
    WHERE book.closed_through <> coalesce(
        (latest.closed_through + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 microsecond', '-infinity')
    UNION ALL
    SELECT format('reopening at %s/%s', book_id, position) FROM told
    WHERE type = 'period.reopened' AND (coalesce(asked, '') = '' OR coalesce(approved, '') = ''
        OR lower(trim(asked)) = lower(trim(approved)))
    UNION ALL
    SELECT format('period %s through %s', book_id, coalesce(period.through, latest.through))
    FROM ledger.period FULL JOIN (
        SELECT DISTINCT ON (book_id, through) book_id, through, position, type FROM told
        ORDER BY book_id, through, position DESC
    ) latest USING (book_id, through)
    WHERE (period.position, period.status) IS DISTINCT FROM (latest.position, CASE latest.type
        WHEN 'period.closing' THEN 'closing' WHEN 'period.closed' THEN 'closed' ELSE 'open' END)
    """,
)
