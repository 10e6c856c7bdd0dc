"""Records that no producer should send: each gets one outcome with its bytes kept, and the partition goes on."""

import pytest

from deploy.demo.messages import Message
from ledger_core.store.headers import headers_to_rows, rows_to_headers
from tests.support.poison import poison
from tests.support.postings import Scene, captured, outcomes, refunded

pytestmark = pytest.mark.postgres

GOOD = captured("o-1")


def test_every_malformed_record_has_its_code_its_bytes_and_its_place_and_the_rest_posts(scene: Scene) -> None:
    bad = poison()
    messages = [message for message, _ in bad.values()]
    said = outcomes(scene.post(captured("before"), *messages, captured("after")))
    assert (said[0], said[-1]) == ("POSTED", "POSTED")
    assert dict(zip(bad, said[1:-1], strict=True)) == {name: code for name, (_, code) in bad.items()}
    counters = scene.counters()
    assert counters["posted"] == 2
    assert counters["rejected"] + counters["parked"] == len(messages)
    letters = scene.rows("SELECT log_offset, value, key FROM ledger.dead_letter ORDER BY log_offset")
    assert [(offset, bytes(value), bytes(key)) for offset, value, key in letters] == [
        (place, message.value, message.key) for place, message in enumerate(messages, start=1)
    ]


@pytest.mark.parametrize("timestamp", [-1, 0, 2**62])
def test_a_record_whose_time_cannot_be_true_is_dead_lettered_all_the_same(scene: Scene, timestamp: int) -> None:
    """A producer writes the record's timestamp: it may say anything that fits 64 bits."""
    scene.topic.send(Message(b"k", (), b"\xff"))
    scene.topic.records[0][0].timestamp = timestamp
    assert outcomes(scene.worker(0).work()) == ["NOT_UTF8"]


def test_headers_of_a_parked_event_are_read_back_as_they_were_received(scene: Scene) -> None:
    """Also those that no JSON text can hold: the event is decoded again from them when it heals. One whose name is not
    UTF-8 is refused at once, and read back all the same."""
    odd = (("x\0y", b"1"), ("bytes", b"\x00\xff"), ("again", b"3"), ("again", b""))
    refused = (*odd, ("x\udc80", b"2"))
    refund = refunded("o-1")
    scene.post(Message(refund.key, (*refund.headers, *odd), refund.value))
    assert len(scene.post(captured("o-1")).healed) == 1
    assert rows_to_headers(headers_to_rows(refused)) == refused
    assert rows_to_headers(headers_to_rows([("none", None)])) == (("none", b""),)


def test_a_tombstone_is_refused_with_its_key(scene: Scene) -> None:
    scene.topic.send(GOOD)
    scene.topic.records[0][0].value = None
    scene.topic.records[0][0].key = None
    assert outcomes(scene.worker(0).work()) == ["RECORD_EMPTY"]
    assert scene.one("SELECT value IS NULL AND key IS NULL FROM ledger.dead_letter")
