"""The faults that the simulator asks of the log in memory."""

import asyncio

import pytest

from consumers.transport.memory import MemoryLog, MemorySink
from consumers.transport.ports import Outgoing, Partition, PositionLost, SendFailed, TransportUnavailable

ONE = Partition("t", 0)


def written(log: MemoryLog) -> list[bytes | None]:
    return [record.value for record in log.read(ONE, 0, 1_000).records]


def send(log: MemoryLog, *values: bytes) -> None:
    async def run() -> None:
        await log.ensure_topics({"t": 1})
        await MemorySink(log).send([Outgoing("t", b"k", value) for value in values])

    asyncio.run(run())


def test_a_send_fails_after_as_many_messages_as_told_and_once_only() -> None:
    log = MemoryLog()
    log.faults.send_fails_after = 2
    with pytest.raises(SendFailed):
        send(log, b"1", b"2", b"3")
    assert written(log) == [b"1", b"2"]
    send(log, b"1", b"2", b"3")
    assert written(log) == [b"1", b"2", b"1", b"2", b"3"]


def test_a_lost_acknowledgement_has_written_everything() -> None:
    log = MemoryLog()
    log.faults.send_lost_acknowledgement = True
    with pytest.raises(SendFailed):
        send(log, b"1", b"2")
    assert written(log) == [b"1", b"2"]


def test_a_send_twice_stands_twice_in_the_log() -> None:
    log = MemoryLog()
    log.faults.send_twice = True
    send(log, b"1", b"2")
    assert written(log) == [b"1", b"2", b"1", b"2"]


def test_a_log_that_is_unavailable_says_so_until_it_is_back() -> None:
    log = MemoryLog()
    log.faults.unavailable = True
    with pytest.raises(TransportUnavailable):
        send(log, b"1")
    log.faults.unavailable = False
    send(log, b"1")
    assert written(log) == [b"1"]


def test_a_lost_tail_is_gone_and_its_offsets_are_issued_anew() -> None:
    log = MemoryLog()
    send(log, b"1", b"2", b"3")
    log.lose_tail(ONE, 1)
    with pytest.raises(PositionLost):
        log.read(ONE, 3, 10)
    send(log, b"other")
    assert written(log) == [b"1", b"other"]


def test_a_gap_uses_up_offsets() -> None:
    log = MemoryLog()
    send(log, b"1")
    log.leave_gap(ONE, 3)
    send(log, b"2")
    assert [record.offset for record in log.read(ONE, 0, 10).records] == [0, 4]
