"""Which partition a message goes to: Kafka's default partitioner, so that all adapters agree.

MurmurHash2 with Kafka's seed (`org.apache.kafka.common.utils.Utils.murmur2`), positive, modulo the number
of partitions. Messages without a key share one partition per send and rotate between sends.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from consumers.transport.ports import Outgoing, Partition

SEED = 0x9747B28C
MULTIPLIER = 0x5BD1E995
MASK = 0xFFFFFFFF
# Below this many keys numpy's fixed cost per call is higher than the loop's.
COLUMNS_FROM = 24


def murmur2(key: bytes) -> int:
    """Unsigned 32-bit MurmurHash2 of one key."""
    whole = len(key) & ~3
    value = SEED ^ len(key)
    for at in range(0, whole, 4):
        word = int.from_bytes(key[at : at + 4], "little") * MULTIPLIER & MASK
        word = (word ^ word >> 24) * MULTIPLIER & MASK
        value = value * MULTIPLIER & MASK ^ word
    if whole != len(key):
        value = (value ^ int.from_bytes(key[whole:], "little")) * MULTIPLIER & MASK
    value = (value ^ value >> 13) * MULTIPLIER & MASK
    return value ^ value >> 15


def murmur2_columns(keys: Sequence[bytes], length_bytes: int) -> NDArray[np.uint32]:
    """The same for many keys of one length at once."""
    multiplier = np.uint32(MULTIPLIER)
    whole = length_bytes & ~3
    table = np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(len(keys), length_bytes)
    value = np.full(len(keys), SEED ^ length_bytes, dtype=np.uint32)
    for word in np.ascontiguousarray(table[:, :whole]).view("<u4").T.astype(np.uint32):
        mixed = word * multiplier
        mixed = (mixed ^ mixed >> np.uint32(24)) * multiplier
        value = value * multiplier ^ mixed
    if whole != length_bytes:
        for at in range(whole, length_bytes):
            value ^= table[:, at].astype(np.uint32) << np.uint32(8 * (at - whole))
        value *= multiplier
    value = (value ^ value >> np.uint32(13)) * multiplier
    return value ^ value >> np.uint32(15)


def partitions_by_key(keys: Sequence[bytes], partition_count: int) -> dict[bytes, int]:
    """Partition of each distinct key."""
    by_length: dict[int, list[bytes]] = {}
    for key in dict.fromkeys(keys):
        by_length.setdefault(len(key), []).append(key)
    found: dict[bytes, int] = {}
    for length_bytes, group in by_length.items():
        if len(group) < COLUMNS_FROM or length_bytes == 0:
            found.update((key, (murmur2(key) & 0x7FFFFFFF) % partition_count) for key in group)
        else:
            hashes = murmur2_columns(group, length_bytes) & np.uint32(0x7FFFFFFF)
            found.update(zip(group, (hashes % np.uint32(partition_count)).tolist(), strict=True))
    return found


class Partitioner:
    """Distributes the messages of one send; keeps the rotation for messages without a key."""

    def __init__(self) -> None:
        self._turn = 0

    def distribute(
        self, messages: Sequence[Outgoing], partition_counts: Mapping[str, int]
    ) -> dict[Partition, list[Outgoing]]:
        """Messages by partition, in the order given. Every topic must be in `partition_counts`."""
        keys: dict[str, list[bytes]] = {}
        for message in messages:
            if message.partition is None and message.key is not None:
                keys.setdefault(message.topic, []).append(message.key)
        by_key = {topic: partitions_by_key(of_topic, partition_counts[topic]) for topic, of_topic in keys.items()}
        self._turn += 1
        groups: dict[tuple[str, int], list[Outgoing]] = {}
        for message in messages:
            topic, partition = message.topic, message.partition
            if partition is None:
                key = message.key
                partition = self._turn % partition_counts[topic] if key is None else by_key[topic][key]
            elif not 0 <= partition < partition_counts[topic]:
                raise ValueError(f"topic {topic!r} has no partition {partition}")
            group = groups.get((topic, partition))
            if group is None:
                groups[topic, partition] = [message]
            else:
                group.append(message)
        return {Partition(topic, partition): group for (topic, partition), group in groups.items()}
