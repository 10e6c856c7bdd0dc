"""The reading statements of the embedded log, each one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, LiteralString, cast

from consumers.transport.ports import Partition, Record
from consumers.transport.postgres_log.connection import Connection
from consumers.transport.postgres_log.segments import decode
from consumers.transport.postgres_log.topics import Topic

# One round trip for all partitions. A row without a segment says where an idle partition stands, without a
# beginning that the partition is gone. Offsets have no gaps: a segment's base tells how many come before it.
SELECT_SEGMENTS: Final[LiteralString] = """
    SELECT w.ordinal::integer, p.begin_offset, p.next_offset, s.base_offset, s.timestamp_ms, s.payload
      FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[], %(positions)s::bigint[])
           WITH ORDINALITY AS w (topic_id, partition, position, ordinal)
      LEFT JOIN transport.partition AS p ON (p.topic_id, p.partition) = (w.topic_id, w.partition)
      LEFT JOIN LATERAL (
           SELECT c.base_offset, c.timestamp_ms, c.payload
             FROM (SELECT base_offset, timestamp_ms, payload,
                          sum(octet_length(payload)) OVER (ORDER BY last_offset)
                              - octet_length(payload) AS bytes_before
                     FROM transport.segment
                    WHERE topic_id = w.topic_id AND partition = w.partition AND last_offset >= w.position
                    ORDER BY last_offset
                    LIMIT %(max_segments)s) AS c
            WHERE c.base_offset < w.position + %(max_records)s AND c.bytes_before < %(max_bytes)s
      ) AS s ON true
     ORDER BY w.ordinal, s.base_offset
"""

MAX_SEGMENTS = 64

SELECT_BOUNDS: Final[LiteralString] = """
    SELECT w.ordinal::integer, p.begin_offset, p.next_offset
      FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[])
           WITH ORDINALITY AS w (topic_id, partition, ordinal)
      JOIN transport.partition AS p ON (p.topic_id, p.partition) = (w.topic_id, w.partition)
"""

UPSERT_COMMITTED: Final[LiteralString] = """
    INSERT INTO transport.committed_offset (group_id, topic_id, partition, next_offset)
    SELECT %(group_id)s, p.topic_id, p.partition, c.next_offset
      FROM unnest(%(topic_ids)s::bigint[], %(partitions)s::integer[], %(offsets)s::bigint[])
           AS c (topic_id, partition, next_offset)
      JOIN transport.partition AS p ON (p.topic_id, p.partition) = (c.topic_id, c.partition)
     ORDER BY p.topic_id, p.partition
    ON CONFLICT (group_id, topic_id, partition) DO UPDATE SET next_offset = excluded.next_offset
"""


@dataclass(slots=True)
class Found:
    """What the log holds of one partition from a position on."""

    beginning: int
    end: int
    records: list[Record] = field(default_factory=list)


def read(
    connection: Connection,
    topics: Mapping[str, Topic],
    positions: Mapping[Partition, int],
    *,
    max_records: int,
    max_bytes: int,
) -> dict[Partition, Found]:
    """Whole segments from each position on; a partition that is gone is left out."""
    wanted = list(positions)
    parameters = _keys(topics, wanted) | {
        "positions": list(positions.values()),
        "max_records": max_records,
        "max_bytes": max_bytes,
        "max_segments": MAX_SEGMENTS,
    }
    with connection.cursor(binary=True) as cursor:
        rows = cast(
            "list[tuple[int, int | None, int, int | None, int, bytes]]",
            cursor.execute(SELECT_SEGMENTS, parameters).fetchall(),
        )
    found: dict[Partition, Found] = {}
    for ordinal, beginning, end, base_offset, timestamp_ms, payload in rows:
        if beginning is None:
            continue
        partition = wanted[ordinal - 1]
        of_partition = found.setdefault(partition, Found(beginning, end))
        if base_offset is not None and positions[partition] >= beginning:
            of_partition.records += decode(
                payload,
                topic=partition.topic,
                partition=partition.partition,
                base_offset=base_offset,
                timestamp_ms=timestamp_ms,
                skip=max(0, positions[partition] - base_offset),
            )
    return found


def bounds(
    connection: Connection, topics: Mapping[str, Topic], partitions: Sequence[Partition]
) -> dict[Partition, Found]:
    """First and next offset of each partition that exists."""
    rows = connection.execute(SELECT_BOUNDS, _keys(topics, partitions)).fetchall()
    return {
        partitions[ordinal - 1]: Found(beginning, end)
        for ordinal, beginning, end in cast("list[tuple[int, int, int]]", rows)
    }


def commit(
    connection: Connection, topics: Mapping[str, Topic], group_id: str, offsets: Mapping[Partition, int]
) -> None:
    """Stores how far a group is, for lag dashboards."""
    known = [partition for partition in offsets if partition.topic in topics]
    connection.execute(
        UPSERT_COMMITTED,
        _keys(topics, known) | {"group_id": group_id, "offsets": [offsets[partition] for partition in known]},
    )


def _keys(topics: Mapping[str, Topic], partitions: Sequence[Partition]) -> dict[str, object]:
    return {
        "topic_ids": [topics[partition.topic].topic_id for partition in partitions],
        "partitions": [partition.partition for partition in partitions],
    }
