"""Rows without a consumer: the posting alone, raw COPY, the naive ledger, the guards, the stages."""

from collections.abc import Callable

from benchmarks import all_types, fetching
from benchmarks.bench import Bench, Sample, prove
from benchmarks.children import run_together
from benchmarks.direct import Report, Task
from benchmarks.naive import naive_rate
from benchmarks.raw_copy import Exported, copy_rate, disable_triggers, export
from benchmarks.rows import ALL_TYPES, STAGES
from benchmarks.stack import PARTITIONS
from benchmarks.workload import Workload, records

GUARDED_STEPS = ("heads_written", "entries")
"""Where the database's refusals are checked: a difference of whole runs would drown in their noise."""


def post_directly(bench: Bench, dsn: str, *, stages: bool = False) -> Report:
    workload = bench.workload("uniform")
    task = Task(dsn, workload, bench.batch, bench.stack.topic(workload).name, stages=stages)
    return Report(**run_together("benchmarks.direct", [task])[0])


def post_batch(bench: Bench) -> Sample:
    """The same batches with and without the database's guards, and the time of each step."""
    workload = bench.workload("uniform")
    with bench.stack.database(workload) as dsn:
        guarded = post_directly(bench, dsn, stages=True)
        prove(bench, "post_batch", dsn)
    with bench.stack.database(workload) as dsn:
        disable_triggers(dsn)
        unguarded = post_directly(bench, dsn)
    us = {name: seconds / guarded.events * 1e6 for name, seconds in guarded.steps_s.items()}
    us["fetch"] = fetch_us(bench, workload)
    guards_us = sum(us[step] - unguarded.steps_s[step] / unguarded.events * 1e6 for step in GUARDED_STEPS)
    return {
        "post_batch": guarded.events / (guarded.ended_s - guarded.began_s),
        "guards_cost": guards_us,
        **{f"stage_{name}": us[name] for name in STAGES if name in us},
    }


def fetch_us(bench: Bench, workload: Workload) -> float:
    """Microseconds per event of reading the topic alone."""
    task = fetching.Task(bench.stack.bootstrap, bench.stack.topic(workload).name, workload.events, bench.batch)
    return float(run_together("benchmarks.fetching", [task])[0]["seconds"]) / workload.events * 1e6


def all_types_mixed(bench: Bench) -> Sample:
    """What is done before a lock is taken, over the examples of all types in equal parts."""
    with bench.stack.database(bench.workload("uniform")) as dsn:
        task = all_types.Task(dsn, bench.workload("uniform").events, bench.batch)
        found = run_together("benchmarks.all_types", [task])[0]
    slowest = ", ".join(f"{name} {us:.0f}" for name, us in found["slowest"].items())
    bench.notes[ALL_TYPES] = f"{found['decode_us']:.1f} of it reading; longest to read: {slowest}"
    return {ALL_TYPES: found["decode_us"] + found["prepare_us"]}


def raw_copy(connections: int) -> Callable[[Bench], Sample]:
    """Ready bytes of the rows that a posting run wrote, through this many connections."""

    def take(bench: Bench) -> Sample:
        exported = exported_rows(bench)
        with bench.stack.database(bench.workload("uniform")) as dsn:
            return {f"raw_copy_{connections}": copy_rate(dsn, exported, connections)}

    return take


def exported_rows(bench: Bench) -> Exported:
    """The rows, exported once."""
    if bench.exported is None:
        with bench.stack.database(bench.workload("uniform")) as dsn:
            post_directly(bench, dsn)
            bench.exported = export(dsn, bench.folder / "rows")
    return bench.exported


def naive(bench: Bench) -> Sample:
    """A transaction a voucher."""
    workload = bench.workload("uniform")
    payments = records(Workload("naive", bench.sizes.naive_events), PARTITIONS)
    with bench.stack.database(workload) as dsn:
        return {"naive": naive_rate(dsn, workload.account_codes(), payments)}
