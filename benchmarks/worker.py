"""One payments consumer as a child process: it waits for the word, consumes a share of a topic, and reports."""

import asyncio
import os
import resource
import time
from dataclasses import asdict, dataclass

from psycopg.conninfo import make_conninfo

from benchmarks.children import BackendClock, read_task, say, wait_for_word
from consumers.bootstrap import read_assets
from consumers.decode import Decoder
from consumers.payments import PaymentsConsumer, PaymentsSettings
from consumers.process import tune_collector, tune_threads
from consumers.replay import ReplaySource
from consumers.transport.kafka import KafkaSource
from consumers.transport.ports import Partition, Source
from ledger_core.store.poster import Poster

POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is to consume: `expected` records of these partitions; again, when a replay's cursor is named."""

    dsn: str
    bootstrap: str
    topic: str
    partitions: list[int]
    expected: int
    batch_max_events: int
    replay_cursor: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker did. Seconds by `time.monotonic`, which all processes of a machine share; memory is the peak.

    `consumed` are seconds and events at each look, for rates within the run.
    """

    began_s: float
    ended_s: float
    counts: dict[str, int]
    steps_s: dict[str, float]
    cpu_s: float
    backend_cpu_s: float
    memory_mb: float
    consumed: list[tuple[float, int]]

    @property
    def events(self) -> int:
        return sum(self.counts.values())


async def consume(task: Task) -> Report:
    """Consumes until as many records have an outcome as were expected."""
    name = f"bench-worker-{os.getpid()}"
    decoder = Decoder(read_assets(task.dsn))
    source: Source = KafkaSource(
        task.bootstrap, [task.topic], None, partitions=[Partition(task.topic, number) for number in task.partitions]
    )
    if task.replay_cursor:
        source = ReplaySource(source, task.replay_cursor)
    poster = Poster(make_conninfo(task.dsn, application_name=name), decode=decoder.decode)
    poster.open()
    consumer = PaymentsConsumer(source, poster, decoder, PaymentsSettings(batch_max_events=task.batch_max_events))
    stop = asyncio.Event()
    backends = BackendClock(task.dsn, name)
    backends.start()
    tune_collector()
    tune_threads()
    await asyncio.to_thread(wait_for_word)
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    running = asyncio.create_task(consumer.run(stop))
    consumed = [(began_s, 0)]
    while consumed[-1][1] < task.expected and not running.done():
        await asyncio.sleep(POLL_S)
        done = sum(consumer.counts.values())
        if done != consumed[-1][1]:
            consumed.append((time.monotonic(), done))
    ended_s, cpu_s = time.monotonic(), time.process_time() - cpu_began_s
    stop.set()
    await running
    backend_cpu_s = backends.elapsed_s()
    poster.close()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = {outcome.value: count for outcome, count in consumer.counts.items()}
    return Report(began_s, ended_s, counts, dict(poster.timings), cpu_s, backend_cpu_s, memory_mb, consumed)


if __name__ == "__main__":
    say(asdict(asyncio.run(consume(Task(**read_task())))))
