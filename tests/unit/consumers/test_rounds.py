"""Rounds of a process: how long it waits after each, and that an outage is waited out."""

import asyncio

import psycopg
import pytest

from consumers.rounds import InProportion, Rounds, WhenIdle
from consumers.transport.ports import TransportUnavailable


@pytest.mark.parametrize(
    ("done", "last_seconds", "expected"),
    [(1, 0.0, 0.0), (7, 0.05, 0.0), (0, 0.0, 0.02), (0, 0.02, 0.04), (0, 0.04, 0.05), (0, 0.05, 0.05)],
)
def test_idle_rounds_are_twice_as_far_apart_each_time_within_limits(
    done: int, last_seconds: float, expected: float
) -> None:
    assert WhenIdle(0.01, 0.05).after(done, 9.0, last_seconds) == expected


@pytest.mark.parametrize(("took_seconds", "expected"), [(0.0, 3.0), (0.2, 3.0), (2.0, 20.0)])
def test_a_long_round_is_followed_by_a_long_rest(took_seconds: float, expected: float) -> None:
    assert InProportion(3.0, 10.0).after(5, took_seconds, 1.0) == expected


@pytest.mark.parametrize(
    "outage",
    [
        TransportUnavailable("away"),
        psycopg.OperationalError("away"),
        psycopg.errors.ReadOnlySqlTransaction("away"),
        psycopg.errors.IdleInTransactionSessionTimeout("away"),
        psycopg.errors.TransactionTimeout("away"),
    ],
    ids=lambda outage: type(outage).__name__,
)
def test_an_outage_is_told_recovered_from_and_waited_out_and_other_errors_come_out(outage: Exception) -> None:
    did: list[str] = []

    async def once() -> int:
        did.append("once")
        if did.count("once") == 1:
            raise outage
        raise LookupError

    async def recover(error: Exception) -> None:
        did.append(f"recover from {error}")

    async def close() -> None:
        did.append("close")

    def tell(error: Exception, _wait_seconds: float) -> None:
        did.append(f"tell {error}")

    with pytest.raises(LookupError):
        asyncio.run(Rounds(once, recover, close, tell, WhenIdle(0.001, 0.001)).run(asyncio.Event()))
    assert did == ["once", "tell away", "recover from away", "once", "close"]


def test_no_round_begins_after_the_end() -> None:
    stop = asyncio.Event()
    did: list[str] = []

    async def once() -> int:
        did.append("once")
        stop.set()
        return 1

    async def nothing(*_: object) -> None: ...

    def tell(error: Exception, _wait_seconds: float) -> None: ...

    asyncio.run(Rounds(once, nothing, nothing, tell, WhenIdle(0.001, 0.001)).run(stop))
    assert did == ["once"]
