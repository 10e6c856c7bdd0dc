"""The checker of proofs connects to nothing: not even what could connect is imported."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[4]
CONNECTING = (
    "psycopg",
    "psycopg_pool",
    "aiokafka",
    "fastapi",
    "uvicorn",
    "asyncio",
    "http",
    "ssl",
    "socket",
    "urllib.request",
)
SCRIPT = """
import sys
import ledger_core.store.proof.__main__
print(*sorted(set(sys.argv[1:]) & set(sys.modules)))
"""


def test_the_checker_imports_nothing_that_connects() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *CONNECTING],
        cwd=REPOSITORY, env={"PYTHONPATH": str(REPOSITORY)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ended.stdout.strip() == ""
