"""The folder in which one test run keeps its servers, and the end of runs that could not clean up."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from deploy.local.errors import LocalServiceUnavailable
from deploy.local.kafka import LocalKafka
from deploy.local.postgres import LocalPostgres

SERVERS_VARIABLE = "LEDGER_TEST_SERVERS"
PREFIX = f"ledger-tests-{os.getuid()}-"
IN_MEMORY = Path("/dev/shm")
ROOM_BYTES = 4 * 2**30


def create_servers_folder() -> Path:
    """A folder named after this process; pytest's own is closed to the user PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=servers_parent()))
    folder.chmod(0o755)
    return folder


def servers_parent() -> Path:
    """In memory, where there is plenty: every test has databases of its own, and to drop one waits for the disk.

    Nothing else changes: the servers flush what they always flush, and processes that are killed leave it behind.
    """
    plenty = (
        IN_MEMORY.is_dir()
        and os.access(IN_MEMORY, os.W_OK | os.X_OK)
        and shutil.disk_usage(IN_MEMORY).free >= ROOM_BYTES
        and psutil.virtual_memory().available >= 2 * ROOM_BYTES
    )
    return IN_MEMORY if plenty else Path(tempfile.gettempdir())


def remove_servers_folder(folder: Path) -> None:
    """Stop the servers that were started in it, and delete it."""
    for server in (LocalPostgres(folder / "postgres"), LocalKafka(folder / "kafka")):
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)


def go_without_kafka(error: LocalServiceUnavailable, environment: Mapping[str, str]) -> NoReturn:
    """Where it is required, as in CI, its absence fails; elsewhere what needs it is skipped with one loud line."""
    message = f"REAL KAFKA NOT TESTED: {error}"
    if environment.get("LEDGER_TEST_REQUIRE_KAFKA") == "1" or environment.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def sweep_abandoned_folders() -> None:
    """Servers of a run that was killed would stay for ever: end those whose process is gone."""
    for folder in [found for parent in (Path(tempfile.gettempdir()), IN_MEMORY) for found in parent.glob(f"{PREFIX}*")]:
        process_id = folder.name.removeprefix(PREFIX).partition("-")[0]
        if process_id.isdigit() and not psutil.pid_exists(int(process_id)):
            remove_servers_folder(folder)
