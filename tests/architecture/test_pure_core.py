"""What decides is pure: domain and rules import the standard library, themselves, and numpy for columns."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = sys.stdlib_module_names | {"numpy"}
OWN = ("ledger_core.domain", "ledger_core.rules")
# The standard library too has doors to the outside; time, chance and settings come in as arguments.
IMPURE = {"asyncio", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time"}
PURE_FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("ledger_core/domain", "ledger_core/rules")
    for path in (ROOT / folder).rglob("*.py")
)


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", PURE_FILES, ids=str)
def test_file_imports_nothing_that_has_effects(path: Path) -> None:
    modules = set(imported(ast.parse((ROOT / path).read_text())))
    strangers = {name for name in modules if name.partition(".")[0] not in ALLOWED and not name.startswith(OWN)}
    assert strangers == set()
    assert {name for name in modules if name.partition(".")[0] in IMPURE} == set()


def test_there_are_files_to_look_at() -> None:
    assert PURE_FILES


MONEY_FILES = sorted(path.relative_to(ROOT) for path in (ROOT / "ledger_core").rglob("*.py"))
# How long something took is no money: a line that says so may hold a float.
DURATION = re.compile(r"seconds|timings|timeout|clock")


def is_float(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=float()) | ast.Name(id="float") | ast.BinOp(op=ast.Div()):
            return True
        case ast.Attribute(attr="float16" | "float32" | "float64"):
            return True
        case _:
            return False


@pytest.mark.parametrize("path", MONEY_FILES, ids=str)
def test_no_float_touches_money_in_the_core(path: Path) -> None:
    """I12: money is an integer of minor units from end to end."""
    source = (ROOT / path).read_text()
    lines = source.splitlines()
    found = {node.lineno for node in ast.walk(ast.parse(source)) if is_float(node) and hasattr(node, "lineno")}
    assert [f"{path}:{line}" for line in sorted(found) if not DURATION.search(lines[line - 1])] == []
