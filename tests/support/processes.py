"""A real process of the pipeline, which a test may kill, stop and wake."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


class PipelineProcess:
    """`python -m consumers.bootstrap NAME`; `settings` are LEDGER_… variables without their prefix."""

    def __init__(self, name: str, dsn: str, **settings: str) -> None:
        given = {f"LEDGER_{setting.upper()}": value for setting, value in settings.items()}
        own = {"LEDGER_POSTGRES_DSN": dsn, "LEDGER_ALLOW_OWNER_LOGIN": "true"}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "consumers.bootstrap", name],
            cwd=REPOSITORY,
            env={**os.environ, **own, **given},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    def wait(self) -> int:
        """Its exit code; negative for the signal that ended it."""
        return self._child.wait(PATIENCE_SECONDS)

    def end(self) -> int:
        """Asks it to end in good order."""
        self._child.send_signal(signal.SIGTERM)
        return self.wait()

    def stop(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()


@contextmanager
def pipeline_process(name: str, dsn: str, **settings: str) -> Iterator[PipelineProcess]:
    """A process that is gone at the end of the block, however that was reached."""
    process = PipelineProcess(name, dsn, **settings)
    try:
        yield process
    finally:
        process.kill()


@contextmanager
def payments_process(
    dsn: str, *, group: str = "ledger-payments", kill_at: str = "", **settings: str
) -> Iterator[PipelineProcess]:
    """The payments consumer, which kills itself at a labelled point."""
    with pipeline_process("payments", dsn, payments_group=group, fault_kill_at=kill_at, **settings) as process:
        yield process


@contextmanager
def running(name: str, dsn: str, **settings: str) -> Iterator[PipelineProcess]:
    """A process that ends in good order at the end of the block."""
    with pipeline_process(name, dsn, **settings) as process:
        yield process
        assert process.end() == 0


def die_at(label: str, name: str, dsn: str, **settings: str) -> None:
    """Runs a process until it kills itself at the label; one that never gets there fails the test."""
    with pipeline_process(name, dsn, fault_kill_at=label, **settings) as process:
        assert process.wait() == -signal.SIGKILL, f"the process never came to {label}"
