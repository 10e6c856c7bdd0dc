"""Every measurement, in the order of a round: what is compared stands side by side."""

from typing import Final

from benchmarks.bench import Measure
from benchmarks.direct_rows import all_types_mixed, naive, post_batch, raw_copy
from benchmarks.kafka_rows import long_run, one_worker, two_workers
from benchmarks.lookup_rows import lookups
from benchmarks.olist import olist
from benchmarks.pipeline import pipeline
from benchmarks.rows import ALL_TYPES, STAGES
from benchmarks.store_rows import read_store
from benchmarks.two_times_rows import two_times
from benchmarks.webhook_rows import webhooks

ONE_WORKER: Final = (
    "kafka_to_posted_1_worker", "replay_known", "memory_mb", "disk_bytes_per_voucher", "cpu_worker_us",
    "cpu_postgres_us",
)  # fmt: skip
READ_STORE: Final = (
    "rebuild", "rebuild_daily_balances", "rebuild_payments", "rebuild_parts", "rebuild_beneficiaries",
    "rebuild_trial_balance", "verify",
)  # fmt: skip
LOOKUPS: Final = ("balance_p99_ms", "balance_at_p99_ms", "statement_p99_ms", "statement_entries")


def of_shape(shape: str) -> Measure:
    """Two workers over a topic of this shape."""
    row = f"kafka_to_posted_{shape}"
    return Measure((row,), two_workers(row, shape))


MEASURES: Final[tuple[Measure, ...]] = (
    Measure(ONE_WORKER, one_worker),
    Measure(("raw_copy_1",), raw_copy(1)),
    Measure(("kafka_to_posted_2_workers",), two_workers("kafka_to_posted_2_workers", "uniform")),
    Measure(("raw_copy_2",), raw_copy(2)),
    of_shape("hot"),
    of_shape("3_lines"),
    of_shape("mixed"),
    of_shape("8_books"),
    of_shape("1000_books"),
    Measure(("post_batch", "guards_cost", *(f"stage_{name}" for name in STAGES)), post_batch),
    Measure((ALL_TYPES,), all_types_mixed),
    Measure(("naive",), naive),
    Measure(("pipeline", "pipeline_p99_ms"), pipeline),
    Measure(("webhook_to_posted_p99_ms",), webhooks),
    Measure(READ_STORE, read_store, once=True),
    Measure(LOOKUPS, lookups, once=True),
    Measure(("balance_two_times_p99_ms",), two_times, once=True),
    Measure(("olist",), olist, once=True),
    Measure(("sustained",), long_run, once=True, optional="long"),
)
