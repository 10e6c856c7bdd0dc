"""What every local server has in common: start or attach, stop, restart after a crash, and who is to stop it.

Beside its data folder `NAME` a server keeps `NAME.log`, `NAME.lock` (held while starting or stopping) and
`NAME.owner`. The owner is the process that started it. Whoever attaches to a server of a living owner
leaves it running at the end; when the owner has gone without stopping it, the next to attach becomes the
owner, or whoever is the last to leave stops it.
"""

import os
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from deploy.local.errors import LocalServiceError
from deploy.local.places import make_folder
from deploy.local.processes import (
    LOOPBACK,
    ProcessRecord,
    file_lock,
    free_port,
    kill_tree,
    port_is_free,
    wait_gone,
)

START_ATTEMPTS = 3
STOP_TIMEOUT_SECONDS = 60.0
LOG_TAIL_LINES = 12


class LocalServer(ABC):
    """One server of this machine with its data in `data_dir`; its files and process outlive this object."""

    label: str

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self.data_dir = data_dir.absolute()
        self._wanted_port = port
        self._owner = ProcessRecord(self._beside("owner"))

    # ------------------------------------------------------------------------------------------ for its users
    @property
    def log_path(self) -> Path:
        """Where the server writes what it has to say."""
        return self._beside("log")

    @property
    def running(self) -> bool:
        """Whether a server runs on this data folder, whoever started it."""
        return self._running_process() is not None

    @property
    def port(self) -> int:
        """The loopback port that it listens on, or listened on last."""
        if (port := self._wanted_port or self._remembered_port()) is None:
            message = f"{self.label} in {self.data_dir} has never been started: call start() first"
            raise LocalServiceError(message)
        return port

    def start(self) -> None:
        """Start it, or attach to the one that runs on this data folder; returns when it takes connections."""
        make_folder(self.data_dir.parent)
        with file_lock(self._beside("lock")):
            if self.running:
                self._attach()
            else:
                self._prepare()
                self._launch()
                self._owner.write(psutil.Process())

    def stop(self) -> None:
        """Stop it in good order, whoever started it; does nothing when it does not run. Its data stay."""
        if not self.data_dir.exists():
            return
        with file_lock(self._beside("lock")):
            self._stop()

    def kill(self) -> None:
        """SIGKILL it with all its processes, as a crash would; its data stay as the crash left them."""
        if (process := self._running_process()) is not None and not kill_tree(process):
            message = f"{self.label} survives SIGKILL (process {process.pid}): see {self.log_path}"
            raise LocalServiceError(message)

    def __enter__(self) -> Self:
        found_running = self.running
        try:
            self.start()
        except BaseException:  # told to end while it came up: nobody else would stop it
            if not found_running:
                self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.data_dir.exists():
            return
        with file_lock(self._beside("lock")):  # two that leave at once would each take the other for one who stays
            owner = self._owner.read()
            if owner is not None and owner.pid != os.getpid():
                return
            if self._serves_others():
                self._owner.clear()  # whoever of them leaves last stops it
            else:
                self._stop()

    def _stop(self) -> None:
        if (process := self._running_process()) is not None:
            self._request_stop(process)
            if not wait_gone([process], timeout_seconds=STOP_TIMEOUT_SECONDS) and not kill_tree(process):
                message = f"{self.label} does not stop: end process {process.pid} by hand ({self.log_path})"
                raise LocalServiceError(message)
        self._owner.clear()

    # ------------------------------------------------------------------------------------- what a server adds
    @abstractmethod
    def _running_process(self) -> psutil.Process | None:
        """The server's main process on this data folder, if it runs."""

    @abstractmethod
    def _remembered_port(self) -> int | None:
        """The port of the last start."""

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder ready, if it is not."""

    @abstractmethod
    def _launch_on(self, port: int) -> None:
        """Start on this port and wait until it is ready; LocalServiceError when it does not get there."""

    @abstractmethod
    def _request_stop(self, process: psutil.Process) -> None:
        """Ask the server to finish."""

    def _serves_others(self) -> bool:
        """Whether others work with it, who would miss it."""
        return False

    # ------------------------------------------------------------------------------------------------- inside
    def _attach(self) -> None:
        running_on = self._remembered_port()
        if self._wanted_port is not None and running_on != self._wanted_port:
            message = (
                f"{self.label} on {self.data_dir} runs at port {running_on}, not {self._wanted_port}: "
                "stop it first, or ask for no port"
            )
            raise LocalServiceError(message)
        if self._owner.read() is None:
            self._owner.write(psutil.Process())

    def _launch(self) -> None:
        if self._wanted_port is not None:
            self._refuse_taken_port(self._wanted_port)
            self._launch_on(self._wanted_port)
            return
        remembered = self._remembered_port()
        for attempt in range(START_ATTEMPTS):
            keep = attempt == 0 and remembered is not None and port_is_free(remembered)
            port = remembered if keep and remembered is not None else free_port()
            try:
                self._launch_on(port)
            except LocalServiceError:
                # Between our probe and its start another program may have taken the port.
                if port_is_free(port) or attempt == START_ATTEMPTS - 1:
                    raise
            else:
                return

    def _refuse_taken_port(self, port: int) -> None:
        if not port_is_free(port):
            message = f"port {port} of {LOOPBACK} is taken by another program: choose another for {self.label}"
            raise LocalServiceError(message)

    def _beside(self, suffix: str) -> Path:
        return self.data_dir.with_name(f"{self.data_dir.name}.{suffix}")

    def _failure(self, what: str) -> LocalServiceError:
        try:
            tail = self.log_path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        except OSError:
            tail = []
        lines = "".join(f"\n  {line}" for line in tail)
        return LocalServiceError(f"{self.label} {what}; its log is {self.log_path}{lines}")
