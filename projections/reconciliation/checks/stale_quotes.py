"""A payment across currencies that was posted at a quote older than its book's chart lets one be."""

from projections.reconciliation.checks.check import Check

QUOTE_STALE = Check(
    code="QUOTE_STALE",
    title="A payment was exchanged at a stale quote",
    what_to_do="Compare the quote with the rate of that day and settle the difference with whoever quoted it; it is"
    " over once the capture was taken back or all of the payment went back.",
    # Exchanges are the entries of the trading accounts: as many rows as there were, not the whole log.
    observations="""
        SELECT stale.order_key AS subject,
               NULL::bigint AS amount_minor, NULL::smallint AS asset_id, NULL::"char" AS side,
               jsonb_build_object(
                   'captures', count(*), 'first_position', min(stale.position), 'last_position', max(stale.position),
                   'age_minutes', max((stale.quote ->> 'age_minutes')::bigint),
                   'max_age_minutes', min((stale.quote ->> 'max_age_minutes')::bigint)
               ) AS detail
        FROM (
            SELECT event.position, event.order_key,
                convert_from(event.state, 'UTF8')::jsonb -> 'stale_quote' AS quote
            FROM (
                SELECT DISTINCT entry.position FROM ledger.account
                JOIN ledger.entry ON entry.book_id = account.book_id AND entry.account_id = account.account_id
                WHERE account.book_id = %(book_id)s AND account.role = 'TRADING'
            ) AS exchanged
            JOIN ledger.event ON event.book_id = %(book_id)s AND event.position = exchanged.position
        ) AS stale
        JOIN ledger.payment_exchange AS payment
            ON payment.book_id = %(book_id)s AND payment.order_key = stale.order_key
        WHERE stale.quote IS NOT NULL AND payment.paid_back_minor < payment.paid_minor
          AND NOT EXISTS (
              SELECT FROM ledger.reversal
              WHERE reversal.book_id = %(book_id)s AND reversal.reversed_position = stale.position
          )
        GROUP BY stale.order_key
    """,
)
