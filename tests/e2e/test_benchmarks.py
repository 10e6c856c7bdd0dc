"""The benchmark leaves nothing running, whenever it is told to end."""

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


@pytest.mark.parametrize("moment", ["starting PostgreSQL", "round 1 of"])
def test_servers_that_were_started_are_stopped_on_sigterm(moment: str, kafka_bootstrap: str) -> None:
    folder = Path(os.environ[SERVERS_VARIABLE]) / f"bench-{len(moment)}"  # where PostgreSQL's own user may enter
    folder.mkdir()
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "--quick", "--no-write", "--rounds", "1", "--only", "raw_copy_1", "naive"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "TMPDIR": str(folder),
            "LEDGER_KAFKA_BOOTSTRAP": kafka_bootstrap,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
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
