"""Rounds of a process: each does what there is to do; an outage is waited out, twice as long each time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from consumers.transport.ports import SendFailed, Sink, TransportUnavailable
from ledger_core.store.connection import PASSING

RETRY_MIN_SECONDS: Final = 0.1
RETRY_MAX_SECONDS: Final = 5.0
RETRIED: Final = (SendFailed, TransportUnavailable, *PASSING)


class Pauses(Protocol):
    """How long to wait after a round."""

    def after(self, done: int, took_seconds: float, last_seconds: float) -> float:
        """`last_seconds` is the wait before the round, which found so much to do and took so long."""
        ...


@dataclass(frozen=True, slots=True)
class WhenIdle:
    """No wait after a round that found something; else twice as long each time, within these."""

    shortest_seconds: float
    longest_seconds: float

    def after(self, done: int, took_seconds: float, last_seconds: float) -> float:  # noqa: ARG002 - any round's
        return 0.0 if done else min(2 * max(last_seconds, self.shortest_seconds), self.longest_seconds)


@dataclass(frozen=True, slots=True)
class InProportion:
    """As long as the round took, times `rest`; no shorter than these seconds."""

    shortest_seconds: float
    rest: float

    def after(self, done: int, took_seconds: float, last_seconds: float) -> float:  # noqa: ARG002 - any round's
        return max(self.shortest_seconds, self.rest * took_seconds)


@dataclass(frozen=True, slots=True)
class Rounds:
    """What a process does: `once` does what there is and says how much, `recover` lets go of what an outage may have
    broken, `close` of everything but the sink. `tell` hears of each outage, and for how long it is waited out."""

    once: Callable[[], Awaitable[int]]
    recover: Callable[[Exception], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    tell: Callable[[Exception, float], None]
    pauses: Pauses

    async def run(self, stop: asyncio.Event, sink: Sink | None = None) -> None:
        """Round after round until `stop`. What is no outage comes out.

        A process that sends gives its sink, which is started for the rounds and stopped at the end.
        """
        clock = asyncio.get_running_loop().time
        pause, retry, started = 0.0, RETRY_MIN_SECONDS, sink is None
        try:
            while not stop.is_set():
                try:
                    if sink is not None and not started:
                        await sink.start()
                        started = True
                    began = clock()
                    done = await self.once()
                except RETRIED as error:
                    self.tell(error, retry)
                    await self.recover(error)
                    await _wait(stop, retry)
                    retry = min(2 * retry, RETRY_MAX_SECONDS)
                    continue
                retry = RETRY_MIN_SECONDS
                pause = self.pauses.after(done, clock() - began, pause)
                if pause:
                    await _wait(stop, pause)
        finally:
            await self.close()
            if sink is not None:
                await sink.stop()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
