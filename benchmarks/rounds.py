"""Rounds that alternate between all rows, so that a machine's drift hits each alike; medians at the end."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.bench import Bench, Measure
from benchmarks.rows import ROWS


@dataclass(slots=True)
class Samples:
    """Values by row, in the order of the rounds."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, sample: Iterable[tuple[str, float]]) -> None:
        for name, value in sample:
            self.values.setdefault(name, []).append(value)

    def ratio(self, name: str, against: str) -> float | None:
        """Median of the quotients, each of two values of one round."""
        pairs = list(zip(self.values.get(name, ()), self.values.get(against, ()), strict=False))
        return median(value / other for value, other in pairs) if pairs else None


def choose(measures: Sequence[Measure], only: Sequence[str]) -> list[Measure]:
    """The measures of these rows (all, without any) and of those that they are held against."""
    if not only:
        return list(measures)
    wanted = set(only)
    for row in ROWS:
        if row.name in only and row.against:
            wanted.add(row.against)
    return [measure for measure in measures if wanted.intersection(measure.rows)]


def take_rounds(bench: Bench, measures: Sequence[Measure], rounds: int) -> Samples:
    """Every measure in every round; what is measured once comes after."""
    samples = Samples()
    again = [measure for measure in measures if not measure.once]
    for number in range(rounds if again else 0):
        for measure in again:
            take(bench, measure, samples, f"round {number + 1} of {rounds}")
    for measure in measures:
        if measure.once:
            take(bench, measure, samples, "once")
    return samples


def take(bench: Bench, measure: Measure, samples: Samples, when: str) -> None:
    sample = measure.take(bench)
    samples.add(sample.items())
    shown = ", ".join(f"{name} {value:,.4g}" for name, value in sample.items() if not name.startswith("stage_"))
    bench.say(f"{when}: {shown or 'nothing to measure'}")
