"""A child that produces events at a steady rate, whatever becomes of them: event n is due at n / rate seconds."""

import asyncio
import time
from dataclasses import dataclass

from benchmarks.children import read_task, say, wait_for_word
from benchmarks.stack import PARTITIONS
from benchmarks.workload import Workload, messages
from consumers.process import tune_collector
from consumers.transport.kafka import KafkaSink

TICK_S = 0.005


@dataclass(frozen=True, slots=True)
class Task:
    """How much to produce, and how fast."""

    bootstrap: str
    topic: str
    events: int
    events_per_second: float


async def produce(task: Task) -> float:
    """The moment at which it began, by `time.monotonic`; lateness of its own counts as latency of the pipeline."""
    ready = list(messages(Workload("latency", task.events), PARTITIONS, topic=task.topic))
    sink = KafkaSink(task.bootstrap)
    await sink.start()
    tune_collector()
    await asyncio.to_thread(wait_for_word)
    began_s, sent = time.monotonic(), 0
    while sent < task.events:
        due = min(task.events, int((time.monotonic() - began_s) * task.events_per_second))
        if due > sent:
            await sink.send(ready[sent:due])
            sent = due
        await asyncio.sleep(TICK_S)
    await sink.stop()
    return began_s


if __name__ == "__main__":
    say({"began_s": asyncio.run(produce(Task(**read_task())))})
