"""Programs that add up our books: where they are on this machine, or a loud skip."""

from pathlib import Path

import pytest

from projections.exports.judges import JUDGES, JudgeMissing, find_programs


def programs_of(judge: str) -> list[Path]:
    """The judge's programs; the test is skipped where they are not installed."""
    try:
        return find_programs(JUDGES[judge])
    except JudgeMissing as error:
        pytest.skip(f"REAL {judge.upper()} NOT ASKED: {error} (Debian: apt install {judge})")
