"""The bytes of a segment: whatever goes in comes out, whole or from the middle on."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.transport.ports import Outgoing
from consumers.transport.postgres_log.segments import (
    SEGMENT_BYTES,
    SEGMENT_RECORDS,
    decode,
    encode,
    split,
)

ANY_BYTES = st.binary(max_size=30)
HEADERS = st.lists(st.tuples(st.text(max_size=8), ANY_BYTES), max_size=5)
MESSAGES = st.lists(
    st.builds(
        Outgoing,
        topic=st.just("t"),
        key=st.none() | ANY_BYTES,
        value=st.none() | ANY_BYTES,
        headers=HEADERS,
    ),
    min_size=1,
    max_size=20,
)


@given(MESSAGES, st.integers(0, 19))
def test_every_record_comes_back_and_skipping_drops_the_first(messages: list[Outgoing], skip: int) -> None:
    records = decode(encode(messages), topic="t", partition=4, base_offset=100, timestamp_ms=7, skip=skip)
    assert [(r.key, r.value, list(r.headers)) for r in records] == [
        (m.key, m.value, list(m.headers)) for m in messages[skip:]
    ]
    assert [record.offset for record in records] == list(range(100 + skip, 100 + len(messages)))
    assert all((r.topic, r.partition, r.timestamp) == ("t", 4, 7) for r in records)


@given(st.lists(st.integers(0, 2 * SEGMENT_BYTES), max_size=12))
def test_a_split_keeps_every_message_in_order_within_the_bytes(sizes: list[int]) -> None:
    # One shared value each: the sizes matter, not the memory.
    messages = [Outgoing("t", b"%d" % number, bytes(size)) for number, size in enumerate(sizes)]
    parts = list(split(messages))
    assert [message for part in parts for message in part] == messages
    for part in parts:
        assert len(part) == 1 or sum(len(message.value or b"") for message in part) <= SEGMENT_BYTES


def test_a_split_is_bounded_in_records_too() -> None:
    parts = list(split([Outgoing("t", None, None)] * (2 * SEGMENT_RECORDS + 1)))
    assert [len(part) for part in parts] == [SEGMENT_RECORDS, SEGMENT_RECORDS, 1]


def test_header_names_are_stored_once_a_segment() -> None:
    one = Outgoing("t", b"k", b"v", [("a-rather-long-header-name", b"1")])
    assert len(encode([one] * 100)) - len(encode([one])) < 99 * 25
