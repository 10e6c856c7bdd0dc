"""Invariants of money: vouchers, accounts, outcomes, reversals, frozen accounts."""

from tests.invariants.invariant import Invariant

I1_BALANCED = Invariant(
    "I1",
    "Each voucher, per currency: debits equal credits, two entries or more, no zero amount, lines 1 … n",
    """
    SELECT format('voucher at %s/%s', book_id, position) FROM (
        SELECT book_id, position, asset_id, count(*) AS entries, min(amount_minor) AS smallest,
            sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) AS difference,
            array_agg(line ORDER BY line) AS lines
        FROM ledger.entry GROUP BY GROUPING SETS ((book_id, position, asset_id), (book_id, position))
    ) voucher
    WHERE smallest < 1 OR (asset_id IS NOT NULL AND difference <> 0)
        OR (asset_id IS NULL AND (entries < 2 OR lines::bigint[] <> ARRAY(SELECT generate_series(1, entries))))
    """,
)

I1_VOUCHERS_HAVE_ENTRIES = Invariant(
    "I1",
    "Vouchers and entries stand at the same positions; vouchers are numbered 1 … n in the order of the log",
    """
    SELECT format('position %s/%s', book_id, position)
    FROM (SELECT book_id, position, voucher_no,
              row_number() OVER (PARTITION BY book_id ORDER BY position) AS expected
          FROM ledger.event WHERE type = 'voucher.posted') voucher
    FULL JOIN (SELECT DISTINCT book_id, position FROM ledger.entry) entry USING (book_id, position)
    WHERE entry.position IS NULL OR voucher.position IS NULL OR voucher_no <> expected
    UNION ALL
    SELECT format('voucher number of event %s/%s', book_id, position) FROM ledger.event
    WHERE (type = 'voucher.posted') <> (voucher_no > 0)
    """,
)

I2_SEQUENCES = Invariant(
    "I2",
    "Each account: posting_sequence 1 … n, running balance = fold of entries, positions rise, one currency",
    """
    SELECT format('entry %s of account %s/%s', posting_sequence, book_id, account_id) FROM (
        SELECT entry.*, account.asset_id AS account_asset, row_number() OVER account_entries AS expected_sequence,
            sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) OVER account_entries AS expected_running,
            lag(position) OVER account_entries AS position_before
        FROM ledger.entry LEFT JOIN ledger.account USING (book_id, account_id)
        WINDOW account_entries AS (PARTITION BY book_id, account_id ORDER BY posting_sequence)
    ) folded
    WHERE posting_sequence <> expected_sequence OR running_minor <> expected_running
        OR position < position_before OR asset_id IS DISTINCT FROM account_asset
    """,
)

I2_HEADS = Invariant(
    "I2",
    "Each head is the sum of its account's entries",
    """
    SELECT format('head of account %s/%s', account.book_id, account.account_id)
    FROM ledger.account
    LEFT JOIN ledger.account_head head USING (book_id, account_id)
    LEFT JOIN (
        SELECT book_id, account_id, count(*) AS entries,
            coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0) AS debits,
            coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0) AS credits
        FROM ledger.entry GROUP BY book_id, account_id
    ) folded USING (book_id, account_id)
    WHERE (head.posting_sequence, head.debits_posted, head.credits_posted, head.asset_id)
        IS DISTINCT FROM (coalesce(entries, 0), coalesce(debits, 0), coalesce(credits, 0), account.asset_id)
    """,
)

I2_HELD = Invariant(
    "I2",
    "Each head keeps back what its open holds do; a hold's entries come to what it was captured, within its tolerance",
    """
    SELECT format('what is held of account %s/%s', book_id, account_id)
    FROM ledger.account_head LEFT JOIN (
        SELECT book_id, account_id, sum(amount_minor - captured_minor) FILTER (WHERE side = 'D') AS debits,
            sum(amount_minor - captured_minor) FILTER (WHERE side = 'C') AS credits
        FROM ledger.hold WHERE status IN ('PLACED', 'PARTIALLY_CAPTURED') GROUP BY book_id, account_id
    ) held USING (book_id, account_id)
    WHERE (debits_pending, credits_pending) IS DISTINCT FROM (coalesce(debits, 0), coalesce(credits, 0))
    UNION ALL
    SELECT format('hold %s/%s', book_id, hold_id)
    FROM ledger.hold FULL JOIN (
        SELECT event.book_id, event.order_key AS hold_id, sum(amount_minor) AS taken_minor,
            count(DISTINCT (account_id, side)) AS places, min(account_id) AS account_id, min(side::text) AS side
        FROM ledger.event JOIN ledger.entry USING (book_id, position)
        WHERE convert_from(state, 'UTF8')::jsonb ? 'hold' AND line = 1
        GROUP BY event.book_id, event.order_key
    ) taken USING (book_id, hold_id)
    WHERE captured_minor IS DISTINCT FROM coalesce(taken_minor, 0) OR places > 1
        OR taken.account_id <> hold.account_id OR taken.side <> hold.side::text
        OR captured_minor - amount_minor > amount_minor::numeric * tolerance_bps / 10000
    """,
)

I3_ONE_OUTCOME = Invariant(
    "I3",
    "Each upstream event has revisions 1 … n, one event in the log for each, at most one voucher, the last one",
    """
    WITH decided AS (
        SELECT inbox.*, event.position, event.type, convert_from(event.state, 'UTF8')::jsonb AS state, source.uri
        FROM ledger.inbox
        LEFT JOIN ledger.source USING (book_id, source_id)
        LEFT JOIN ledger.block USING (book_id, batch_id)
        LEFT JOIN ledger.event ON event.book_id = inbox.book_id
            AND event.position = block.first_position + inbox.ordinal AND event.position <= block.last_position
    )
    SELECT format('inbox %s/%s revision %s', book_id, event_id, revision) FROM decided
    WHERE position IS NULL OR coalesce((state ->> 'revision')::integer, 1) <> revision
        OR CASE WHEN uri = 'conflict' THEN state ->> 'code' <> 'IDEMPOTENCY_CONFLICT'
           ELSE (uri, event_id) IS DISTINCT FROM (state ->> 'source', state ->> 'event_id') END
    UNION ALL
    SELECT format('inbox %s/%s', book_id, event_id) FROM decided GROUP BY book_id, source_id, event_id
    HAVING max(revision) <> count(*) OR count(*) FILTER (WHERE type = 'voucher.posted') > 1
        OR (bool_or(type NOT LIKE 'event.%')
            AND (array_agg(type ORDER BY revision DESC))[1] LIKE 'event.%')
    UNION ALL
    SELECT format('outcome %s/%s has no inbox row', event.book_id, event.position) FROM ledger.event
    WHERE (type IN ('voucher.posted', 'fact.recorded', 'event.rejected', 'event.parked', 'event.skipped')
            OR type IN ('account.frozen', 'account.unfrozen', 'account.closed')
                AND convert_from(state, 'UTF8')::jsonb ? 'cause')
        AND coalesce((convert_from(state, 'UTF8')::jsonb -> 'group' ->> 0)::integer, 1) = 1
        AND NOT EXISTS (SELECT FROM decided WHERE decided.book_id = event.book_id AND decided.position = event.position)
    UNION ALL
    SELECT format('two vouchers of %s in book %s', min(state ->> 'event_id'), book_id) FROM decided
    WHERE type = 'voucher.posted' GROUP BY book_id, state ->> 'source', state ->> 'event_id' HAVING count(*) > 1
    """,
)

I3_GROUPS = Invariant(
    "I3",
    "The members of a group stand 1 … n behind each other, all of one outcome, one of them at fault where refused",
    """
    WITH member AS (
        SELECT event.book_id, event.position, event.type, (decoded.state -> 'group' ->> 0)::integer AS place,
            (decoded.state -> 'group' ->> 1)::integer AS size,
            decoded.state ->> 'source' AS source, decoded.state ->> 'event_id' AS event_id,
            coalesce(decoded.state ->> 'revision', '1') AS revision, decoded.state ->> 'code' AS code
        FROM ledger.event CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
        WHERE type IN ('voucher.posted', 'event.rejected', 'event.parked') AND decoded.state ? 'group'
    )
    SELECT format('group of %s in book %s at %s', event_id, book_id, min(position)) FROM member
    GROUP BY book_id, source, event_id, revision, position - place
    HAVING count(*) <> min(size) OR min(size) <> max(size) OR min(place) <> 1 OR max(place) <> min(size)
        OR count(DISTINCT type) > 1
        OR (min(type) <> 'voucher.posted' AND count(*) FILTER (WHERE code <> 'GROUP_MEMBER_REFUSED') <> 1)
    """,
)

I7_REVERSALS = Invariant(
    "I7",
    "A voucher has at most one reversal, its exact mirror per account; reversals and what is not voidable have none",
    """
    WITH voucher AS (
        SELECT book_id, position, order_key, convert_from(state, 'UTF8')::jsonb ->> 'kind' AS kind
        FROM ledger.event WHERE type = 'voucher.posted'
    ), part AS (
        SELECT book_id, reversal_position, reversed_position AS position, false AS is_mirror FROM ledger.reversal
        UNION
        SELECT book_id, reversal_position, reversal_position, true FROM ledger.reversal
    )
    SELECT format('order key %s/%s has %s voids', book_id, order_key, count(*))
    FROM voucher WHERE kind = 'void' GROUP BY book_id, order_key HAVING count(*) > 1
    UNION ALL
    SELECT format('voucher at %s/%s is a reversal of nothing', book_id, position) FROM voucher
    WHERE kind IN ('void', 'reversal') AND NOT EXISTS (
        SELECT FROM ledger.reversal WHERE reversal.book_id = voucher.book_id AND reversal_position = voucher.position)
    UNION ALL
    SELECT format('voucher at %s/%s may not be reversed by the one at %s', mirror.book_id, original.position,
        mirror.position)
    FROM ledger.reversal
    JOIN voucher AS mirror ON mirror.book_id = reversal.book_id AND mirror.position = reversal_position
    JOIN voucher AS original ON original.book_id = reversal.book_id AND original.position = reversed_position
    WHERE mirror.kind NOT IN ('void', 'reversal') OR original.kind IN ('void', 'reversal')
        OR (mirror.kind = 'reversal' AND original.kind IN ('cogs', 'inventory_adjustment'))
        OR mirror.order_key <> original.order_key
    UNION ALL
    SELECT format('reversal at %s/%s, account %s', book_id, reversal_position, account_id)
    FROM part JOIN ledger.entry USING (book_id, position)
    GROUP BY book_id, reversal_position, account_id
    HAVING sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0
        OR count(*) FILTER (WHERE is_mirror) <> count(*) FILTER (WHERE NOT is_mirror)
    """,
)

I8_FROZEN = Invariant(
    "I8",
    "A frozen account takes no entry between its freezing and its thaw; its status is what its events say",
    """
    WITH status_event AS (
        SELECT event.book_id, event.position, type, convert_from(state, 'UTF8')::jsonb ->> 'code' AS code,
            lead(event.position) OVER (PARTITION BY book_id, originator_id ORDER BY originator_version) AS until
        FROM ledger.event WHERE originator_id IS NOT NULL AND type LIKE 'account.%'
    )
    SELECT format('entry %s/%s on frozen account %s', entry.book_id, entry.position, account.code)
    FROM status_event JOIN ledger.account USING (book_id, code)
    JOIN ledger.entry USING (book_id, account_id)
    WHERE status_event.type = 'account.frozen' AND entry.position > status_event.position
        AND entry.position < coalesce(until, 9223372036854775807)
    UNION ALL
    SELECT format('status of account %s/%s', account.book_id, account.code)
    FROM ledger.account JOIN ledger.account_head USING (book_id, account_id)
    LEFT JOIN status_event USING (book_id, code)
    WHERE until IS NULL AND status <> 'C'
        AND (status = 'F') <> coalesce(status_event.type = 'account.frozen', true)
    """,
)

I9_BOOKS = Invariant(
    "I9",
    "No voucher mixes books: account, source and event of every row are of its own book",
    """
    SELECT format('entry %s/%s', book_id, position) FROM ledger.entry
    WHERE NOT EXISTS (SELECT FROM ledger.account
                      WHERE account.book_id = entry.book_id AND account.account_id = entry.account_id)
    UNION ALL
    SELECT format('inbox %s/%s', book_id, event_id) FROM ledger.inbox
    WHERE NOT EXISTS (SELECT FROM ledger.source
                      WHERE source.book_id = inbox.book_id AND source.source_id = inbox.source_id)
    UNION ALL
    SELECT format('book %s', code) FROM ledger.book FULL JOIN ledger.book_directory USING (book_id, code)
    WHERE book.code IS NULL OR book_directory.code IS NULL
    """,
)

I11_TRIAL_BALANCE = Invariant(
    "I11",
    "The trial balance per book and currency is zero, by entries and by heads",
    """
    SELECT format('entries of book %s in asset %s', book_id, asset_id) FROM ledger.entry
    GROUP BY book_id, asset_id HAVING sum(CASE side WHEN 'D' THEN amount_minor ELSE -amount_minor END) <> 0
    UNION ALL
    SELECT format('heads of book %s in asset %s', book_id, asset_id) FROM ledger.account_head
    GROUP BY book_id, asset_id HAVING sum(debits_posted) <> sum(credits_posted)
    """,
)

I12_INTEGERS = Invariant(
    "I12",
    "Money is an integer of minor units: no column of the store is a float, every amount is a whole number",
    """
    SELECT format('%s.%s.%s is %s', table_schema, table_name, column_name, data_type)
    FROM information_schema.columns
    WHERE table_schema IN ('ledger', 'projections', 'reconciliation')
        AND (data_type IN ('real', 'double precision', 'money')
             OR (column_name ~ '(_minor|debits_|credits_)' AND data_type NOT IN ('bigint', 'integer')
                 AND NOT (data_type = 'numeric' AND numeric_scale = 0)))
    """,
)
