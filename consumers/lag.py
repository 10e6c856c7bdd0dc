"""Tells how far a topic is behind, beside the consumer and without being in its way."""

import asyncio
from contextlib import suppress
from typing import Final, Protocol

import psycopg
import structlog

from consumers.threads import in_thread
from consumers.transport.ports import Partition, Source, TransportError
from ledger_core.store.positions import SourcePositions

INTERVAL_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)


class LagMetrics(Protocol):
    """What is told."""

    def lag(self, partition: Partition, messages: int) -> None:
        """This many records of the partition are not consumed yet, by whichever worker."""
        ...


async def report_lag(
    source: Source,
    positions: SourcePositions,
    metrics: LagMetrics,
    stop: asyncio.Event,
    *,
    interval_seconds: float = INTERVAL_SECONDS,
) -> None:
    """Measures every partition of the topic at an interval until `stop`; what cannot be asked now is asked later."""
    while not stop.is_set():
        try:
            await _measure(source, positions, metrics)
        except (TransportError, psycopg.Error) as error:
            log.info("lag.unknown", error=type(error).__name__)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), interval_seconds)


async def _measure(source: Source, positions: SourcePositions, metrics: LagMetrics) -> None:
    partitions = await source.partitions()
    ends, beginnings = await source.ends(partitions), await source.beginnings(partitions)
    stored = await in_thread(positions.stored, sorted({partition.topic for partition in partitions}))
    for partition in partitions:
        consumed = stored.get((partition.topic, partition.partition), beginnings[partition])
        metrics.lag(partition, max(0, ends[partition] - consumed))
