"""The real payments consumer as a process of its own, which a test may kill, stop and wake."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


class PaymentsProcess:
    """`python -m consumers.bootstrap payments`."""

    def __init__(self, dsn: str, *, group: str = "ledger-payments", kill_at: str = "", **settings: str) -> None:
        given = {f"LEDGER_{name.upper()}": value for name, value in settings.items()}
        environment = {
            **os.environ,
            "LEDGER_POSTGRES_DSN": dsn,
            "LEDGER_ALLOW_OWNER_LOGIN": "true",
            "LEDGER_FAULT_KILL_AT": kill_at,
            "LEDGER_PAYMENTS_GROUP": group,
            **given,
        }
        self._child = subprocess.Popen(
            [sys.executable, "-m", "consumers.bootstrap", "payments"],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

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
def payments_process(
    dsn: str, *, group: str = "ledger-payments", kill_at: str = "", **settings: str
) -> Iterator[PaymentsProcess]:
    """A process that is gone at the end of the block, however that was reached."""
    process = PaymentsProcess(dsn, group=group, kill_at=kill_at, **settings)
    try:
        yield process
    finally:
        process.kill()
