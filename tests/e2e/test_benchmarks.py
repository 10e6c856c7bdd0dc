"""The benchmark leaves nothing running, whenever it is told to end, and the rows it makes fit the tables of today."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from deploy.local.processes import wait_gone
from tests.support.servers import SERVERS_VARIABLE

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 90

pytestmark = [pytest.mark.kafka, pytest.mark.fault]


def processes_of(folder: Path) -> list[psutil.Process]:
    """Whatever was started with something in this folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


def benchmark(folder: Path, kafka_bootstrap: str, *rows: str) -> subprocess.Popen[str]:
    """A short run of these rows, with all that it starts in a folder of its own."""
    folder.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--quick", "--no-write", "--rounds", "1", "--only", *rows],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(folder), "LEDGER_KAFKA_BOOTSTRAP": kafka_bootstrap},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_rows_of_which_a_store_is_made_by_hand_are_measured(kafka_bootstrap: str) -> None:
    folder = Path(os.environ[SERVERS_VARIABLE]) / "bench-made"
    asked = ("balance_p99_ms", "statement_p99_ms", "balance_two_times_p99_ms")
    printed, said = benchmark(folder, kafka_bootstrap, *asked).communicate(timeout=PATIENCE_SECONDS)
    assert [row for row in asked if f"| `{row}` |" not in printed] == [], said


@pytest.mark.parametrize("moment", ["starting PostgreSQL", "round 1 of"])
def test_servers_that_were_started_are_stopped_on_sigterm(moment: str, kafka_bootstrap: str) -> None:
    folder = Path(os.environ[SERVERS_VARIABLE]) / f"bench-{len(moment)}"  # where PostgreSQL's own user may enter
    child = benchmark(folder, kafka_bootstrap, "raw_copy_1", "naive")
    watchdog = threading.Timer(PATIENCE_SECONDS, child.kill)
    watchdog.start()
    try:
        assert child.stderr is not None
        assert any(moment in line for line in child.stderr)
        child.send_signal(signal.SIGTERM)
        child.communicate()
    finally:
        watchdog.cancel()
        child.kill()
    assert child.returncode == 128 + signal.SIGTERM
    assert wait_gone(processes_of(folder), timeout_seconds=PATIENCE_SECONDS)
