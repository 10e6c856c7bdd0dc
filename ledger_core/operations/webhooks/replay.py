"""Asks for stored webhooks to be published again: an adapter has learnt something since, or a topic was lost.

The ids of the events name facts, so what was posted before is known again, and nothing is posted twice.
"""

from collections.abc import Sequence
from typing import Final, LiteralString

import psycopg

MAX_REASON_LENGTH: Final = 500

# Whoever forgets bodies holds the feed: a body that is there once we hold it is there until we commit.
LOCK_FEED: Final[LiteralString] = """
    SELECT feed.book_id FROM webhook.feed JOIN ledger.book_directory AS directory USING (book_id)
    WHERE directory.code = %s AND feed.endpoint = %s FOR NO KEY UPDATE OF feed
"""
# One that is asked for already is not asked for again; two persons at once meet at the key.
REQUEST: Final[LiteralString] = """
    INSERT INTO webhook.replay (book_id, endpoint, number, attempt, reason, requested_by)
    SELECT processed.book_id, processed.endpoint, processed.number, max(processed.attempt) + 1,
        %(reason)s, %(requested_by)s
    FROM webhook.processed
    JOIN ledger.book_directory AS directory USING (book_id)
    JOIN webhook.received USING (book_id, endpoint, number)
    WHERE octet_length(received.body) > 0 AND directory.code = %(book)s AND processed.endpoint = %(endpoint)s
        AND processed.number = ANY(%(numbers)s::bigint[])
    GROUP BY processed.book_id, processed.endpoint, processed.number
    ON CONFLICT DO NOTHING
    RETURNING number
"""


def request_replay(
    connection: psycopg.Connection,
    book: str,
    endpoint: str,
    numbers: Sequence[int],
    *,
    reason: str,
    requested_by: str,
) -> list[int]:
    """In the caller's transaction, as the poster role, under the lock of the feed: the numbers that will be published
    again.

    Left out is what was never published (it still will be), what somebody has asked for already, and what is forgotten.
    """
    asked = {
        "book": book, "endpoint": endpoint, "numbers": list(numbers), "reason": reason[:MAX_REASON_LENGTH],
        "requested_by": requested_by,
    }  # fmt: skip
    connection.execute(LOCK_FEED, (book, endpoint))
    return sorted(number for (number,) in connection.execute(REQUEST, asked))
