"""Whoever follows a citation arrives: pages and decisions that code names, tests and files that pages name."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("ledger_core", "projections", "consumers", "api", "schemas", "deploy", "benchmarks", "tests")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "ADRs").glob("*.md"))]
PAGE_NAME = re.compile(r"(?<![\w./-])((?:[\w-]+/)*[\w-]+\.md)\b")
DECISION = re.compile(r"\bADRs?[ /](\d{4})")
TEST_NAME = re.compile(r"`((?:\w+/)*test_\w+\.py)(?:::(test_\w+))?`")


def texts() -> Iterator[tuple[Path, str]]:
    yield ROOT / "pyproject.toml", (ROOT / "pyproject.toml").read_text("utf-8")
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in {".py", ".sql", ".yaml", ".toml"} and path != Path(__file__):
                yield path, path.read_text("utf-8")


def leads_somewhere(name: str, folder: Path) -> bool:
    """A bare name may stand for the one page that is called so; code puts paths together from such."""
    if any((base / name).is_file() for base in (ROOT, ROOT / "docs", folder)):
        return True
    return "/" not in name and any(page.name == name for page in PAGES)


def test_pages_and_decisions_that_code_names_exist() -> None:
    numbers = {path.name[:4] for path in (ROOT / "ADRs").glob("*.md")}
    missing, found = [], 0
    for path, text in texts():
        where = path.relative_to(ROOT)
        for name in PAGE_NAME.findall(text):
            found += 1
            if not leads_somewhere(name, path.parent):
                missing.append(f"{where}: {name}")
        missing += [f"{where}: ADR {number}" for number in DECISION.findall(text) if number not in numbers]
    assert missing == []
    assert found > 10


def test_pages_name_no_page_that_is_elsewhere() -> None:
    """Links are checked beside this; here it is names in running text."""
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in PAGE_NAME.findall(re.sub(r"\]\([^)]*\)", "]", page.read_text("utf-8")))
        if not leads_somewhere(name, page.parent)
    ]
    assert missing == []


def cited_tests() -> list[tuple[str, str, str]]:
    return [
        (str(page.relative_to(ROOT)), file, name)
        for page in PAGES
        for file, name in TEST_NAME.findall(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize(("page", "file", "name"), cited_tests())
def test_tests_that_pages_name_exist(page: str, file: str, name: str) -> None:
    path = ROOT / "tests" / file
    assert path.is_file(), f"{page} names {file}"
    assert not name or re.search(rf"^(async )?def {name}\(", path.read_text("utf-8"), re.MULTILINE), f"{page}: {name}"


def test_the_posting_transaction_is_shown_by_tests() -> None:
    assert len([one for one in cited_tests() if one[0] == "docs/explanation/posting.md"]) > 25
