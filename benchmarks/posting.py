"""Kafka to posted: worker processes over one prefilled topic."""

import json
import subprocess
import sys
from dataclasses import asdict

from benchmarks.stack import PARTITIONS, Stack
from benchmarks.worker import Report, Task
from benchmarks.workload import Workload

BATCH = 4_000


def consume(stack: Stack, dsn: str, workload: Workload, workers: int, batch: int = BATCH) -> list[Report]:
    """Lets `workers` processes share the topic; the reports of all, which begin at one moment."""
    topic = stack.topic(workload)
    shares = [list(range(number, PARTITIONS, workers)) for number in range(workers)]
    running = []
    for share in shares:
        expected = sum(events_in(workload, partition) for partition in share)
        task = Task(dsn, stack.bootstrap, topic, share, expected, batch)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(task)) + "\n")
        process.stdin.flush()
        running.append(process)
    for process in running:
        answer(process)
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    reports = [Report(**answer(process)) for process in running]
    for process in running:
        process.communicate()
    return reports


def answer(process: "subprocess.Popen[str]") -> dict[str, object]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker ended with {process.wait()}")
    return dict(json.loads(line))


def events_in(workload: Workload, partition: int) -> int:
    """How many of a one-book workload's events stand in a partition: they are dealt out in turn."""
    return (workload.events - partition + PARTITIONS - 1) // PARTITIONS


def rate(reports: list[Report]) -> float:
    """Events posted a second, from the first worker's beginning to the last one's end."""
    posted = sum(report.counts.get("POSTED", 0) for report in reports)
    return posted / (max(report.ended_s for report in reports) - min(report.began_s for report in reports))
