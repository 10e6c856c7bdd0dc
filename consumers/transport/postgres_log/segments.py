"""The bytes of one segment: many records in one row of the embedded log.

Layout, all numbers little endian: count of records, bytes of the shapes, count of lengths (three uint32); the
shapes (JSON: the distinct sequences of header names); one int32 per record naming its shape; the lengths (one
int32 each for key, value and every header value of each record, -1 for null); then those bytes in that order.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from struct import Struct, pack, unpack_from

from consumers.transport.ports import Outgoing, Record, StoredRecord

HEAD = Struct("<III")
# A segment is cut at whichever comes first; one record may always exceed the bytes.
SEGMENT_BYTES = 512 * 1024
SEGMENT_RECORDS = 2_000

_Shape = tuple[str, ...]


def split(messages: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    """Cuts the messages of one partition into segments."""
    first = size = 0
    for at, message in enumerate(messages):
        added = len(message.key or b"") + len(message.value or b"") + 200
        if at > first and (size + added > SEGMENT_BYTES or at - first == SEGMENT_RECORDS):
            yield messages[first:at]
            first, size = at, 0
        size += added
    if first < len(messages):
        yield messages[first:]


def encode(messages: Sequence[Outgoing]) -> bytes:
    """The payload of one segment."""
    shapes: dict[_Shape, int] = {}
    shape_of: list[int] = []
    lengths: list[int] = []
    parts: list[bytes] = []
    for message in messages:
        key, value, headers = message.key, message.value, message.headers
        lengths.append(-1 if key is None else len(key))
        lengths.append(-1 if value is None else len(value))
        parts.append(key or b"")
        parts.append(value or b"")
        names: _Shape = ()
        if headers:
            values: tuple[bytes, ...]
            names, values = zip(*headers, strict=True)
            lengths.extend(map(len, values))
            parts.extend(values)
        shape_of.append(shapes.setdefault(names, len(shapes)))
    names_json = json.dumps(list(shapes)).encode()
    return b"".join(
        (
            HEAD.pack(len(messages), len(names_json), len(lengths)),
            names_json,
            pack(f"<{len(shape_of)}i", *shape_of),
            pack(f"<{len(lengths)}i", *lengths),
            *parts,
        )
    )


def decode(
    payload: bytes, *, topic: str, partition: int, base_offset: int, timestamp_ms: int, skip: int = 0
) -> list[Record]:
    """The records of one segment, without the first `skip`."""
    count, shapes_bytes, length_count = HEAD.unpack_from(payload)
    at = HEAD.size + shapes_bytes
    shapes: list[list[str]] = json.loads(payload[HEAD.size : at])
    shape_of: tuple[int, ...] = unpack_from(f"<{count}i", payload, at)
    at += 4 * count
    lengths: tuple[int, ...] = unpack_from(f"<{length_count}i", payload, at)
    at += 4 * length_count
    # Where each part begins, and where the last one ends.
    bounds = list(accumulate(chain((at,), (max(0, length) for length in lengths))))
    records: list[Record] = []
    part = 0
    for index in range(count):
        names = shapes[shape_of[index]]
        after = part + 2 + len(names)
        if index >= skip:
            key = payload[bounds[part] : bounds[part + 1]] if lengths[part] >= 0 else None
            value = payload[bounds[part + 1] : bounds[part + 2]] if lengths[part + 1] >= 0 else None
            headers: Sequence[tuple[str, bytes]] = ()
            if names:
                edges = bounds[part + 2 : after + 1]
                headers = [(names[n], payload[edges[n] : edges[n + 1]]) for n in range(len(names))]
            records.append(StoredRecord(topic, partition, base_offset + index, timestamp_ms, key, value, headers))
        part = after
    return records
