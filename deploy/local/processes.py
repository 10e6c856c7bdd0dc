"""Processes and ports: who runs, who owns what, and how to end it.

A process id alone says nothing after a reboot or a crash, since ids are used again: a record carries the
start time too.
"""

import fcntl
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on now; it can be gone a moment later."""
    with closing(socket.socket()) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def alive(process: psutil.Process) -> bool:
    """Whether it still runs. A zombie does while threads other than its first hold on."""
    try:
        if not process.is_running():
            return False
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False
    return True


def wait_gone(processes: list[psutil.Process], *, timeout_seconds: float) -> bool:
    """Wait until none of them runs; False when some still do after the time."""
    # Not psutil.wait_procs: that waits for zombies too, until whoever adopted them gets round to reaping.
    deadline = time.monotonic() + timeout_seconds
    while any(alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def kill_tree(process: psutil.Process, *, timeout_seconds: float = 20) -> bool:
    """SIGKILL a process and all below it, so that none can finish anything; wait until they are gone."""
    with suppress(psutil.NoSuchProcess):
        process.send_signal(signal.SIGSTOP)  # a stopped parent starts no further children while we count
        tree = [*process.children(recursive=True), process]
        for member in tree:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        return wait_gone(tree, timeout_seconds=timeout_seconds)
    return True


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A file that names one process so that it can be found again by another process."""

    path: Path

    def write(self, process: psutil.Process) -> None:
        """Name this process, in one step: a reader sees the old record or the new one."""
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        draft.write_text(json.dumps({"pid": process.pid, "started": process.create_time()}))
        draft.replace(self.path)

    def read(self) -> psutil.Process | None:
        """The process, if it is the very one that was named and still runs."""
        try:
            record = json.loads(self.path.read_text())
            process = psutil.Process(int(record["pid"]))
            # The start time is derived from the boot time, which the clock's corrections move a little.
            same = abs(process.create_time() - float(record["started"])) < 2
        except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
            return None
        return process if same and alive(process) else None

    def clear(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock among processes (and threads) of this machine; it ends with its process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
