"""An upstream event id that came again with another payload: one of the two was never booked."""

from projections.reconciliation.checks.check import Check

IDEMPOTENCY_CONFLICT = Check(
    code="IDEMPOTENCY_CONFLICT",
    title="An upstream event came again with another payload",
    what_to_do="Ask the producer which payload is right: the first one stands, the later one was refused.",
    # The dead letters are the short list of refusals; the events that they stand for say what was refused.
    observations="""
        SELECT (refusal.state ->> 'source') || '#' || (refusal.state ->> 'event_id') AS subject,
               NULL::bigint AS amount_minor, NULL::smallint AS asset_id, NULL::"char" AS side,
               jsonb_build_object(
                   'refused', count(*), 'first_position', min(refusal.position),
                   'last_position', max(refusal.position),
                   'order_key', min(refusal.order_key), 'event_type', min(refusal.state ->> 'event_type')
               ) AS detail
        FROM (
            SELECT event.position, event.order_key, convert_from(event.state, 'UTF8')::jsonb AS state
            FROM ledger.dead_letter
            JOIN ledger.event ON event.book_id = dead_letter.book_id AND event.position = dead_letter.position
            WHERE dead_letter.book_id = %(book_id)s AND dead_letter.code = 'IDEMPOTENCY_CONFLICT'
              AND dead_letter.resolved_position IS NULL AND event.type = 'event.rejected'
        ) refusal
        GROUP BY subject
    """,
)
