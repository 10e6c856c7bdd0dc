"""The bounds in pyproject.toml, the list that is pinned and the pins themselves say the same."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")


def requirement_lines(name: str) -> set[str]:
    lines = (line.strip() for line in (ROOT / name).read_text().splitlines())
    return {line for line in lines if line and not line.startswith(("#", "-"))}


def pins(name: str) -> dict[str, set[str]]:
    """Versions by package; a package can have one per Python version."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([a-z0-9.-]+)==(\S+)", (ROOT / name).read_text(), flags=re.MULTILINE):
        found.setdefault(package, set()).add(version)
    return found


def test_run_time_requirements_and_the_projects_bounds_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = {*project["project"]["dependencies"], *project["build-system"]["requires"]}
    assert declared == requirement_lines("requirements.in")


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_with_hashes_and_records_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9.-]+==)", text)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index|--find-links|^\s*/", text, flags=re.MULTILINE)


def test_every_requirement_is_pinned() -> None:
    names = {
        re.split(r"[^a-z0-9.-]", line.lower())[0]
        for line in requirement_lines("requirements.in") | requirement_lines("requirements-dev.in")
    }
    assert names <= pins("requirements-dev.lock").keys()


def test_tests_run_on_the_versions_that_run_in_production() -> None:
    develop = pins("requirements-dev.lock")
    different = {name for name, versions in pins("requirements.lock").items() if develop.get(name) != versions}
    assert different == set()
