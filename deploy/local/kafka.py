"""An Apache Kafka broker on this machine: one process, broker and controller, on the loopback address."""

import base64
import os
import subprocess
import time
import uuid
from contextlib import suppress
from pathlib import Path
from string import Template

import psutil

from deploy.local.errors import LocalServiceError
from deploy.local.java import find_java
from deploy.local.kafka_jars import CONFIGURATION, find_jars
from deploy.local.places import local_cache
from deploy.local.processes import LOOPBACK, ProcessRecord, alive, free_port, kill_tree
from deploy.local.server import LocalServer

READY_LINE = "Kafka Server started"
START_TIMEOUT_SECONDS = 90
POLL_SECONDS = 0.05
PROPERTIES = "server.properties"
QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""A broker that lives for a demo or a test never earns back what optimising itself costs: over 222,000 events of Olist
it took 10 s of processor time instead of 16."""


class LocalKafka(LocalServer):
    """A broker of our own with its data in `data_dir`; needs Java, and Maven the first time."""

    label = "Apache Kafka"

    def __init__(
        self, data_dir: Path, *, port: int | None = None, heap_mb: int = 384, cache: Path | None = None
    ) -> None:
        super().__init__(data_dir, port=port)
        self._heap_mb = heap_mb
        self._cache = cache or local_cache(os.environ)
        self._process = ProcessRecord(self._beside("process"))

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.port}"

    # ----------------------------------------------------------------------------------------- state on disk
    def _running_process(self) -> psutil.Process | None:
        return self._process.read()

    def _remembered_port(self) -> int | None:
        with suppress(OSError, ValueError):
            for line in (self.data_dir / PROPERTIES).read_text().splitlines():
                if line.startswith("advertised.listeners="):
                    return int(line.rpartition(":")[2])
        return None

    # -------------------------------------------------------------------------------------------- life cycle
    def _prepare(self) -> None:
        self.data_dir.mkdir(mode=0o700, exist_ok=True)
        known = {PROPERTIES, "logs"}
        if strange := sorted(entry.name for entry in self.data_dir.iterdir() if entry.name not in known):
            message = f"{self.data_dir} holds {strange[0]}, so it is no folder of a local Kafka: choose another"
            raise LocalServiceError(message)

    def _launch_on(self, port: int) -> None:
        self._write_properties(port)
        java = find_java(os.environ)
        command = [
            str(java), f"-Xmx{self._heap_mb}m", "-XX:+UseSerialGC", "-XX:-UsePerfData", QUICK_COMPILER,
            f"-Dlog4j2.configurationFile={CONFIGURATION / 'log4j2.properties'}",
            "-cp", f"{find_jars(self._cache, java, os.environ)}/*",
        ]  # fmt: skip
        self._format(command)
        log_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        process = self._spawn([*command, "kafka.Kafka", str(self.data_dir / PROPERTIES)])
        self._process.write(process)
        self._wait_ready(process, log_from)

    def _request_stop(self, process: psutil.Process) -> None:
        with suppress(psutil.NoSuchProcess):
            process.terminate()

    # ----------------------------------------------------------------------------------------------- helpers
    def _write_properties(self, port: int) -> None:
        template = Template((CONFIGURATION / PROPERTIES).read_text())
        text = template.substitute(port=port, controller_port=free_port(), log_dirs=self.data_dir / "logs")
        (self.data_dir / PROPERTIES).write_text(text)

    def _format(self, command: list[str]) -> None:
        """Give a new folder its cluster id; one that has it stays as it is."""
        if (self.data_dir / "logs" / "meta.properties").exists():
            return
        # 16 bytes in base64 for URLs; the zero keeps the id from starting with a dash, as an option would.
        cluster_id = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        properties = str(self.data_dir / PROPERTIES)
        format_logs = [*command, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", properties]
        done = subprocess.run(format_logs, check=False, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            message = f"cannot prepare {self.data_dir} for Kafka: {(done.stderr or done.stdout).strip()[-500:]}"
            raise LocalServiceError(message)

    def _spawn(self, command: list[str]) -> psutil.Process:
        """Start a process that is no child of ours: it lives on when we die, and is not ours to reap."""
        script = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", str(self.log_path), *command],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.data_dir,
            start_new_session=True,
        )
        return psutil.Process(int(done.stdout))

    def _wait_ready(self, process: psutil.Process, log_from: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with self.log_path.open(errors="replace") as log:
                log.seek(log_from)
                if READY_LINE in log.read():
                    return
            if not alive(process):
                raise self._failure("does not start")
            time.sleep(POLL_SECONDS)
        kill_tree(process)
        raise self._failure(f"was not ready after {START_TIMEOUT_SECONDS} s")
