"""Sizes of messages as they are counted before a send."""

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from consumers.transport.kafka.sink import BATCH_OVERHEAD_BYTES
from consumers.transport.limits import refuse_too_large, size_bytes
from consumers.transport.ports import MessageTooLarge, Outgoing


@given(
    st.none() | st.binary(max_size=300),
    st.none() | st.binary(max_size=300),
    st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=50)), max_size=10),
)
def test_the_count_is_never_below_what_kafka_needs(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    needed = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, [*headers])
    assert size_bytes(Outgoing("t", key, value, headers)) + BATCH_OVERHEAD_BYTES >= needed


def test_the_first_message_that_is_too_large_is_named() -> None:
    small, large = Outgoing("t", b"k", bytes(10)), Outgoing("t", b"k", bytes(1_000))
    with pytest.raises(MessageTooLarge) as caught:
        refuse_too_large([small, large, large], 500)
    assert caught.value.index == 1
    refuse_too_large([small], 500)
