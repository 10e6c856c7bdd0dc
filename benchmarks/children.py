"""Child processes that are measured: each gets ready, waits for the word that all get at once, and reports.

Protocol on standard input and output, a JSON object a line: the task in, `{"ready": true}` out, any line in to
begin, the report out. What a child says in words goes to standard error.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import IO, TYPE_CHECKING, Any

import psycopg
from psutil import NoSuchProcess, Process

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Child:
    """One process of `python -m module`, with its task handed over."""

    def __init__(self, module: str, task: "DataclassInstance") -> None:
        command = [sys.executable, "-m", module]
        self._module = module
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say(json.dumps(asdict(task)))

    def say(self, line: str) -> None:
        self._pipe(self.process.stdin).write(line + "\n")
        self._pipe(self.process.stdin).flush()

    def answer(self) -> dict[str, Any]:
        """The next line that it says. Raises RuntimeError when it has ended instead."""
        line = self._pipe(self.process.stdout).readline()
        if not line:
            raise RuntimeError(f"{self._module} has ended with exit code {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends it if it has not ended by itself."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            self._pipe(pipe).close()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None  # both were asked for
        return pipe


@contextmanager
def ready_child(module: str, task: "DataclassInstance") -> Iterator[Child]:
    """A child that waits for the word."""
    child = Child(module, task)
    try:
        child.answer()
        yield child
    finally:
        child.close()


def run_together(module: str, tasks: "Sequence[DataclassInstance]") -> list[dict[str, Any]]:
    """The reports of one child per task; they begin at one moment, when the last of them is ready."""
    children: list[Child] = []
    try:
        children.extend(Child(module, task) for task in tasks)
        for child in children:
            child.answer()
        for child in children:
            child.say("go")
        reports = [child.answer() for child in children]
        for child in children:
            child.process.wait()
    finally:
        for child in children:
            child.close()
    return reports


# ------------------------------------------------------------------------------------------------ inside of a child
def read_task() -> dict[str, Any]:
    task: dict[str, Any] = json.loads(sys.stdin.readline())
    return task


def wait_for_word() -> None:
    """Says that this child is ready, and returns when it may begin."""
    say({"ready": True})
    sys.stdin.readline()


def say(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


@dataclass(slots=True)
class BackendClock:
    """CPU seconds of the PostgreSQL processes that serve this application name; 0 when the server is elsewhere."""

    dsn: str
    application_name: str
    _began_s: float = field(default=0.0)

    def start(self) -> None:
        self._began_s = self._now()

    def elapsed_s(self) -> float:
        return self._now() - self._began_s

    def _now(self) -> float:
        with psycopg.connect(self.dsn, application_name="") as connection:
            query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
            pids = [row[0] for row in connection.execute(query, (self.application_name,))]
        total = 0.0
        for pid in pids:
            try:
                times = Process(pid).cpu_times()
            except NoSuchProcess:
                continue
            total += times.user + times.system
        return total
