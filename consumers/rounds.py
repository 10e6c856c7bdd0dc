"""Rounds of a process that sends: each sends what there is; an outage is waited out, twice as long each time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import psycopg

from consumers.transport.ports import SendFailed, Sink, TransportUnavailable

RETRY_MIN_SECONDS: Final = 0.1
RETRY_MAX_SECONDS: Final = 5.0
RETRIED: Final = (SendFailed, TransportUnavailable, psycopg.OperationalError)


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait after a round that found nothing: twice as long each time, within these."""

    shortest_seconds: float
    longest_seconds: float


@dataclass(frozen=True, slots=True)
class Rounds:
    """What a process that sends does: `once` sends what there is over an open sink and says how much, `recover` lets go
    of what an outage may have broken, `close` of everything but the sink. `tell` hears of each outage, and for how
    long it is waited out."""

    once: Callable[[], Awaitable[int]]
    recover: Callable[[Exception], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    tell: Callable[[Exception, float], None]
    pauses: Pauses

    async def run(self, sink: Sink, stop: asyncio.Event) -> None:
        """Round after round until `stop`; starts the sink, and stops it at the end. What is no outage comes out."""
        idle, retry, started = self.pauses.shortest_seconds, RETRY_MIN_SECONDS, False
        try:
            while not stop.is_set():
                try:
                    if not started:
                        await sink.start()
                        started = True
                    sent = await self.once()
                except RETRIED as error:
                    self.tell(error, retry)
                    await self.recover(error)
                    await _wait(stop, retry)
                    retry = min(2 * retry, RETRY_MAX_SECONDS)
                    continue
                retry = RETRY_MIN_SECONDS
                idle = self.pauses.shortest_seconds if sent else min(2 * idle, self.pauses.longest_seconds)
                if not sent:
                    await _wait(stop, idle)
        finally:
            await self.close()
            await sink.stop()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
