"""Forgets what old webhooks said, once everything in them has been posted. That they came stays, and what they became.

A body is needed while its webhook may still become something: until it is published, until the events that it became
are decided and none of them waits or was refused, and as long as an adapter may learn to map it. All of that is kept
whatever its age.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from ledger_core.operations.webhooks.replay import LOCK_FEED, MAX_REASON_LENGTH
from ledger_core.store.prepare import CONFLICT_SOURCE

MOST_AT_ONCE: Final = 10_000
MAY_BECOME_AN_EVENT: Final = ("NO_EVENT_TYPE", "TYPE_UNKNOWN", "UNDECIDED", "NO_ACCOUNT")
"""Reasons without an event that a later release, a setting or a person may change."""

# `kept` names what an old body is still needed for; empty where nothing is. Either those or the others, oldest first:
# what is kept for years never hides what can be forgotten. A conflict is refused under a key of its own: the id that
# was taken, its source and its other fingerprint.
OLD: Final[LiteralString] = """
    SELECT number, body_bytes, kept FROM (
        SELECT received.number, octet_length(received.body) AS body_bytes, CASE
            WHEN received.number > feed.published OR EXISTS (
                SELECT FROM webhook.replay
                WHERE replay.book_id = received.book_id AND replay.endpoint = received.endpoint
                    AND replay.number = received.number AND NOT done
            ) THEN 'NOT_PUBLISHED'
            WHEN latest.outcome = 'UNMAPPABLE' OR latest.code = ANY(%(may_become)s::text[]) THEN 'NOT_MAPPED'
            WHEN EXISTS (
                SELECT FROM jsonb_array_elements(latest.events) AS event
                WHERE NOT EXISTS (
                    SELECT FROM ledger.inbox JOIN ledger.source USING (book_id, source_id)
                    WHERE inbox.book_id = received.book_id AND source.uri = %(source)s
                        AND inbox.event_id = event ->> 'id'
                )
            ) THEN 'NOT_DECIDED'
            WHEN EXISTS (
                SELECT FROM jsonb_array_elements(latest.events) AS event
                WHERE event ->> 'id' IN (
                    SELECT CASE source.uri WHEN %(conflict)s
                        THEN regexp_replace(dead_letter.event_id, '#[0-9]+#[0-9a-f]+$', '')
                        ELSE dead_letter.event_id END
                    FROM ledger.dead_letter JOIN ledger.book_directory USING (book_id)
                    JOIN ledger.source USING (book_id, source_id)
                    WHERE book_directory.code = %(book)s AND resolved_position IS NULL)
            ) THEN 'NOT_POSTED'
            ELSE '' END AS kept
        FROM webhook.received
        JOIN ledger.book_directory AS directory USING (book_id)
        JOIN webhook.feed USING (book_id, endpoint)
        LEFT JOIN LATERAL (
            SELECT outcome, code, events, processed_at FROM webhook.processed
            WHERE processed.book_id = received.book_id AND processed.endpoint = received.endpoint
                AND processed.number = received.number
            ORDER BY attempt DESC LIMIT 1
        ) AS latest ON true
        WHERE directory.code = %(book)s AND received.endpoint = %(endpoint)s AND octet_length(received.body) > 0
            AND coalesce(latest.processed_at, received.received_at)
                < clock_timestamp() - make_interval(days => %(days)s)
    ) AS old
    WHERE (kept = '') = %(free)s ORDER BY number LIMIT %(most)s
"""
RECORD: Final[LiteralString] = """
    INSERT INTO webhook.forgotten (book_id, endpoint, number, body_bytes, body_sha256, reason, requested_by)
    SELECT book_id, endpoint, number, octet_length(body), sha256(body), %(reason)s, %(requested_by)s
    FROM webhook.received
    WHERE book_id = %(book_id)s AND endpoint = %(endpoint)s AND number = ANY(%(numbers)s::bigint[])
"""
FORGET: Final[LiteralString] = """
    UPDATE webhook.received SET body = ''
    WHERE book_id = %(book_id)s AND endpoint = %(endpoint)s AND number = ANY(%(numbers)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class OldWebhook:
    """A webhook past its time. `kept` names what it is still needed for; empty where it can be forgotten."""

    number: int
    body_bytes: int
    kept: str


@dataclass(frozen=True, slots=True)
class Retention:
    """Which webhooks: of an endpoint, published more than so many days ago, so many at once. `source` is that of their
    events."""

    book: str
    endpoint: str
    source: str
    days: int
    most: int = MOST_AT_ONCE


def old_webhooks(connection: psycopg.Connection, retention: Retention) -> list[OldWebhook]:
    """The oldest ones, as the poster role: those to forget, and those that are kept, of each no more than `most`."""
    asked = {
        "book": retention.book, "endpoint": retention.endpoint, "source": retention.source, "days": retention.days,
        "may_become": list(MAY_BECOME_AN_EVENT), "most": retention.most, "conflict": CONFLICT_SOURCE,
    }  # fmt: skip
    both = [row for free in (True, False) for row in connection.execute(OLD, {**asked, "free": free})]
    return [OldWebhook(*row) for row in sorted(both)]


def forget(
    connection: psycopg.Connection, retention: Retention, *, reason: str, requested_by: str
) -> Sequence[OldWebhook]:
    """In a transaction of its own, as the poster role: what `old_webhooks` finds under the lock of the feed, of which
    those that are not kept have no body any more. Who asks for a replay waits for that lock, too."""
    with connection.transaction():
        row = connection.execute(LOCK_FEED, (retention.book, retention.endpoint)).fetchone()
        found = old_webhooks(connection, retention)
        numbers = [one.number for one in found if not one.kept]
        if row is not None and numbers:
            chosen = {"book_id": row[0], "endpoint": retention.endpoint, "numbers": numbers}
            said = {"reason": reason[:MAX_REASON_LENGTH], "requested_by": requested_by}
            connection.execute(RECORD, {**chosen, **said})
            connection.execute(FORGET, chosen)
    return found
