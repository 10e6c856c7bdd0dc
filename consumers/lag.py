"""Tells how far a topic is behind, beside the consumer and without being in its way."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

import psycopg
import structlog

from consumers.threads import in_thread
from consumers.transport.ports import Partition, Source, TransportError
from ledger_core.store.positions import SourcePositions

INTERVAL_SECONDS: Final = 5.0
LOOKS_KEPT: Final = 1_000
"""Of a partition that nobody consumes."""

log = structlog.get_logger(__name__)


class LagMetrics(Protocol):
    """What is told."""

    def lag(self, partition: Partition, messages: int) -> None:
        """This many records of the partition are not consumed yet, by whichever worker."""
        ...

    def lag_seconds(self, seconds: float) -> None:
        """So long has waited what has waited longest, over all partitions."""
        ...


class Waiting:
    """How long the oldest record that is not consumed has waited, as far as looks at the ends of the topic tell.

    By when we first saw it there: timestamps of records are whatever their producers wrote.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Partition, deque[tuple[int, float]]] = defaultdict(deque)

    def look(self, partition: Partition, consumed: int, end: int) -> float:
        """Seconds; 0 when everything is consumed."""
        now, seen = self._clock(), self._seen[partition]
        while seen and seen[0][0] <= consumed:
            seen.popleft()
        if end > max(consumed, seen[-1][0] if seen else 0):
            seen.append((end, now))
            if len(seen) > LOOKS_KEPT:  # the oldest stays
                del seen[1]
        return now - seen[0][1] if seen else 0.0


async def report_lag(
    source: Source,
    positions: SourcePositions,
    metrics: LagMetrics,
    stop: asyncio.Event,
    *,
    interval_seconds: float = INTERVAL_SECONDS,
) -> None:
    """Measures every partition of the topic at an interval until `stop`; what cannot be asked now is asked later."""
    waiting = Waiting()
    while not stop.is_set():
        try:
            await _measure(source, positions, metrics, waiting)
        except (TransportError, psycopg.Error) as error:
            log.info("lag.unknown", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval_seconds)


async def _measure(source: Source, positions: SourcePositions, metrics: LagMetrics, waiting: Waiting) -> None:
    partitions = await source.partitions()
    ends, beginnings = await source.ends(partitions), await source.beginnings(partitions)
    stored = await in_thread(positions.stored, sorted({partition.topic for partition in partitions}))
    longest = 0.0
    for partition in partitions:
        consumed = stored.get((partition.topic, partition.partition), beginnings[partition])
        metrics.lag(partition, max(0, ends[partition] - consumed))
        longest = max(longest, waiting.look(partition, consumed, ends[partition]))
    metrics.lag_seconds(longest)
