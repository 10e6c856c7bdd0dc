"""The benchmark's rows: each that is promised is there once, and is taken by one measurement."""

import json
from collections import Counter
from pathlib import Path

from benchmarks.registry import MEASURES
from benchmarks.rows import NAMES, ROWS, STAGES

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"

PROMISED = {
    "kafka_to_posted_1_worker", "kafka_to_posted_2_workers", "kafka_to_posted_hot", "kafka_to_posted_3_lines",
    "kafka_to_posted_8_books", "kafka_to_posted_1000_books", "post_batch", "raw_copy_1", "raw_copy_2", "naive",
    "pipeline", "pipeline_p99_ms", "replay_known", "rebuild", "verify", "balance_p99_ms", "statement_p99_ms",
    "memory_mb", "disk_bytes_per_voucher", "guards_cost",
}  # fmt: skip


def test_every_row_that_is_promised_is_there_and_each_is_there_once() -> None:
    assert {*NAMES} >= PROMISED
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []


def test_every_row_is_taken_by_one_measurement() -> None:
    assert Counter(name for measure in MEASURES for name in measure.rows) == Counter(NAMES)


def test_what_a_row_is_held_against_is_a_row() -> None:
    assert [row.name for row in ROWS if row.against and row.against not in NAMES] == []


def test_the_way_of_an_event_is_told_from_fetch_to_commit() -> None:
    wanted = {"fetch", "decode", "rule", "prepare", "decide", "encode", "entries", "events", "commit"}
    assert STAGES.keys() >= wanted


def test_what_was_measured_last_is_told_in_the_rows_of_the_benchmark() -> None:
    measured = json.loads((RESULTS / "latest.json").read_text("utf-8"))
    of_the_machine = [one for one in measured if one["name"].startswith("machine_")]
    rows = {one["name"]: one for one in measured if one not in of_the_machine}
    assert {one["unit"] for one in of_the_machine} == {"text"}
    assert rows.keys() <= {*NAMES}
    assert rows.keys() >= PROMISED | {f"stage_{name}" for name in STAGES}
    for name, one in rows.items():
        assert {"name", "value", "unit"} <= one.keys(), name
        assert ("against" in one) is ("ratio" in one), name
