"""A child that only fetches a topic: what reading Kafka costs by itself."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.children import read_task, say, wait_for_word
from benchmarks.stack import PARTITIONS
from consumers.process import tune_collector
from consumers.transport.kafka import KafkaSource
from consumers.transport.ports import Partition, Source


@dataclass(frozen=True, slots=True)
class Task:
    """What to read."""

    bootstrap: str
    topic: str
    expected: int
    batch: int


class FromBeginning:
    """An assignment of everything, from the first record on."""

    async def assigned(self, source: Source, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        return await source.beginnings(partitions)

    async def revoked(self, partitions: Sequence[Partition]) -> None:
        """Partitions are given, not shared: none is taken away."""


async def fetch(task: Task) -> float:
    """Seconds for all of it."""
    partitions = [Partition(task.topic, number) for number in range(PARTITIONS)]
    source = KafkaSource(task.bootstrap, [task.topic], None, partitions=partitions)
    tune_collector()
    await asyncio.to_thread(wait_for_word)
    began_s, fetched = time.monotonic(), 0
    await source.start(FromBeginning())
    while fetched < task.expected:
        slices = await source.fetch(max_records=task.batch, timeout_ms=1_000)
        fetched += sum(len(part.records) for part in slices.values())
    seconds = time.monotonic() - began_s
    await source.stop()
    return seconds


if __name__ == "__main__":
    say({"seconds": asyncio.run(fetch(Task(**read_task())))})
