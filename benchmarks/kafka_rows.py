"""Rows that consume a real topic: rates by shape and number of workers, replay, memory, disk."""

from collections.abc import Callable
from typing import Final, LiteralString

import psycopg

from benchmarks.bench import Bench, Sample, prove
from benchmarks.posting import consume, cpu_us, rate, sustained
from benchmarks.workload import Workload

DISK: Final[LiteralString] = """
    SELECT sum(pg_total_relation_size(pg_class.oid))::bigint
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'ledger' AND relkind = 'r'
"""
WINDOW: Final = 200_000


def one_worker(bench: Bench) -> Sample:
    """One worker over the topic, then the same worker over all of it again."""
    workload = bench.workload("uniform")
    with bench.stack.database(workload) as dsn:
        empty_bytes = disk_bytes(dsn)
        reports = consume(bench.stack, dsn, workload, 1, bench.batch)
        used_bytes = disk_bytes(dsn) - empty_bytes
        again = consume(bench.stack, dsn, workload, 1, bench.batch, replay_cursor="again")
        prove(bench, "one worker", dsn)
    worker_us, backend_us = cpu_us(reports)
    return {
        "kafka_to_posted_1_worker": rate(reports),
        "replay_known": rate(again),
        "memory_mb": max(report.memory_mb for report in (*reports, *again)),
        "disk_bytes_per_voucher": used_bytes / workload.events,
        "cpu_worker_us": worker_us,
        "cpu_postgres_us": backend_us,
    }


def two_workers(row: str, shape: str) -> Callable[[Bench], Sample]:
    """Two workers over a topic of this shape."""

    def take(bench: Bench) -> Sample:
        workload = bench.workload(shape)
        with bench.stack.database(workload) as dsn:
            reports = consume(bench.stack, dsn, workload, 2, bench.batch)
            prove(bench, row, dsn)
        return {row: rate(reports)}

    return take


def long_run(bench: Bench) -> Sample:
    """Some millions of events: does the rate hold as tables and indexes grow?"""
    workload = Workload("sustained", bench.sizes.sustained_events)
    with bench.stack.database(workload) as dsn:
        reports = consume(bench.stack, dsn, workload, 2, bench.batch)
        prove(bench, "sustained", dsn)
    bench.notes["sustained"] = f"{workload.events:,} events, {rate(reports):,.0f} a second over all of them"
    return {"sustained": sustained(reports, min(WINDOW, workload.events // 5))}


def disk_bytes(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        return int(connection.execute(DISK).fetchall()[0][0])
