"""Where the projector reads on in each partition of the topic: saves time, decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg

from ledger_core.store.arrays import integers, texts


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """Next offset of one partition, and the last record read, by which a recreated topic is seen."""

    topic: str
    partition: int
    next_offset: int
    last_offset: int = -1
    last_hash: bytes = b""


READ: Final[LiteralString] = """
SELECT topic, partition, next_offset, last_offset, last_hash FROM projections.source_position
WHERE consumer = %s AND topic = ANY(%s::text[])
"""

# A batch without a record moves the position and keeps what is known of the last record.
WRITE: Final[LiteralString] = """
INSERT INTO projections.source_position AS old (
    consumer, topic, partition, next_offset, last_offset, last_hash
)
SELECT %s, new.* FROM unnest(%s::text[], %s::integer[], %s::bigint[], %s::bigint[], %s::bytea[])
    AS new (topic, partition, next_offset, last_offset, last_hash)
ORDER BY topic, partition
ON CONFLICT (consumer, topic, partition) DO UPDATE SET
    next_offset = excluded.next_offset,
    last_offset = CASE excluded.last_offset WHEN -1 THEN old.last_offset ELSE excluded.last_offset END,
    last_hash = CASE excluded.last_offset WHEN -1 THEN old.last_hash ELSE excluded.last_hash END,
    stopped_code = '', stopped_detail = ''
"""

STOP: Final[LiteralString] = """
INSERT INTO projections.source_position (consumer, topic, partition, next_offset, stopped_code, stopped_detail)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET
    stopped_code = excluded.stopped_code, stopped_detail = excluded.stopped_detail
"""


def read_source_positions(
    connection: psycopg.Connection, consumer: str, topics: Sequence[str]
) -> dict[tuple[str, int], SourcePosition]:
    """What is stored, by topic and partition."""
    rows = connection.execute(READ, (consumer, texts(topics)), binary=True)
    positions = [SourcePosition(*row) for row in rows]
    return {(position.topic, position.partition): position for position in positions}


def write_source_positions(connection: psycopg.Connection, consumer: str, positions: Sequence[SourcePosition]) -> None:
    """Store them, in the transaction that applied what was read."""
    if not positions:
        return
    connection.execute(
        WRITE,
        (
            consumer,
            texts([position.topic for position in positions]),
            integers([position.partition for position in positions]),
            integers([position.next_offset for position in positions]),
            integers([position.last_offset for position in positions]),
            texts([f"\\x{position.last_hash.hex()}" for position in positions]),
        ),
    )


def stop_source_position(
    connection: psycopg.Connection, consumer: str, position: SourcePosition, code: str, detail: str
) -> None:
    """Says that a partition can't be read on; reading on takes it back."""
    place = (consumer, position.topic, position.partition, position.next_offset)
    connection.execute(STOP, (*place, code, detail))
