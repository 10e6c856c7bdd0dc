"""`python -m benchmarks`: measures every row on this machine, in one run, and writes down what came out.

Data go to standard output (the table) and to `benchmarks/results/latest.json` and the README; words go to standard
error. Nothing is asserted about time: a slow machine makes a slow table, never a failure.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

from benchmarks.bench import QUICK, Bench, Sizes
from benchmarks.machine import machine_facts
from benchmarks.registry import MEASURES
from benchmarks.results import Result, results, table, write_json, write_readme
from benchmarks.rounds import choose, take_rounds
from benchmarks.rows import NAMES
from benchmarks.stack import started_stack
from consumers.payments import PaymentsSettings

REPOSITORY = Path(__file__).parents[1]
LATEST = Path(__file__).parent / "results" / "latest.json"
LONG = Path(__file__).parent / "results" / "long.json"
"""Of a long run in full length, which is not part of the usual one."""


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="ROW", choices=NAMES, help="these rows alone")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, measures nothing")
    parser.add_argument("--long", action="store_true", help="also posts some millions of events in one go")
    parser.add_argument("--sustained-events", type=int, help="events of the long run, instead of 5,000,000")
    parser.add_argument("--events", type=int, help="events per topic, instead of 200,000")
    parser.add_argument("--batch", type=int, help="events per batch, instead of the product's own default")
    parser.add_argument("--no-write", action="store_true", help="print only; leave results and README as they are")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace, folder: Path) -> list[Result]:
    """Starts the servers, takes the rounds, and returns the results."""
    began_s = time.monotonic()
    sizes = QUICK if options.quick else Sizes()
    if options.events:
        sizes = replace(sizes, events=options.events)
    if options.sustained_events:
        sizes = replace(sizes, sustained_events=options.sustained_events)
    measures = [m for m in choose(MEASURES, options.only) if not m.optional or getattr(options, m.optional)]

    def say(words: str) -> None:
        print(f"[{time.monotonic() - began_s:5.0f} s] {words}", file=sys.stderr, flush=True)

    say("starting PostgreSQL and Apache Kafka")
    with started_stack() as stack:
        bench = Bench(stack, sizes, options.batch or PaymentsSettings().batch_max_events, folder, say)
        facts = machine_facts(stack.admin_dsn, options.rounds, bench.batch)
        samples = take_rounds(bench, measures, options.rounds)
        say("done")
        return results(samples, facts, bench.notes)


def stop_on_sigterm() -> None:
    """SIGTERM ends the run as Ctrl-C does: on the way out every server and worker that was started is stopped."""

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever asks twice does not stop the stopping
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)


def main(arguments: Sequence[str]) -> int:
    options = parsed(arguments)
    stop_on_sigterm()
    with TemporaryDirectory(prefix="ledger-bench-rows-") as folder:
        found = run(options, Path(folder))
    text = table(found)
    print(text)
    if not (options.quick or options.only or options.no_write):
        write_json(LATEST, found)
        write_readme(REPOSITORY / "README.md", text)
    elif options.long and not options.no_write and (options.sustained_events or 0) >= Sizes().sustained_events:
        write_json(LONG, found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
