"""Every row of the benchmark, in the order of the table: what it says, what it is held against, what it should be."""

from dataclasses import dataclass
from typing import Final

RATE: Final = "events/s"
US: Final = "us/event"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `against` names the row that it is divided by; `goal` is the architecture's, in words."""

    name: str
    unit: str
    says: str
    against: str = ""
    goal: str = ""


STAGES: Final = {
    "fetch": "records from Kafka, nothing else done",
    "decode": "envelope, validation, fingerprint",
    "rule": "the posting rule: the voucher's lines",
    "prepare": "the rest of what is done before BEGIN: duplicates, accounts, subjects",
    "encode": "event bytes, leaves and Merkle root, rows as columns",
    "fence": "source rows locked and compared",
    "inbox": "keys by COPY",
    "subjects": "order keys by COPY",
    "heads": "account heads locked and read",
    "decide": "sequences and running balances, over columns",
    "books": "book locked, positions given, block sealed",
    "blocks": "blocks by COPY",
    "heads_written": "account heads updated",
    "entries": "entries by COPY, with the database's guard over them",
    "events": "events by COPY",
    "sources": "source rows moved",
    "commit": "COMMIT, durable",
}
"""Steps of one event's way, in order; `prepare` and `encode` run while the batch before is being posted."""

ALL_TYPES: Final = "stage_all_types_mixed"

ROWS: Final[tuple[Row, ...]] = (
    Row("kafka_to_posted_1_worker", RATE, "one worker", "raw_copy_1", "≥ 0.40 of raw COPY, ≥ 30,000"),
    Row("kafka_to_posted_2_workers", RATE, "two workers", "raw_copy_2", "≥ 0.60 of raw COPY, ≥ 55,000"),
    Row("kafka_to_posted_hot", RATE, "two workers, one account in every voucher", "kafka_to_posted_2_workers", "≥ 1.0"),
    Row("kafka_to_posted_3_lines", RATE, "split captures, two workers", "kafka_to_posted_2_workers", "≥ 50,000"),
    Row("kafka_to_posted_mixed", RATE, "one in ten by hand, two workers", "kafka_to_posted_2_workers", "≥ 0.90"),
    Row("kafka_to_posted_8_books", RATE, "a book a partition, two workers", "kafka_to_posted_2_workers"),
    Row("kafka_to_posted_1000_books", RATE, "many small books, two workers", "kafka_to_posted_2_workers"),
    Row("post_batch", RATE, "the same batches without Kafka and decoding, one connection", "raw_copy_1"),
    Row("raw_copy_1", RATE, "binary COPY of the same rows, ready bytes, no triggers, one connection"),
    Row("raw_copy_2", RATE, "the same, two connections"),
    Row("naive", RATE, "a transaction a voucher, as most would write it", "kafka_to_posted_1_worker"),
    Row("pipeline", RATE, "Kafka in, posted, relayed, in every projection", "", "≥ 20,000"),
    Row("pipeline_p99_ms", "ms", "from produced to visible in every projection, at half of that rate", "", "< 1,000"),
    Row("webhook_to_posted_p99_ms", "ms", "from a webhook sent to its voucher posted, 50 a second", "", "< 5,000"),
    Row("replay_known", RATE, "one worker, all of it posted before", "kafka_to_posted_1_worker", "≥ 60,000"),
    Row("rebuild", RATE, "the slowest projection rebuilt from the store", "", "≥ 300,000"),
    Row("rebuild_daily_balances", "entries/s", "set-based SQL over entries", "", "≥ 1,000,000"),
    Row("rebuild_payments", RATE, "a fold of events"),
    Row("rebuild_parts", RATE, "a fold of events, none of which is a step here"),
    Row("rebuild_beneficiaries", RATE, "a fold of events"),
    Row("rebuild_trial_balance", "entries/s", "set-based SQL over entries"),
    Row("verify", RATE, "every check over the whole store", "", "≥ 500,000"),
    Row("balance_p99_ms", "ms", "balance now, of a random account", "", "< 5"),
    Row("balance_at_p99_ms", "ms", "balance at a position", "", "< 5"),
    Row("balance_two_times_p99_ms", "ms", "at a date and a position, 1 M entries, a fifth backdated", "", "< 10"),
    Row("statement_p99_ms", "ms", "statement page of 100 entries", "", "< 10"),
    Row("statement_entries", "entries", "in the store while these were asked", "", "10,000,000"),
    Row("memory_mb", "MB", "peak of one worker process", "", "< 250"),
    Row("disk_bytes_per_voucher", "bytes", "2 entries, all tables and indexes", "", "< 800"),
    Row("guards_cost", US, "what the database's own refusals cost"),
    Row("cpu_worker_us", US, "CPU of the worker process, one worker"),
    Row("cpu_postgres_us", US, "CPU of the PostgreSQL processes that serve it"),
    *(Row(f"stage_{name}", US, says) for name, says in STAGES.items()),
    Row(ALL_TYPES, US, "CPU of what precedes a lock, encoding too: every type in equal parts", "", "< 12"),
    Row("olist", "s", "the whole Olist marketplace through Kafka: first event read to last projection", "", "< 30"),
    Row("sustained", "ratio", "rate of the last 200,000 events of some millions over the first 200,000", "", "≥ 0.80"),
)  # fmt: skip

NAMES: Final = tuple(row.name for row in ROWS)
