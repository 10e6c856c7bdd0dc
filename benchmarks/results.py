"""What comes out: `results/latest.json`, and the table in the README."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.rounds import Samples
from benchmarks.rows import ROWS, Row

START: Final = "<!-- bench:start -->"
END: Final = "<!-- bench:end -->"

Result = Mapping[str, object]


def results(samples: Samples, facts: Mapping[str, str], notes: Mapping[str, str]) -> list[Result]:
    """One object per row that was measured, then one per fact about the machine."""
    found = [_result(row, samples, notes) for row in ROWS if row.name in samples.values]
    return [*found, *({"name": f"machine_{name}", "value": value, "unit": "text"} for name, value in facts.items())]


def _result(row: Row, samples: Samples, notes: Mapping[str, str]) -> Result:
    values = samples.values[row.name]
    result: dict[str, object] = {"name": row.name, "value": _rounded(median(values)), "unit": row.unit}
    ratio = samples.ratio(row.name, row.against) if row.against else None
    if ratio is not None:
        result |= {"against": row.against, "ratio": round(ratio, 3)}
    if row.goal:
        result["goal"] = row.goal
    if len(values) > 1:
        result["rounds"] = [_rounded(value) for value in values]
    if row.name in notes:
        result["note"] = notes[row.name]
    return result


def _rounded(value: float) -> float | int:
    return round(value) if abs(value) >= 100 else round(value, 3)


def write_json(path: Path, found: Sequence[Result]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def table(found: Sequence[Result]) -> str:
    """The same as a table in Markdown; where the time goes is a line below it."""
    says = {row.name: row.says for row in ROWS}
    lines = ["| row | measured | of | goal | what it is |", "|---|---:|---|---|---|"]
    stages, facts = [], []
    for result in found:
        name, value = str(result["name"]), result["value"]
        if name.startswith("machine_"):
            facts.append(str(value))
        elif name.startswith("stage_"):
            stages.append(f"{name.removeprefix('stage_')} {value}")
        else:
            of = f"{result['ratio']} × `{result['against']}`" if "ratio" in result else ""
            what = says[name] + (f" ({result['note']})" if "note" in result else "")
            lines.append(f"| `{name}` | {_shown(value)} {result['unit']} | {of} | {result.get('goal', '')} | {what} |")
    if stages:
        lines += ["", "Where the time goes, in µs per event (`stage_…`): " + ", ".join(stages) + "."]
    return "\n".join([*lines, "", "Machine: " + "; ".join(facts) + "."])


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def write_readme(path: Path, text: str) -> None:
    """Puts the table between its marks, at the end of the file when there are none yet."""
    page = path.read_text() if path.exists() else ""
    if START not in page or END not in page:
        page = f"{page.rstrip()}\n\n## Speed\n\n{START}\n{END}\n".lstrip()
    before, rest = page.split(START, 1)
    path.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END, 1)[1]}")
