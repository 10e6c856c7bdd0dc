"""Kafka to posted: worker processes over one prefilled topic."""

from collections.abc import Sequence

from benchmarks.children import run_together
from benchmarks.stack import PARTITIONS, Stack
from benchmarks.worker import Report, Task
from benchmarks.workload import Workload


def consume(
    stack: Stack, dsn: str, workload: Workload, workers: int, batch: int, *, replay_cursor: str = ""
) -> list[Report]:
    """Lets `workers` processes share the topic; the reports of all, which begin at one moment."""
    topic = stack.topic(workload)
    tasks = []
    for number in range(workers):
        share = list(range(number, PARTITIONS, workers))
        expected = sum(topic.events[partition] for partition in share)
        tasks.append(Task(dsn, stack.bootstrap, topic.name, share, expected, batch, replay_cursor))
    reports = [Report(**report) for report in run_together("benchmarks.worker", tasks)]
    outcome = "REPLAYED" if replay_cursor else "POSTED"
    if sum(report.counts.get(outcome, 0) for report in reports) != workload.events:
        raise RuntimeError(f"{workload.name}: not every event was {outcome}: {[report.counts for report in reports]}")
    return reports


def rate(reports: Sequence[Report]) -> float:
    """Events a second, from the first worker's beginning to the last one's end."""
    seconds = max(report.ended_s for report in reports) - min(report.began_s for report in reports)
    return sum(report.events for report in reports) / seconds


def cpu_us(reports: Sequence[Report]) -> tuple[float, float]:
    """CPU microseconds per event: of the workers, and of the PostgreSQL processes that served them."""
    events = sum(report.events for report in reports)
    workers = sum(report.cpu_s for report in reports)
    backends = sum(report.backend_cpu_s for report in reports)
    return workers / events * 1e6, backends / events * 1e6


def sustained(reports: Sequence[Report], window: int) -> float:
    """Rate of the last `window` events over that of the first."""
    steps = sorted((at_s, number, done) for number, report in enumerate(reports) for at_s, done in report.consumed)
    each = [0] * len(reports)
    seen = []
    for at_s, number, done in steps:
        each[number] = done
        seen.append((at_s, sum(each)))
    total, began_s, ended_s = seen[-1][1], seen[0][0], seen[-1][0]
    first_s = next(at_s for at_s, done in seen if done >= window) - began_s
    last_s = ended_s - next(at_s for at_s, done in seen if done >= total - window)
    return first_s / last_s
