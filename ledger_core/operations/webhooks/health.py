"""How an endpoint and its adapter do: `adapter.health_changed`, a row for each change and no other."""

from enum import StrEnum
from typing import Final, LiteralString

import psycopg

# Two that say the same at once meet at the key, and one of them is enough.
CHANGE: Final[LiteralString] = """
    INSERT INTO webhook.health (book_id, endpoint, aspect, change, healthy, reason)
    SELECT %(book_id)s, %(endpoint)s, %(aspect)s, coalesce(last.change, 0) + 1, %(healthy)s, %(reason)s
    FROM (VALUES (0)) AS one
    LEFT JOIN LATERAL (
        SELECT health.change, health.healthy FROM webhook.health
        WHERE health.book_id = %(book_id)s AND health.endpoint = %(endpoint)s AND health.aspect = %(aspect)s
        ORDER BY health.change DESC LIMIT 1
    ) AS last ON true
    WHERE last.healthy IS DISTINCT FROM %(healthy)s
    ON CONFLICT DO NOTHING
    RETURNING change
"""


class Aspect(StrEnum):
    """What of an endpoint may fail."""

    SIGNATURES = "signatures"
    """Several signatures in a row were refused: most likely a secret was changed at one end only."""
    MAPPING = "mapping"
    """The latest webhook of a known type can't be mapped."""
    PUBLISHING = "publishing"
    """The payments topic can't be reached."""


def change_health(
    connection: psycopg.Connection, book_id: int, endpoint: str, aspect: Aspect, *, healthy: bool, reason: str
) -> bool:
    """In the caller's transaction, for a feed that is there; True when it is news."""
    said = {"book_id": book_id, "endpoint": endpoint, "aspect": aspect.value, "healthy": healthy, "reason": reason}
    return connection.execute(CHANGE, said).fetchone() is not None
