-- name: payments
-- A page of payments, the newest first, by their state, the beginning of their order key, and when they began. The
-- version is looked up first, so that the index gives their order.
SELECT payment.order_key, payment.state, projections.execution(payment.executed, payment.unexecuted),
    projections.finality(payment.executed, payment.final, payment.unfinal), payment.currency, asset.scale, payment.method,
    payment.authorised_minor, payment.captured_minor, payment.refunded_minor, payment.voided_minor, payment.reversed_minor,
    payment.disputed_minor, payment.commission_minor, payment.fees_minor, payment.captures, payment.refunds,
    payment.first_effective_at, payment.last_effective_at, payment.last_position, 0::bigint
FROM projections.payment_versions AS payment
LEFT JOIN ledger.asset ON asset.code = payment.currency
WHERE payment.book_id = %(book_id)s AND payment.state IS NOT NULL
    AND payment.version = (
        SELECT version FROM projections.checkpoint
        WHERE checkpoint.book_id = %(book_id)s AND projection = 'payments' AND checkpoint.state = 'ACTIVE'
    )
    AND (payment.first_effective_at, payment.order_key) < (%(before)s::timestamptz, %(before_key)s::text)
    AND payment.first_effective_at >= %(since)s::timestamptz AND payment.first_effective_at < %(until)s::timestamptz
    AND (%(state)s::text IS NULL OR payment.state = %(state)s)
    AND payment.order_key >= %(prefix)s::text AND payment.order_key < %(prefix_end)s::text
ORDER BY payment.first_effective_at DESC, payment.order_key DESC LIMIT %(limit)s;

-- name: payments_of_account
-- The same of one account, from its own entries, the newest first: a payment stands where it first touched the account.
SELECT payment.order_key, payment.state, projections.execution(payment.executed, payment.unexecuted),
    projections.finality(payment.executed, payment.final, payment.unfinal), payment.currency, asset.scale, payment.method,
    payment.authorised_minor, payment.captured_minor, payment.refunded_minor, payment.voided_minor, payment.reversed_minor,
    payment.disputed_minor, payment.commission_minor, payment.fees_minor, payment.captures, payment.refunds,
    payment.first_effective_at, payment.last_effective_at, payment.last_position, entry.posting_sequence
FROM ledger.account
INNER JOIN ledger.entry ON entry.book_id = account.book_id AND entry.account_id = account.account_id
INNER JOIN ledger.event ON event.book_id = entry.book_id AND event.position = entry.position
INNER JOIN projections.payment_versions AS payment
    ON payment.book_id = event.book_id AND payment.order_key = event.order_key AND payment.state IS NOT NULL
LEFT JOIN ledger.asset ON asset.code = payment.currency
WHERE account.book_id = %(book_id)s AND account.code = %(account)s AND entry.posting_sequence < %(before_entry)s
    AND payment.version = (
        SELECT version FROM projections.checkpoint
        WHERE checkpoint.book_id = %(book_id)s AND projection = 'payments' AND checkpoint.state = 'ACTIVE'
    )
    AND payment.first_effective_at >= %(since)s::timestamptz AND payment.first_effective_at < %(until)s::timestamptz
    AND (%(state)s::text IS NULL OR payment.state = %(state)s)
    AND payment.order_key >= %(prefix)s::text AND payment.order_key < %(prefix_end)s::text
    AND entry.position <= payment.last_position
    AND NOT EXISTS (
        SELECT FROM ledger.entry AS before
        WHERE before.book_id = entry.book_id AND before.account_id = entry.account_id
            AND before.posting_sequence = entry.posting_sequence - 1 AND before.position = entry.position
    )
    AND NOT EXISTS (
        SELECT FROM unnest(payment.positions) AS place (position)
        INNER JOIN ledger.event AS earlier ON earlier.book_id = entry.book_id AND earlier.position = place.position
        CROSS JOIN LATERAL jsonb_array_elements(convert_from(earlier.state, 'UTF8')::jsonb -> 'lines') AS lines (one)
        WHERE place.position < entry.position AND earlier.voucher_no > 0 AND lines.one ->> 0 = %(account)s
    )
ORDER BY entry.posting_sequence DESC LIMIT %(limit)s;

-- name: payment
-- One payment.
SELECT payment.order_key, payment.state, payment.execution, payment.finality, payment.currency, asset.scale, payment.method,
    payment.authorised_minor, payment.captured_minor, payment.refunded_minor, payment.voided_minor, payment.reversed_minor,
    payment.disputed_minor, payment.commission_minor, payment.fees_minor, payment.captures, payment.refunds,
    payment.first_effective_at, payment.last_effective_at, payment.last_position, 0::bigint
FROM projections.payment
LEFT JOIN ledger.asset ON asset.code = payment.currency
WHERE payment.book_id = %(book_id)s AND payment.order_key = %(order_key)s;

-- name: story
-- How many events an order key has, and where they stand.
SELECT family, events, positions FROM projections.story WHERE book_id = %(book_id)s AND order_key = %(order_key)s;

-- name: positions_of_order_key
-- Where the events of an order key stand: as far as the read model of payments has come, and behind it.
SELECT place.position FROM projections.story CROSS JOIN LATERAL unnest(story.positions) AS place (position)
WHERE story.book_id = %(book_id)s AND story.order_key = %(order_key)s
UNION
SELECT event.position FROM ledger.event
WHERE event.book_id = %(book_id)s AND event.order_key = %(order_key)s AND event.position > greatest(%(after)s::bigint, (
    SELECT coalesce(max(checkpoint.position), 0) FROM projections.checkpoint
    WHERE checkpoint.book_id = %(book_id)s AND checkpoint.projection = 'payments' AND checkpoint.state = 'ACTIVE'
))
ORDER BY 1;

-- name: events_at
-- Events at given positions, with the blocks that seal them.
SELECT event.position, event.voucher_no, event.type, event.state, block.recorded_at
FROM unnest(%(positions)s::bigint[]) AS place (position)
INNER JOIN ledger.event ON event.book_id = %(book_id)s AND event.position = place.position
INNER JOIN LATERAL (
    SELECT block.recorded_at FROM ledger.block
    WHERE block.book_id = event.book_id AND block.last_position >= event.position
    ORDER BY block.last_position LIMIT 1
) AS block ON true
ORDER BY event.position;

-- name: parts
-- A page of refunds, payouts …, the newest first, by state, account, order key and when they began.
SELECT part.kind, part.order_key, part.part_id, part.state, part.reversed, part.currency, asset.scale, part.amount_minor,
    part.fee_minor, part.refunded_minor, part.account, part.reference, part.failure_reason, part.first_effective_at,
    part.last_effective_at, part.last_position, part.positions
FROM projections.part_versions AS part
LEFT JOIN ledger.asset ON asset.code = part.currency
WHERE part.book_id = %(book_id)s AND part.kind = %(kind)s
    AND part.version = (
        SELECT version FROM projections.checkpoint
        WHERE checkpoint.book_id = %(book_id)s AND projection = 'parts' AND checkpoint.state = 'ACTIVE'
    )
    AND (part.first_effective_at, part.order_key, part.part_id)
        < (%(before)s::timestamptz, %(before_key)s::text, %(before_id)s::text)
    AND part.first_effective_at >= %(since)s::timestamptz AND part.first_effective_at < %(until)s::timestamptz
    AND (%(state)s::text IS NULL OR part.state = %(state)s)
    AND (%(account)s::text IS NULL OR part.account = %(account)s)
    AND (%(order_key)s::text IS NULL OR part.order_key = %(order_key)s)
ORDER BY part.first_effective_at DESC, part.order_key DESC, part.part_id DESC LIMIT %(limit)s;

-- name: parts_by_id
-- Those of one kind and id; of one order key, where that is given.
SELECT kind, order_key, part_id, state, reversed, currency, asset.scale, amount_minor, fee_minor, refunded_minor, account,
    reference, failure_reason, first_effective_at, last_effective_at, last_position, positions
FROM projections.part
LEFT JOIN ledger.asset ON asset.code = part.currency
WHERE book_id = %(book_id)s AND kind = %(kind)s AND part_id = %(part_id)s
    AND (%(order_key)s::text IS NULL OR order_key = %(order_key)s)
ORDER BY order_key LIMIT 2;

-- name: parts_of
-- All of one order key, in the order in which they began.
SELECT kind, order_key, part_id, state, reversed, currency, asset.scale, amount_minor, fee_minor, refunded_minor, account,
    reference, failure_reason, first_effective_at, last_effective_at, last_position, positions
FROM projections.part
LEFT JOIN ledger.asset ON asset.code = part.currency
WHERE book_id = %(book_id)s AND order_key = %(order_key)s
ORDER BY positions[1], kind, part_id;

-- name: transfers
-- A page of transfers, the newest first, by state and when they began. Version first, as for payments.
SELECT row.order_key, row.state, row.monitoring, row.approvals, row.reference, row.failure_reason, row.currency, asset.scale,
    row.amount_minor, row.received_minor, row.compensated_minor, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.transfer_all_versions AS row
LEFT JOIN ledger.asset ON asset.code = row.currency
WHERE row.book_id = %(book_id)s
    AND row.version = (
        SELECT version FROM projections.checkpoint
        WHERE checkpoint.book_id = %(book_id)s AND projection = 'parts' AND checkpoint.state = 'ACTIVE'
    )
    AND (row.first_effective_at, row.order_key) < (%(before)s::timestamptz, %(before_key)s::text)
    AND row.first_effective_at >= %(since)s::timestamptz AND row.first_effective_at < %(until)s::timestamptz
    AND (%(state)s::text IS NULL OR row.state = %(state)s)
ORDER BY row.first_effective_at DESC, row.order_key DESC LIMIT %(limit)s;

-- name: transfer
-- One of them.
SELECT row.order_key, row.state, row.monitoring, row.approvals, row.reference, row.failure_reason, row.currency, asset.scale,
    row.amount_minor, row.received_minor, row.compensated_minor, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.transfer AS row
LEFT JOIN ledger.asset ON asset.code = row.currency
WHERE row.book_id = %(book_id)s AND row.order_key = %(order_key)s;

-- name: waiting
-- What events of an order key wait for now, in the order in which they came: exact, however far a projection has come.
SELECT letter.event_id, source.uri, letter.code, letter.detail, letter.waits_for, letter.position
FROM ledger.dead_letter AS letter
INNER JOIN ledger.source ON source.book_id = letter.book_id AND source.source_id = letter.source_id
WHERE letter.book_id = %(book_id)s AND letter.order_key = %(order_key)s AND letter.resolved_position IS NULL
    AND letter.outcome = 'PARKED'
ORDER BY letter.position;

-- name: beneficiaries
-- A page of beneficiaries by account, with what each has now, less holds.
SELECT row.account, row.currency, asset.scale, row.earned_minor, row.commission_minor, row.refunded_minor,
    row.disputed_minor, row.fees_minor, row.paid_out_minor,
    head.debits_posted - head.credits_posted
        + CASE WHEN account.type IN ('asset', 'expense') THEN -head.credits_pending ELSE head.debits_pending END,
    row.vouchers, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.beneficiary_versions AS row
INNER JOIN ledger.account ON account.book_id = row.book_id AND account.code = row.account
INNER JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
INNER JOIN ledger.asset ON asset.asset_id = account.asset_id
WHERE row.book_id = %(book_id)s AND row.account > %(after)s
    AND row.version = (
        SELECT version FROM projections.checkpoint
        WHERE checkpoint.book_id = %(book_id)s AND projection = 'beneficiaries' AND checkpoint.state = 'ACTIVE'
    )
ORDER BY row.account LIMIT %(limit)s;

-- name: beneficiary
-- One of them.
SELECT row.account, row.currency, asset.scale, row.earned_minor, row.commission_minor, row.refunded_minor,
    row.disputed_minor, row.fees_minor, row.paid_out_minor,
    head.debits_posted - head.credits_posted
        + CASE WHEN account.type IN ('asset', 'expense') THEN -head.credits_pending ELSE head.debits_pending END,
    row.vouchers, row.first_effective_at, row.last_effective_at, row.last_position
FROM projections.beneficiary AS row
INNER JOIN ledger.account ON account.book_id = row.book_id AND account.code = row.account
INNER JOIN ledger.account_head AS head ON head.book_id = account.book_id AND head.account_id = account.account_id
INNER JOIN ledger.asset ON asset.asset_id = account.asset_id
WHERE row.book_id = %(book_id)s AND row.account = %(account)s;

-- name: payment_exchange
-- Of a payment across currencies: what was credited for it, and what of that went back. Exact at once.
SELECT asset.code, asset.scale, row.credited_minor, row.credited_back_minor
FROM ledger.payment_exchange AS row
INNER JOIN ledger.asset USING (asset_id)
WHERE row.book_id = %(book_id)s AND row.order_key = %(order_key)s;

-- name: payment_legs
-- Of a split payment: its custody, and what each beneficiary got. Exact at once.
SELECT custody, beneficiary, currency, scale, amount_minor, commission_minor, net_minor, back_minor, commission_back_minor
FROM read.payment_leg
WHERE book_id = %(book_id)s AND order_key = %(order_key)s
ORDER BY beneficiary;
