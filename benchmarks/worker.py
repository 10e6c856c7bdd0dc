"""One payments consumer as a process of its own, for measurements: it waits for the word, consumes, and reports.

Protocol on standard input and output, a JSON object a line: arguments in, `{"ready": true}` out, any line in
to begin, the report out.
"""

import asyncio
import json
import resource
import sys
import time
from dataclasses import asdict, dataclass

from consumers.bootstrap import read_assets
from consumers.decode import Decoder
from consumers.payments import PaymentsConsumer, PaymentsSettings
from consumers.process import tune_collector
from consumers.transport.kafka import KafkaSource
from consumers.transport.ports import Partition
from ledger_core.store.poster import Poster


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker is to consume: `expected` records of these partitions."""

    dsn: str
    bootstrap: str
    topic: str
    partitions: list[int]
    expected: int
    batch_max_events: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker did. Seconds by `time.monotonic`, which all processes of a machine share; memory is the peak."""

    began_s: float
    ended_s: float
    counts: dict[str, int]
    steps_s: dict[str, float]
    cpu_s: float
    memory_mb: float


async def consume(task: Task) -> Report:
    """Consumes until as many records have an outcome as were expected."""
    poster = Poster(task.dsn, decode=(decoder := Decoder(read_assets(task.dsn))).decode)
    poster.open()
    source = KafkaSource(
        task.bootstrap, [task.topic], None, partitions=[Partition(task.topic, number) for number in task.partitions]
    )
    consumer = PaymentsConsumer(source, poster, decoder, PaymentsSettings(batch_max_events=task.batch_max_events))
    stop = asyncio.Event()
    tune_collector()
    say({"ready": True})
    await asyncio.to_thread(sys.stdin.readline)
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    running = asyncio.create_task(consumer.run(stop))
    while sum(consumer.counts.values()) < task.expected and not running.done():
        await asyncio.sleep(0.005)
    ended_s, cpu_s = time.monotonic(), time.process_time() - cpu_began_s
    stop.set()
    await running
    poster.close()
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = {outcome.value: count for outcome, count in consumer.counts.items()}
    return Report(began_s, ended_s, counts, dict(poster.timings), cpu_s, memory_mb)


def say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def main() -> None:
    task = Task(**json.loads(sys.stdin.readline()))
    say(asdict(asyncio.run(consume(task))))


if __name__ == "__main__":
    main()
