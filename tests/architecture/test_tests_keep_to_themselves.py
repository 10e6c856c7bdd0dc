"""Tests run beside each other on one server: what ends sessions must name its own database."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ENDING = sorted(
    path.relative_to(TESTS)
    for path in TESTS.rglob("*.py")
    if path != Path(__file__) and "pg_terminate_backend" in path.read_text()
)


@pytest.mark.parametrize("path", ENDING, ids=str)
def test_sessions_of_other_databases_are_left_alone(path: Path) -> None:
    source = (TESTS / path).read_text()
    statements = re.findall(r"pg_terminate_backend.{0,250}", source, flags=re.DOTALL)
    assert all("datname" in statement for statement in statements)
