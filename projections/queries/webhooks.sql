-- name: webhooks
-- Webhooks of a book with what became of each last.
SELECT received.endpoint, feed.processor, received.number, received.event_id, received.type, received.received_at,
    received.masked, coalesce(latest.attempt, 0), coalesce(latest.outcome, 'WAITING'), coalesce(latest.code, ''),
    coalesce(latest.detail, ''), latest.processed_at, coalesce(latest.events, '[]'),
    (SELECT count(*) FROM webhook.duplicate
     WHERE duplicate.book_id = received.book_id AND duplicate.endpoint = received.endpoint
         AND duplicate.number = received.number)
FROM webhook.received
JOIN webhook.feed USING (book_id, endpoint)
LEFT JOIN LATERAL (
    SELECT * FROM webhook.processed
    WHERE processed.book_id = received.book_id AND processed.endpoint = received.endpoint
        AND processed.number = received.number
    ORDER BY processed.attempt DESC LIMIT 1
) AS latest ON true
WHERE received.book_id = %(book_id)s
    AND (%(endpoint)s::text IS NULL OR received.endpoint = %(endpoint)s)
    AND (%(numbers)s::bigint[] IS NULL OR received.number = ANY(%(numbers)s))
    AND (%(event_id)s::text IS NULL OR received.event_id = %(event_id)s)
    AND (%(type)s::text IS NULL OR received.type = %(type)s)
    AND (%(outcome)s::text IS NULL OR coalesce(latest.outcome, 'WAITING') = %(outcome)s)
    AND (%(code)s::text IS NULL OR latest.code = %(code)s)
    AND (received.endpoint, received.number) > (%(after_endpoint)s, %(after_number)s)
ORDER BY received.endpoint, received.number LIMIT %(limit)s;

-- name: webhook_body
-- What a webhook says, masked.
SELECT body FROM webhook.received WHERE book_id = %(book_id)s AND endpoint = %(endpoint)s AND number = %(number)s;

-- name: webhook_events
-- Everything that happened to a webhook, oldest first.
SELECT type, at, detail FROM webhook.event
WHERE book_id = %(book_id)s AND endpoint = %(endpoint)s AND number = %(number)s ORDER BY at;

-- name: webhook_feeds
-- How far each endpoint is, and which aspects of it are unwell.
SELECT feed.endpoint, feed.processor, feed.received, feed.published,
    array(SELECT latest.aspect || ': ' || latest.reason FROM (
        SELECT DISTINCT ON (aspect) aspect, healthy, reason FROM webhook.health
        WHERE health.book_id = feed.book_id AND health.endpoint = feed.endpoint ORDER BY aspect, change DESC
    ) AS latest WHERE NOT latest.healthy ORDER BY latest.aspect)
FROM webhook.feed WHERE feed.book_id = %(book_id)s ORDER BY feed.endpoint;
