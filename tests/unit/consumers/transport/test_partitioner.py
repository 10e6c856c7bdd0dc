"""The partitioner against Kafka's published vectors, its client's own code, and itself in columns."""

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from consumers.transport.partitioner import (
    COLUMNS_FROM,
    Partitioner,
    murmur2,
    murmur2_columns,
    partitions_by_key,
)
from consumers.transport.ports import Outgoing, Partition

# From UtilsTest of Apache Kafka: signed 32-bit results.
KAFKA_VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "signed"), KAFKA_VECTORS)
def test_the_hash_is_the_one_that_kafka_publishes(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=80))
def test_the_hash_agrees_with_the_client_for_any_key(key: bytes) -> None:
    assert murmur2(key) == reference(key)


@given(st.integers(1, 40).flatmap(lambda length: st.lists(st.binary(min_size=length, max_size=length), min_size=1)))
def test_columns_give_what_one_key_at_a_time_gives(keys: list[bytes]) -> None:
    assert murmur2_columns(keys, len(keys[0])).tolist() == [murmur2(key) for key in keys]


@pytest.mark.parametrize("count", [1, COLUMNS_FROM - 1, COLUMNS_FROM, 200])
def test_few_keys_and_many_keys_go_to_the_same_partitions(count: int) -> None:
    keys = [b"payment-%05d" % number for number in range(count)]
    expected = {key: (murmur2(key) & 0x7FFFFFFF) % 12 for key in keys}
    assert partitions_by_key(keys + keys, 12) == expected


def test_order_within_a_partition_is_the_order_given() -> None:
    messages = [Outgoing("t", b"%d" % (n % 5), b"%d" % n) for n in range(100)]
    for group in Partitioner().distribute(messages, {"t": 3}).values():
        numbers = [int(message.value or b"") for message in group]
        assert numbers == sorted(numbers)


def test_messages_without_a_key_share_a_partition_and_rotate_between_sends() -> None:
    partitioner = Partitioner()
    used = []
    for _ in range(4):
        (partition,) = partitioner.distribute([Outgoing("t", None, b"v")] * 3, {"t": 4})
        used.append(partition.partition)
    assert sorted(used) == [0, 1, 2, 3]


def test_a_partition_that_the_topic_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no partition 3"):
        Partitioner().distribute([Outgoing("t", b"k", b"v", partition=3)], {"t": 3})


def test_topics_are_kept_apart() -> None:
    groups = Partitioner().distribute([Outgoing("a", b"k", b"1"), Outgoing("b", b"k", b"2")], {"a": 1, "b": 1})
    assert set(groups) == {Partition("a", 0), Partition("b", 0)}
