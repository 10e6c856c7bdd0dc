"""Rows that read a store of a million vouchers: rebuild of each projection, and verify."""

import time
from statistics import median
from typing import Final, LiteralString

import psycopg

from benchmarks.bench import Bench, Sample
from benchmarks.children import run_together
from benchmarks.direct import Task
from benchmarks.workload import Workload
from consumers.process import tune_collector
from ledger_core.store.connection import Role, connect
from ledger_core.store.verify import verify
from projections.checkpoints import lock_checkpoints
from projections.rebuild import rebuild
from projections.registry import PROJECTIONS

ROUNDS: Final = 3
WRITERS: Final = 2

MARK_APPLIED: Final[LiteralString] = """
    UPDATE projections.checkpoint SET position = book.position, block_number = book.block_number,
        block_hash = book.block_hash
    FROM ledger.book WHERE book.book_id = checkpoint.book_id
"""
BOOK: Final[LiteralString] = """
    SELECT book_id, position, (SELECT count(*) FROM ledger.entry WHERE entry.book_id = book.book_id)
    FROM ledger.book WHERE code = %s
"""


def read_store(bench: Bench) -> Sample:
    """Posts the vouchers by two writers at once, without Kafka; then reads them all, again and again."""
    workload = bench.workload("uniform")
    with bench.stack.database(workload) as dsn:
        fill(bench, dsn)
        sample = rebuilds(dsn, workload.book_codes()[0])
        reports = [verify(dsn) for _ in range(ROUNDS)]
    if not all(report.ok for report in reports):
        raise RuntimeError(f"verify found: {next(check for check in reports[0].checks if not check.ok)}")
    return {**sample, "verify": median(report.events / report.seconds for report in reports)}


def fill(bench: Bench, dsn: str) -> None:
    """Every writer has a topic of its own, so that neither waits for the other's source rows."""
    share = Workload("uniform", bench.sizes.store_events // WRITERS)
    topics = [f"store.{number}" for number in range(WRITERS)]
    tasks = [Task(dsn, share, bench.batch, topic, seed=number + 2) for number, topic in enumerate(topics)]
    run_together("benchmarks.direct", tasks)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def rebuilds(dsn: str, book: str) -> dict[str, float]:
    """Rates by projection. The first build of each makes what the measured ones are compared with."""
    with connect(dsn, Role.PROJECTOR) as connection:
        book_id, events, entries = connection.execute(BOOK, (book,)).fetchall()[0]
        lock_checkpoints(connection, [book_id], PROJECTIONS)
        connection.execute(MARK_APPLIED)
    tune_collector()  # as the command does
    rates: dict[str, float] = {}
    folded = []
    for projection in PROJECTIONS:
        rebuild(lambda: connect(dsn, Role.PROJECTOR), book_id, projection)
        seconds = []
        for _ in range(ROUNDS):
            began_s = time.monotonic()
            rebuilt = rebuild(lambda: connect(dsn, Role.PROJECTOR), book_id, projection)
            seconds.append(time.monotonic() - began_s)
            if not rebuilt.same:
                raise RuntimeError(f"two builds of {projection.name} differ")
        rows = events if projection.sql.build is None else entries
        rates[f"rebuild_{projection.name}"] = rows / median(seconds)
        folded.append(events / median(seconds))
    return {"rebuild": min(folded), **rates}
