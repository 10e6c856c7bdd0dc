"""`python -m benchmarks.sweep`: which size of batch suits one worker and two? Alternating rounds over one topic.

What comes out chooses the default of `PaymentsSettings.batch_max_events`.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import median

from benchmarks.posting import consume, cpu_us, rate
from benchmarks.stack import started_stack
from benchmarks.workload import Workload

SIZES = (1_000, 2_000, 4_000, 8_000)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    options = parser.parse_args(arguments)
    workload = Workload("uniform", options.events)
    found: dict[tuple[int, int], list[tuple[float, float, float, float]]] = defaultdict(list)
    with started_stack() as stack:
        stack.topic(workload)
        for number in range(options.rounds):
            for size in options.sizes:
                for workers in (1, 2):
                    with stack.database(workload) as dsn:
                        reports = consume(stack, dsn, workload, workers, size)
                    memory_mb = max(report.memory_mb for report in reports)
                    found[workers, size].append((rate(reports), *cpu_us(reports), memory_mb))
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    print("workers  batch   events/s  worker us  postgres us  MB   (medians)")
    for (workers, size), values in sorted(found.items()):
        events, worker_us, backend_us, memory_mb = (median(column) for column in zip(*values, strict=True))
        print(f"{workers:7} {size:6} {events:10,.0f} {worker_us:10.1f} {backend_us:12.1f} {memory_mb:4.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
