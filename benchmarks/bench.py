"""What every measurement works with: servers, sizes, the batch, and a proof of the books after each run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.raw_copy import Exported
from benchmarks.stack import Stack
from benchmarks.workload import Workload
from ledger_core.store.verify import verify
from tests.invariants.programs import violations

Say = Callable[[str], None]
Sample = Mapping[str, float]
"""Values by name of row, from one round."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done in a round; `quick` ones show that everything runs, and measure nothing."""

    events: int = 200_000
    naive_events: int = 3_000
    store_events: int = 1_000_000
    statement_entries: int = 10_000_000
    account_entries: int = 1_000_000
    lookups: int = 2_000
    latency_seconds: float = 8.0
    sustained_events: int = 5_000_000


QUICK = Sizes(
    events=8_000,
    naive_events=200,
    store_events=16_000,
    statement_entries=100_000,
    account_entries=20_000,
    lookups=100,
    latency_seconds=2.0,
    sustained_events=40_000,
)


@dataclass(slots=True)
class Bench:
    """One run of the benchmark."""

    stack: Stack
    sizes: Sizes
    batch: int
    folder: Path
    say: Say
    exported: Exported | None = None
    proven: set[str] = field(default_factory=set)
    """Measurements after which every invariant was found to hold."""
    notes: dict[str, str] = field(default_factory=dict)
    """Remarks for the report, by row: why one is missing, or smaller than it should be."""

    def workload(self, name: str) -> Workload:
        """The shapes that are measured, by name."""
        events = self.sizes.events
        return {
            "uniform": Workload("uniform", events),
            "hot": Workload("hot", events, hot=True),
            "3_lines": Workload("3_lines", events, commission_bps=1_000),
            "mixed": Workload("mixed", events, by_hand_every=10),
            "8_books": Workload("8_books", events, books=8),
            "1000_books": Workload("1000_books", events, books=1_000),
        }[name]


def prove(bench: Bench, name: str, dsn: str) -> None:
    """Runs `verify`, and the first time for a name every invariant: what does not hold has no speed.

    Raises RuntimeError.
    """
    found = {check.name: check.first_bad for check in verify(dsn).checks if not check.ok}
    problems: dict[str, str | list[str]] = {**found}
    if name not in bench.proven:
        # These queries join whole tables that were empty a moment ago.
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("ANALYZE")
        problems |= violations(dsn)
        bench.proven.add(name)
    if problems:
        raise RuntimeError(f"{name}: the books do not hold: {problems}")


@dataclass(frozen=True, slots=True)
class Measure:
    """One measurement of one or more rows, taken every round, or `once`: it has rounds of its own, or needs none."""

    rows: tuple[str, ...]
    take: Callable[[Bench], Sample]
    once: bool = False
    optional: str = ""
    """The option that asks for it; empty: always."""
