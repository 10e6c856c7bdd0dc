"""The consumers as child processes: started, watched, and ended in good order."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from api.cli.errors import CliError
from consumers.logging import masked_text
from consumers.settings import ProcessSettings

STOP_SECONDS: Final = 20.0
TAIL_LINES: Final = 4


def environment_of(settings: ProcessSettings) -> dict[str, str]:
    """Settings for child processes, as their environment."""
    return {
        "LEDGER_POSTGRES_DSN": settings.postgres_dsn.get_secret_value(),
        "LEDGER_ALLOW_OWNER_LOGIN": str(settings.allow_owner_login),
        "LEDGER_BROKER": settings.broker,
        "LEDGER_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "LEDGER_PAYMENTS_TOPIC": settings.payments_topic,
        "LEDGER_LEDGER_TOPIC": settings.ledger_topic,
        "LEDGER_LOG_LEVEL": settings.log_level,
        "LEDGER_STOP_WITH_PARENT": "true",
    }


class Workers:
    """One child process per name. Settings go by the environment, so no secret shows in a list of processes."""

    def __init__(self, names: Sequence[str], settings: Mapping[str, str], log_folder: Path) -> None:
        self._names = tuple(names)
        self._environment = {**os.environ, **settings}
        self._log_folder = log_folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        for name in self._names:
            with self.log_path(name).open("wb") as log:
                self._children[name] = subprocess.Popen(
                    [sys.executable, "-m", "consumers.bootstrap", name],
                    env=self._environment,
                    stdin=subprocess.PIPE,  # ends when we do, however that happens
                    stdout=log,
                    stderr=log,
                    # A Ctrl-C at the terminal is ours to pass on: the children end when we say so.
                    start_new_session=True,
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def log_path(self, name: str) -> Path:
        """Where this process writes its log."""
        return self._log_folder / f"{name}.log"

    def check(self) -> None:
        """Raises `CliError` when one of them has ended by itself, with the last it said."""
        for name, child in self._children.items():
            if child.poll() is not None:
                said = self.log_path(name).read_text("utf-8", "replace").strip().splitlines()[-TAIL_LINES:]
                text = masked_text(" / ".join(said))[-800:] or "it said nothing"
                message = f"the process {name} has ended (exit {child.returncode}): {text}"
                raise CliError("PROCESS_ENDED", message, f"read {self.log_path(name)}")

    def stop(self) -> None:
        """SIGTERM to all, then SIGKILL to those that do not end in time."""
        for child in self._children.values():
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdin is not None:
                child.stdin.close()
        self._children.clear()
