"""Invariants of delivery: sources, parked events, dead letters, the relay."""

from tests.invariants.invariant import Invariant

I4_POSITIONS = Invariant(
    "I4",
    "What was decided lies below the stored position, each offset decided once",
    """
    WITH caused AS (
        SELECT book_id, position, cause ->> 0 AS topic, (cause ->> 1)::integer AS partition,
            (cause ->> 2)::bigint AS log_offset
        FROM ledger.event CROSS JOIN LATERAL (
            SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
        CROSS JOIN LATERAL (SELECT decoded.state -> 'cause' AS cause) said
        WHERE (type IN ('voucher.posted', 'fact.recorded', 'event.rejected', 'event.parked', 'event.skipped')
                OR type IN ('account.frozen', 'account.unfrozen', 'account.closed') AND decoded.state ? 'cause')
            AND coalesce((decoded.state ->> 'revision')::integer, 1) = 1
            AND coalesce((decoded.state -> 'group' ->> 0)::integer, 1) = 1
            AND decoded.state -> 'parked_at' IS NULL
    )
    SELECT format('event %s/%s comes from beyond its partition', caused.book_id, caused.position)
    FROM caused LEFT JOIN ledger.source_position source USING (topic, partition)
    WHERE source.topic IS NULL OR log_offset NOT BETWEEN source.beginning AND source.next_offset - 1
    UNION ALL
    SELECT format('%s/%s@%s was decided %s times', topic, partition, log_offset, count(*)) FROM caused
    JOIN ledger.source_position source USING (topic, partition) WHERE source.incarnation = 1
    GROUP BY topic, partition, log_offset HAVING count(*) > 1
    """,
)

I5_RELAY = Invariant(
    "I5",
    "Nothing uncommitted is published: checkpoints of the relay lie within their book",
    """
    SELECT format('relay of book %s at %s', book_id, relay.position)
    FROM ledger.relay_checkpoint relay LEFT JOIN ledger.book USING (book_id)
    WHERE book.position IS NULL OR relay.position NOT BETWEEN 0 AND book.position OR relay.log_epoch > book.log_epoch
    """,
)

I17_PARKED = Invariant(
    "I17",
    "A refused event keeps its coordinates, and its bytes unless it had none; parked events of a key heal in order, "
    "save those of a transfer, which stand alone, what others wait for, and what is not of the refund, "
    "chargeback or settlement whose earlier step another waits for",
    """
    SELECT format('dead letter %s/%s', letter.book_id, letter.position)
    FROM ledger.dead_letter letter LEFT JOIN ledger.event USING (book_id, position)
    WHERE event.type IS DISTINCT FROM CASE letter.outcome WHEN 'PARKED' THEN 'event.parked' ELSE 'event.rejected' END
        OR topic = '' OR log_offset < 0 OR (value IS NULL AND code <> 'RECORD_EMPTY')
    UNION ALL
    SELECT format('event %s/%s was refused without a dead letter', book_id, position) FROM ledger.event
    WHERE type IN ('event.rejected', 'event.parked')
        AND convert_from(state, 'UTF8')::jsonb ->> 'code' <> 'GROUP_MEMBER_REFUSED' AND NOT EXISTS (
        SELECT FROM ledger.dead_letter letter
        WHERE letter.book_id = event.book_id AND letter.position = event.position)
    UNION ALL
    SELECT format('dead letter %s/%s healed before %s', later.book_id, later.position, earlier.position)
    FROM ledger.dead_letter earlier JOIN ledger.dead_letter later
        ON later.book_id = earlier.book_id AND later.order_key = earlier.order_key
        AND later.position > earlier.position AND later.outcome = 'PARKED' AND earlier.outcome = 'PARKED'
    WHERE later.resolved_position < coalesce(earlier.resolved_position, 9223372036854775807)
        AND later.position > coalesce(earlier.resolved_position, 0)
        AND 2 > (SELECT count(*) FROM ledger.event
            WHERE event.book_id = later.book_id AND event.position IN (earlier.position, later.position)
                AND convert_from(state, 'UTF8')::jsonb ->> 'event_type' ~ '^(transfer|transaction)[.]')
        AND NOT EXISTS (SELECT FROM ledger.dead_letter AS of_part
            WHERE of_part.book_id = earlier.book_id AND of_part.order_key = earlier.order_key
                AND of_part.position <= earlier.position AND of_part.waits_for ~ '^(refund|chargeback|settlement)[.]')
        AND NOT EXISTS (SELECT FROM ledger.event
            WHERE event.book_id = later.book_id AND event.position = later.position
                AND convert_from(state, 'UTF8')::jsonb ->> 'event_type' ~ concat(
                    '^(payment[.](intent_created|authorized|captured)|refund[.](requested|approved)|chargeback[.]opened',
                    '|settlement[.]confirmed|payout[.](requested|paid)|fee[.](charged|failed|retried))[.]v'))
    UNION ALL
    SELECT format('subject %s/%s says %s parked', book_id, order_key, parked) FROM ledger.subject
    WHERE parked <> (SELECT count(*) FROM ledger.dead_letter letter
        WHERE letter.book_id = subject.book_id AND letter.order_key = subject.order_key
            AND letter.outcome = 'PARKED' AND resolved_position IS NULL)
    """,
)

I18_REDRIVE = Invariant(
    "I18",
    "What healed points at the next revision of the same upstream event; the old decision stays",
    """
    SELECT format('dead letter %s/%s', letter.book_id, letter.position)
    FROM ledger.dead_letter letter
    LEFT JOIN ledger.event resolving
        ON resolving.book_id = letter.book_id AND resolving.position = letter.resolved_position
    LEFT JOIN ledger.event refused ON refused.book_id = letter.book_id AND refused.position = letter.position
    CROSS JOIN LATERAL (SELECT convert_from(resolving.state, 'UTF8')::jsonb AS after,
                               convert_from(refused.state, 'UTF8')::jsonb AS before) states
    WHERE letter.resolved_position IS NOT NULL
        AND ((after ->> 'source', after ->> 'event_id') IS DISTINCT FROM (before ->> 'source', before ->> 'event_id')
             OR (after ->> 'revision')::integer <= coalesce((before ->> 'revision')::integer, 1))
    """,
)

I19_COUNTS = Invariant(
    "I19",
    "consumed = posted + recorded + replayed + skipped + rejected + parked, exactly, per partition and in the log",
    """
    SELECT format('partition %s/%s', topic, partition) FROM ledger.source_position
    WHERE next_offset - beginning <> posted + recorded + replayed + skipped + rejected + parked + gaps
    UNION ALL
    SELECT format('log of partition %s/%s', topic, partition)
    FROM ledger.source_position source FULL JOIN (
        SELECT decoded.state -> 'cause' ->> 0 AS topic, (decoded.state -> 'cause' ->> 1)::integer AS partition,
            count(*) FILTER (WHERE type = 'voucher.posted') AS posted,
            count(*) FILTER (WHERE type = 'fact.recorded' OR starts_with(type, 'account.')) AS recorded,
            count(*) FILTER (WHERE type = 'event.skipped') AS skipped,
            count(*) FILTER (WHERE type = 'event.rejected') AS rejected,
            count(*) FILTER (WHERE type = 'event.parked') AS parked
        FROM ledger.event CROSS JOIN LATERAL (SELECT convert_from(event.state, 'UTF8')::jsonb AS state) decoded
        WHERE (type IN ('voucher.posted', 'fact.recorded', 'event.rejected', 'event.parked', 'event.skipped')
                OR type IN ('account.frozen', 'account.unfrozen', 'account.closed') AND decoded.state ? 'cause')
            AND coalesce((decoded.state ->> 'revision')::integer, 1) = 1
            AND coalesce((decoded.state -> 'group' ->> 0)::integer, 1) = 1
            AND decoded.state -> 'parked_at' IS NULL
        GROUP BY 1, 2
    ) log USING (topic, partition)
    WHERE (source.posted, source.recorded, source.skipped, source.rejected, source.parked) IS DISTINCT FROM
        (coalesce(log.posted, 0), coalesce(log.recorded, 0), coalesce(log.skipped, 0), coalesce(log.rejected, 0),
         coalesce(log.parked, 0))
    """,
)
