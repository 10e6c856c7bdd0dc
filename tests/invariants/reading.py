"""Invariants of the read side: projections and findings against what the store says."""

from tests.invariants.invariant import Invariant

I6_CHECKPOINTS = Invariant(
    "I6",
    "A projection's checkpoint stands in its book's log, at the hash of the block that holds it",
    """
    SELECT format('projection %s of book %s', projection, checkpoint.book_id) FROM projections.checkpoint
    JOIN ledger.book USING (book_id)
    LEFT JOIN LATERAL (SELECT hash FROM ledger.block
        WHERE block.book_id = checkpoint.book_id AND last_position >= checkpoint.position
        ORDER BY last_position LIMIT 1) block ON true
    WHERE checkpoint.position > book.position OR (checkpoint.position > 0 AND checkpoint.state = 'ACTIVE'
        AND checkpoint.block_hash <> '' AND checkpoint.block_hash IS DISTINCT FROM block.hash)
    """,
)

I6_DAILY_BALANCES = Invariant(
    "I6",
    "Daily balances are the entries up to the checkpoint, by account and UTC day",
    """
    WITH folded AS (
        SELECT entry.book_id, account.code AS account, (effective_at AT TIME ZONE 'UTC')::date AS day,
            asset.code AS currency,
            coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0) AS debits,
            coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0) AS credits, count(*) AS entries
        FROM ledger.entry JOIN ledger.account USING (book_id, account_id)
        JOIN ledger.asset ON asset.asset_id = entry.asset_id
        JOIN projections.checkpoint ON checkpoint.book_id = entry.book_id AND projection = 'daily_balances'
            AND checkpoint.state = 'ACTIVE' AND entry.position <= checkpoint.position
        GROUP BY 1, 2, 3, 4
    )
    SELECT format('daily balance of %s/%s on %s', book_id, account, day)
    FROM folded FULL JOIN projections.daily_balance row USING (book_id, account, day)
    WHERE (folded.currency, folded.debits, folded.credits, folded.entries)
        IS DISTINCT FROM (row.currency, row.debits_minor, row.credits_minor, row.entries)
    """,
)

I6_TRIAL_BALANCE = Invariant(
    "I6",
    "The trial balance by day is the entries up to the checkpoint, and zero on every day",
    """
    WITH folded AS (
        SELECT entry.book_id, (effective_at AT TIME ZONE 'UTC')::date AS day, asset.code AS currency,
            account.type AS account_type, coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0) AS debits,
            coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0) AS credits, count(*) AS entries
        FROM ledger.entry JOIN ledger.account USING (book_id, account_id)
        JOIN ledger.asset ON asset.asset_id = entry.asset_id
        JOIN projections.checkpoint ON checkpoint.book_id = entry.book_id AND projection = 'trial_balance'
            AND checkpoint.state = 'ACTIVE' AND entry.position <= checkpoint.position
        GROUP BY 1, 2, 3, 4
    )
    SELECT format('trial balance of book %s on %s in %s', book_id, day, currency)
    FROM folded FULL JOIN projections.trial_balance row USING (book_id, day, currency, account_type)
    WHERE (folded.debits, folded.credits, folded.entries)
        IS DISTINCT FROM (row.debits_minor, row.credits_minor, row.entries)
    UNION ALL
    SELECT format('trial balance of book %s on %s in %s is not zero', book_id, day, currency)
    FROM projections.trial_balance GROUP BY book_id, day, currency HAVING sum(debits_minor) <> sum(credits_minor)
    """,
)

I6_DAY_ROLLUPS = Invariant(
    "I6",
    "Day roll-ups are the entries of their stretches, of which every one is there that is full at its level",
    """
    WITH rolled AS (
        SELECT book_id, account_id, (max(chunk) + 1) * 256 AS entries FROM projections.day_rollup
        WHERE level = 1 GROUP BY 1, 2
    ), stretch AS (
        SELECT book_id, account_id, level, chunk, 16 ^ (level + 1) AS length FROM rolled
        CROSS JOIN generate_series(1, 14) AS level
        CROSS JOIN LATERAL generate_series(0, (entries / 16 ^ (level + 1))::numeric::bigint) AS chunk
        WHERE (chunk + 1) * 16 ^ (level + 1) <= entries
    ), folded AS (
        SELECT book_id, account_id, level, chunk, day, sum(debits) OVER so_far AS debits,
            sum(credits) OVER so_far AS credits, sum(entries) OVER so_far AS entries
        FROM (
            SELECT stretch.book_id, stretch.account_id, level, chunk, (effective_at AT TIME ZONE 'UTC')::date AS day,
                coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0) AS debits,
                coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0) AS credits, count(*) AS entries
            FROM stretch JOIN ledger.entry ON entry.book_id = stretch.book_id AND entry.account_id = stretch.account_id
                AND posting_sequence > (chunk * length)::bigint AND posting_sequence <= ((chunk + 1) * length)::bigint
            GROUP BY 1, 2, 3, 4, 5
        ) movement
        WINDOW so_far AS (PARTITION BY book_id, account_id, level, chunk ORDER BY day)
    )
    SELECT format('roll-up of account %s/%s, level %s, stretch %s, %s', book_id, account_id, level, chunk, day)
    FROM folded FULL JOIN projections.day_rollup row USING (book_id, account_id, level, chunk, day)
    WHERE (folded.debits, folded.credits, folded.entries)
        IS DISTINCT FROM (row.debits_minor, row.credits_minor, row.entries)
    """,
)

I6_PAYMENTS = Invariant(
    "I6",
    "Payments are the sums of their events up to the checkpoint, and every event of an order key is one of its story",
    """
    WITH folded AS (
        SELECT event.book_id, event.order_key,
            coalesce(sum(amount) FILTER (WHERE kind = 'authorization'), 0) AS authorised,
            coalesce(sum(amount) FILTER (WHERE kind = 'capture'), 0) AS captured,
            coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunded,
            coalesce(sum(amount) FILTER (WHERE kind = 'dispute'), 0) AS disputed,
            coalesce(-sum(amount) FILTER (WHERE taken_back AND kind = 'capture'), 0) AS reversed,
            coalesce(bool_or(kind = 'void'), false) AS voided,
            (array_agg(event.position ORDER BY event.position))[:1000] AS positions
        FROM ledger.event
        CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
        CROSS JOIN LATERAL (SELECT coalesce(decoded.state #>> '{reverses,0,event_type}', '') AS reversed_type,
                                   coalesce(decoded.state ->> 'kind' = 'reversal', false) AS taken_back) link
        CROSS JOIN LATERAL (
            SELECT regexp_replace(CASE WHEN taken_back THEN reversed_type ELSE decoded.state ->> 'event_type' END,
                       '[.]v[0-9]+$', '') AS of_type,
                   coalesce((decoded.state ->> 'amount_minor')::bigint, 0)
                       * CASE WHEN taken_back THEN -1 ELSE 1 END AS signed
        ) event_of
        CROSS JOIN LATERAL (
            SELECT CASE WHEN event.type IN ('voucher.posted', 'fact.recorded') THEN CASE of_type
                       WHEN 'payment.authorized' THEN 'authorization' WHEN 'payment.captured' THEN 'capture'
                       WHEN 'payment.refunded' THEN 'refund' WHEN 'refund.completed' THEN 'refund'
                       WHEN 'chargeback.opened' THEN 'dispute' WHEN 'chargeback.won' THEN 'dispute'
                       WHEN 'payment.voided' THEN 'void' END END AS kind,
                   CASE of_type WHEN 'chargeback.won' THEN -signed ELSE signed END AS amount
        ) said
        JOIN projections.checkpoint ON checkpoint.book_id = event.book_id AND projection = 'payments'
            AND checkpoint.state = 'ACTIVE' AND event.position <= checkpoint.position
        WHERE event.order_key <> ''
        GROUP BY 1, 2
    )
    SELECT format('payment %s/%s', book_id, order_key)
    FROM folded FULL JOIN (
        SELECT row.* FROM projections.payment_versions row
        JOIN projections.checkpoint USING (book_id, version)
        WHERE projection = 'payments' AND checkpoint.state = 'ACTIVE'
    ) row USING (book_id, order_key)
    WHERE (folded.authorised, folded.captured, folded.refunded, folded.disputed, folded.reversed, folded.voided,
            folded.positions) IS DISTINCT FROM
        (row.authorised_minor, row.captured_minor, row.refunded_minor, row.disputed_minor, row.reversed_minor,
            row.voided, row.positions)
    """,
)

I6_STATES = Invariant(
    "I6",
    "A projection that stands where its book does shows payments, refunds and the others in the states that decide",
    """
    WITH level AS (
        SELECT book_id, projection FROM projections.checkpoint JOIN ledger.book USING (book_id)
        WHERE checkpoint.state = 'ACTIVE' AND checkpoint.position = book.position
    ), decided AS (
        SELECT book_id, order_key, captured_minor, refunded_minor,
            CASE WHEN voided THEN 'VOIDED'
                 WHEN captured_minor > 0 AND refunded_minor = captured_minor THEN 'REFUNDED'
                 WHEN captured_minor > 0 THEN 'CAPTURED'
                 WHEN marks & 3 > 0 THEN 'FAILED'
                 WHEN authorised_minor > 0 THEN 'AUTHORIZED' END AS state
        FROM ledger.subject
    )
    SELECT format('payment %s/%s is %s, not %s', book_id, order_key, payment.state, decided.state)
    FROM projections.payment JOIN level USING (book_id) LEFT JOIN decided USING (book_id, order_key)
    WHERE projection = 'payments'
        AND nullif(nullif(payment.state, 'INITIATED'), 'PENDING_CASH') IS DISTINCT FROM decided.state
    UNION ALL
    SELECT format('%s %s of %s/%s', coalesce(row.kind, part.kind), part_id, book_id, order_key)
    FROM (
        SELECT * FROM ledger.subject_part JOIN level USING (book_id) WHERE projection = 'parts'
            AND kind IN ('refund', 'chargeback', 'settlement', 'payout', 'fee', 'transfer', 'inflow', 'monitoring',
                'approval')
    ) part
    FULL JOIN (
        SELECT row.* FROM projections.part_versions row JOIN projections.checkpoint USING (book_id, version)
        JOIN level USING (book_id, projection) WHERE projection = 'parts' AND checkpoint.state = 'ACTIVE'
    ) row USING (book_id, order_key, kind, part_id)
    WHERE (part.told, part.amount_minor) IS DISTINCT FROM (row.told, row.amount_minor)
    """,
)

I21_FINDINGS = Invariant(
    "I21",
    "An order whose suspense was not zero at the latest complete scan has an OPEN finding, and no other has",
    """
    WITH latest AS (
        SELECT DISTINCT ON (book_id) book_id, position FROM reconciliation.scan
        WHERE complete ORDER BY book_id, number DESC
    ), suspense AS (
        SELECT entry.book_id, entry.order_key FROM latest
        JOIN ledger.account ON account.book_id = latest.book_id AND role = 'ORDER_SUSPENSE'
        JOIN ledger.entry ON entry.book_id = account.book_id AND entry.account_id = account.account_id
            AND entry.position <= latest.position
        GROUP BY entry.book_id, entry.order_key, entry.account_id
        HAVING sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0
    ), finding AS (
        SELECT book_id, subject, detail FROM reconciliation.finding JOIN latest USING (book_id)
        WHERE code = 'ORDER_SUSPENSE_NOT_ZERO' AND state = 'OPEN'
    )
    SELECT format('book %s: %s orders in suspense, %s findings open',
        book_id, coalesce(orders, 0), coalesce(findings, 0))
    FROM (SELECT book_id, count(*) AS orders FROM suspense GROUP BY 1) counted
    FULL JOIN (SELECT book_id, count(*) AS findings FROM finding GROUP BY 1) open USING (book_id)
    WHERE orders IS DISTINCT FROM findings
    UNION ALL
    SELECT format('order %s/%s is in suspense without a finding', suspense.book_id, order_key) FROM suspense
    WHERE NOT EXISTS (SELECT FROM finding
                      WHERE finding.book_id = suspense.book_id AND strpos(finding.subject, order_key) > 0)
    """,
)
