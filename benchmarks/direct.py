"""Batches posted without Kafka, as a child process: what the posting itself costs, step by step.

Events are made and decoded before the word; then batch after batch is prepared and posted, one after the other.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from psycopg.conninfo import make_conninfo

from benchmarks.children import BackendClock, read_task, say, wait_for_word
from benchmarks.stack import PARTITIONS
from benchmarks.workload import Workload, records
from consumers.bootstrap import read_assets
from consumers.decode import Decoder
from consumers.process import tune_collector
from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.incoming import Incoming
from ledger_core.domain.requests import BY_HAND
from ledger_core.rules.catalogue import propose
from ledger_core.store.batch import SourceAdvance
from ledger_core.store.encoding import voucher_state
from ledger_core.store.items import Prepared
from ledger_core.store.positions import record_hash
from ledger_core.store.poster import Poster
from ledger_core.store.rows import inbox_rows, lay_out, subject_rows
from schemas.charts import load_chart


@dataclass(frozen=True, slots=True)
class Task:
    """What to post. With `stages` the steps in Python are timed apart, after the run."""

    dsn: str
    workload: Workload
    batch: int
    topic: str
    seed: int = 1
    stages: bool = False


@dataclass(slots=True)
class Report:
    """Seconds by step: the database's own, and of those in Python what was asked for."""

    began_s: float = 0.0
    ended_s: float = 0.0
    events: int = 0
    steps_s: dict[str, float] = field(default_factory=dict)
    cpu_s: float = 0.0
    backend_cpu_s: float = 0.0


class CommitClock:
    """Times COMMIT by the labels on either side of it."""

    def __init__(self) -> None:
        self.seconds = self._before_s = 0.0

    def __call__(self, label: str) -> None:
        if label == "before_commit":
            self._before_s = time.monotonic()
        elif label == "after_commit":
            self.seconds += time.monotonic() - self._before_s


def batches(incoming: Sequence[Incoming], size: int) -> Iterator[tuple[list[Incoming], list[SourceAdvance]]]:
    """Batches with what they move the source rows by, as the consumer makes them."""
    next_offsets: dict[tuple[str, int], int] = defaultdict(int)
    for start in range(0, len(incoming), size):
        batch = list(incoming[start : start + size])
        last = {(event.record.topic, event.record.partition): event.record for event in batch}
        advances = []
        for key, record in sorted(last.items()):
            advances.append(
                SourceAdvance(
                    topic=key[0], partition=key[1], incarnation=1, from_offset=next_offsets[key],
                    next_offset=record.offset + 1, last_offset=record.offset, last_timestamp_ms=record.timestamp,
                    last_hash=record_hash(record), gaps=0,
                )
            )  # fmt: skip
            next_offsets[key] = record.offset + 1
        yield batch, advances


def post(task: Task) -> Report:
    """Posts everything, and reports."""
    name = f"bench-direct-{os.getpid()}"
    commits = CommitClock()
    decoder = Decoder(read_assets(task.dsn))
    poster = Poster(make_conninfo(task.dsn, application_name=name), decode=decoder.decode, label=commits)
    poster.open()
    poster.positions.find(dict.fromkeys(((task.topic, number) for number in range(PARTITIONS)), 0))
    stored = records(task.workload, PARTITIONS, task.seed, task.topic)
    report = Report()
    began_s = time.monotonic()
    incoming = decoder.decode_many(stored)
    report.steps_s["decode"] = time.monotonic() - began_s
    ready = list(batches(incoming, task.batch))
    backends = BackendClock(task.dsn, name)
    backends.start()
    tune_collector()
    wait_for_word()
    cpu_began_s = time.process_time()
    report.began_s = time.monotonic()
    preparing_s, last = run_batches(poster, ready)
    report.ended_s = time.monotonic()
    report.cpu_s = time.process_time() - cpu_began_s
    report.backend_cpu_s = backends.elapsed_s()
    report.events = len(incoming)
    report.steps_s |= poster.timings | {"commit": commits.seconds, "prepare": preparing_s}
    poster.close()
    if task.stages and last is not None:
        report.steps_s |= python_stages(incoming, last, preparing_s)
    return report


def run_batches(
    poster: Poster, ready: Sequence[tuple[list[Incoming], list[SourceAdvance]]]
) -> tuple[float, Prepared | None]:
    """Seconds of preparation, and the last batch as it was prepared."""
    preparing_s, prepared = 0.0, None
    for batch, advances in ready:
        began_s = time.monotonic()
        prepared = poster.prepare(batch, advances)
        preparing_s += time.monotonic() - began_s
        poster.post(prepared)
    return preparing_s, prepared


def python_stages(incoming: Sequence[Incoming], last: Prepared, preparing_s: float) -> dict[str, float]:
    """What rules and encoding cost over all events, by doing them once more; preparation is what is left of it."""
    chart = chart_from_document(load_chart(), version=1)
    rule_s = rule_seconds(incoming, chart)
    encode_s = encode_seconds(last) * len(incoming) / len(last.items)
    return {"rule": rule_s, "encode": encode_s, "prepare": max(0.0, preparing_s - rule_s - encode_s)}


def rule_seconds(incoming: Sequence[Incoming], chart: Chart) -> float:
    facts = [event.fact for event in incoming if event.fact is not None and not isinstance(event.fact, BY_HAND)]
    began_s = time.monotonic()
    for fact in facts:
        propose(fact, chart)
    return time.monotonic() - began_s


def encode_seconds(prepared: Prepared) -> float:
    """States, leaves and columns of one batch."""
    began_s = time.monotonic()
    for item in prepared.items:
        if item.draft is not None:
            voucher_state(item.incoming, item.draft, item.effective_at)
    lay_out(prepared.items)
    inbox_rows(prepared.items, prepared.batch_id)
    subject_rows(prepared.new_subjects)
    return time.monotonic() - began_s


def main() -> None:
    given = read_task()
    given["workload"] = Workload(**given["workload"])
    say(asdict(post(Task(**given))))


if __name__ == "__main__":
    main()
