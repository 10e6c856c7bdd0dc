"""Kafka in, posted, relayed, in every projection: rate of the whole, and latency at half of it.

Payments consumer, relay and projector are the processes that production runs, on the same machine as both servers.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, LiteralString

import numpy as np
import psycopg

from api.cli.stack.watch import Progress, read_progress
from api.cli.stack.workers import Workers
from benchmarks.bench import Bench, Sample, prove
from benchmarks.children import ready_child
from benchmarks.producing import Task
from benchmarks.stack import PARTITIONS
from consumers.settings import LEDGER_TOPIC
from ledger_core.store.connection import Role, connect
from projections.registry import PROJECTIONS

POLL_S: Final = 0.002
PROGRESS_POLL_S: Final = 0.01
STALL_S: Final = 60.0

VISIBLE: Final[LiteralString] = """
    SELECT min(checkpoint.position) FROM projections.checkpoint JOIN ledger.book USING (book_id)
    WHERE state = 'ACTIVE' AND code = %s HAVING count(*) = %s
"""
CAUSES: Final[LiteralString] = """
    SELECT position, (cause ->> 1)::integer, (cause ->> 2)::bigint
    FROM (
        SELECT position, convert_from(state, 'UTF8')::jsonb -> 'cause' AS cause FROM ledger.event
        WHERE type = 'voucher.posted'
    ) AS vouchers
"""


def pipeline(bench: Bench) -> Sample:
    """Both figures, each over a database of its own."""
    per_second = pipeline_rate(bench)
    return {"pipeline": per_second, "pipeline_p99_ms": pipeline_p99_ms(bench, per_second / 2)}


def pipeline_rate(bench: Bench) -> float:
    """Events a second from the first one read until the last is in every projection."""
    workload = bench.workload("uniform")
    topic = bench.stack.topic(workload).name
    with bench.stack.database(workload) as dsn:
        settings = process_settings(bench, dsn, topic)
        with started(bench, settings, ("relay", "projector")) as others, connect(dsn, Role.PROJECTOR) as connection:
            connection.autocommit = True
            wait_until(connection, topic, others, lambda now: now.relayed == now.projected == now.logged)
            with started(bench, settings, ("payments",)) as payments:
                began_s = wait_until(connection, topic, payments, lambda now: now.partitions > 0)
                ended_s = wait_until(connection, topic, payments, lambda now: now.through(workload.events))
        prove(bench, "pipeline", dsn)
    return workload.events / (ended_s - began_s)


def pipeline_p99_ms(bench: Bench, events_per_second: float) -> float:
    """The 99th percentile from the moment an event was due to be produced to its being in every projection."""
    workload = bench.workload("uniform")
    topic = bench.stack.new_topic("payments.latency")
    task = Task(bench.stack.bootstrap, topic, int(bench.sizes.latency_seconds * events_per_second), events_per_second)
    with bench.stack.database(workload) as dsn:
        settings = process_settings(bench, dsn, topic)
        with (
            started(bench, settings, ("payments", "relay", "projector")) as workers,
            connect(dsn, Role.PROJECTOR) as connection,
            ready_child("benchmarks.producing", task) as producer,
        ):
            connection.autocommit = True
            wait_until(connection, topic, workers, lambda now: now.partitions > 0 and now.projected == now.logged)
            producer.say("go")
            seen = watch_positions(connection, workload.book_codes()[0], task.events, workers)
            began_s = float(producer.answer()["began_s"])
            latencies_s = latencies(connection, seen, began_s, events_per_second)
        prove(bench, "pipeline_p99_ms", dsn)
    return float(np.percentile(latencies_s, 99)) * 1e3


def watch_positions(
    connection: psycopg.Connection, book: str, events: int, workers: Workers
) -> list[tuple[float, int]]:
    """When each position was first seen in every projection, until `events` more than at first are."""
    first = visible(connection, book)
    seen = [(time.monotonic(), first)]
    while seen[-1][1] < first + events:
        position = visible(connection, book)
        now_s = time.monotonic()
        if position > seen[-1][1]:
            seen.append((now_s, position))
        if now_s - seen[-1][0] > STALL_S:
            raise RuntimeError(f"nothing has become visible for {STALL_S:.0f} s, at position {position}")
        workers.check()
        time.sleep(POLL_S)
    return seen


def visible(connection: psycopg.Connection, book: str) -> int:
    row = connection.execute(VISIBLE, (book, len(PROJECTIONS))).fetchone()
    return int(row[0]) if row else 0


def latencies(
    connection: psycopg.Connection, seen: list[tuple[float, int]], began_s: float, events_per_second: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Per event: event n of the producer stands at offset n // 8 of partition n % 8, and was due at n / rate."""
    causes = np.array(connection.execute(CAUSES).fetchall(), dtype=np.int64)
    positions, partitions, offsets = causes.T
    due_s = began_s + (offsets * PARTITIONS + partitions) / events_per_second
    seen_s, reached = np.array(seen, dtype=np.float64).T
    latency_s: np.ndarray[tuple[int], np.dtype[np.float64]] = seen_s[np.searchsorted(reached, positions)] - due_s
    return latency_s


def process_settings(bench: Bench, dsn: str, topic: str) -> dict[str, str]:
    """Settings of the processes, with topics and groups of their own."""
    ledger_topic = bench.stack.new_topic(LEDGER_TOPIC)
    return {
        "LEDGER_POSTGRES_DSN": dsn,
        "LEDGER_ALLOW_OWNER_LOGIN": "true",
        "LEDGER_BROKER": "kafka",
        "LEDGER_KAFKA_BOOTSTRAP": bench.stack.bootstrap,
        "LEDGER_PAYMENTS_TOPIC": topic,
        "LEDGER_LEDGER_TOPIC": ledger_topic,
        "LEDGER_PAYMENTS_GROUP": f"payments-{ledger_topic}",
        "LEDGER_PROJECTOR_GROUP": f"projector-{ledger_topic}",
        "LEDGER_BATCH_MAX_EVENTS": str(bench.batch),
        "LEDGER_LOG_LEVEL": "warning",
    }


@contextmanager
def started(bench: Bench, settings: dict[str, str], names: tuple[str, ...]) -> Iterator[Workers]:
    with Workers(names, settings, bench.folder / "logs") as workers:
        yield workers


def wait_until(
    connection: psycopg.Connection, topic: str, workers: Workers, holds: Callable[[Progress], bool]
) -> float:
    """The moment at which it was first seen to hold. Raises RuntimeError when nothing moves any more."""
    last, moved_s = None, time.monotonic()
    while True:
        progress, now_s = read_progress(connection, topic), time.monotonic()
        if holds(progress):
            return now_s
        if progress != last:
            last, moved_s = progress, now_s
        if progress.stopped or now_s - moved_s > STALL_S:
            raise RuntimeError(f"the pipeline does not go on: {progress}")
        workers.check()
        time.sleep(PROGRESS_POLL_S)
