"""No test of faults or of whole commands leaves a store behind without the invariants having looked at it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = ("faults", "e2e")
LOOKED_AT = "database"
"""The fixture that, in these folders, runs every invariant when its test is through."""

WITHOUT_IT = {
    "e2e/test_benchmarks.py": "servers are stopped before anything is posted",
    "e2e/test_producer_kit.py": "a producer has no ledger",
    "e2e/test_proofs.py": "one test stops a server of its own, and looks before it does",
    "faults/test_servers_killed.py": "servers of its own, looked at by the tests themselves",
}
OTHER_STORES = ("create_database", "copy_database", "LocalPostgres", "run_demo")
LOOKS = ("assert_invariants", "assert_whole", "demo_database")

Fixtures = dict[str, tuple[list[str], bool]]
"""What each fixture asks for, and whether every test has it unasked."""


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def asked(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]


def fixtures_of(path: Path) -> Fixtures:
    found = {}
    for function in functions(path):
        for decorator in map(ast.unparse, function.decorator_list):
            if decorator.startswith("pytest.fixture"):
                found[function.name] = (asked(function), "autouse=True" in decorator)
    return found


def closure(names: list[str], fixtures: Fixtures) -> set[str]:
    reached, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += fixtures.get(name, ([], False))[0]
    return reached


def closures_of(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Each test of a file with all the fixtures that it has."""
    folder = TESTS / path.relative_to(TESTS).parts[0]
    fixtures: Fixtures = {}
    for file in (TESTS / "conftest.py", folder / "conftest.py", path):
        for name, (names, autouse) in fixtures_of(file).items():
            # One that asks for its own name has what it stands before, too.
            fixtures[name] = ([*names, *fixtures[name][0]] if name in names else names, autouse)
    unasked = [name for name, (_, autouse) in fixtures.items() if autouse]
    for function in functions(path):
        if function.name.startswith("test_"):
            yield function.name, closure([*asked(function), *unasked], fixtures)


FILES = [path for folder in FOLDERS for path in sorted((TESTS / folder).rglob("test_*.py"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(TESTS)))
def test_every_test_has_its_store_looked_at(path: Path) -> None:
    name, text = str(path.relative_to(TESTS)), path.read_text("utf-8")
    unseen = [test for test, has in closures_of(path) if LOOKED_AT not in has]
    if name in WITHOUT_IT:
        assert unseen, f"{name} needs no exception"
    else:
        assert unseen == []
    if any(f"{other}(" in text for other in OTHER_STORES):
        assert any(look in text for look in LOOKS), f"{name} makes a store that nobody looks at"


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_fixture_runs_every_invariant(folder: str) -> None:
    (fixture,) = [one for one in functions(TESTS / folder / "conftest.py") if one.name == LOOKED_AT]
    assert "assert_invariants" in ast.unparse(fixture).partition("yield")[2]
