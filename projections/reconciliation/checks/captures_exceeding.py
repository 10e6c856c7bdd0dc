"""A payment of which more was captured than was authorised, and has not gone back."""

from projections.reconciliation.checks.check import Check

CAPTURE_EXCEEDS_AUTHORIZED = Check(
    code="CAPTURE_EXCEEDS_AUTHORIZED",
    title="More was captured of a payment than was authorised",
    what_to_do="Ask the processor what it took of the payer: it is over once what is too much was refunded or taken"
    " back. A chart may allow more (payments: capture_tolerance_bps).",
    # Whole numbers: rounded down, as the decision is.
    observations="""
        WITH tolerated AS (
            SELECT coalesce((
                SELECT (document -> 'payments' ->> 'capture_tolerance_bps')::numeric
                FROM ledger.chart WHERE book_id = %(book_id)s ORDER BY version DESC LIMIT 1
            ), 0) AS bps
        ), exceeding AS (
            SELECT order_key, asset_id, authorised_minor, captured_minor, refunded_minor,
                authorised_minor + div(authorised_minor * bps, 10000) AS most_minor
            FROM ledger.subject, tolerated
            WHERE book_id = %(book_id)s AND authorised_minor > 0 AND captured_minor > authorised_minor AND NOT voided
        )
        SELECT order_key AS subject,
            (captured_minor - refunded_minor - most_minor)::bigint AS amount_minor,
            asset_id,
            'D'::"char" AS side,
            jsonb_build_object(
                'authorised_minor', authorised_minor::text, 'captured_minor', captured_minor::text,
                'refunded_minor', refunded_minor::text
            ) AS detail
        FROM exceeding
        WHERE captured_minor - refunded_minor > most_minor
    """,
)
