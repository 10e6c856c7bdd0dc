"""A PostgreSQL server on this machine: our own initdb and pg_ctl over the binaries of a wheel.

It listens on the loopback address alone, asks every client for a password, and gives up no durability.
"""

import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import LiteralString
from urllib.parse import quote

import psutil
import psycopg

from deploy.local.errors import LocalServiceError
from deploy.local.places import local_cache, run_as, service_user
from deploy.local.postgres_binaries import PostgresBinaries, find_binaries
from deploy.local.processes import LOOPBACK, alive, kill_tree
from deploy.local.server import LocalServer

SUPERUSER = "ledger_admin"
START_TIMEOUT_SECONDS = 120
CONFIGURATION = "ledger.conf"
PID_FILE = "postmaster.pid"
BUILTIN_LOCALES_SINCE = 17
# A server sees that a client has hung up a little later than the client.
OWN_CONNECTIONS_CLOSE_SECONDS = 1.0
OTHERS_ARE_CONNECTED: LiteralString = """
    SELECT EXISTS (
        SELECT FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
    )
"""

# What a laptop or a CI machine bears. Durability is untouched: the speed measured is the speed you get.
SETTINGS: Mapping[str, str] = MappingProxyType({
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "off",  # the wheel is built without lz4, and pglz costs more than the bytes it saves
    "jit": "off",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "password_encryption": "scram-sha-256",
})  # fmt: skip


class LocalPostgres(LocalServer):
    """A server of our own with its data in `data_dir`; `settings` override those above.

    `programs` is the folder of another PostgreSQL installation, of version 15 or later. While others are connected to
    a `shared` one, nobody who leaves stops it.

    As root it runs as an unprivileged user, which has to be able to enter the folders above `data_dir`.
    """

    label = "PostgreSQL"

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
        cache: Path | None = None,
        programs: Path | None = None,
        shared: bool = False,
    ) -> None:
        super().__init__(data_dir, port=port)
        self._shared = shared
        self._programs = programs
        self._cache = cache or local_cache(os.environ)
        self._settings = {**SETTINGS, **settings}
        self._user = service_user()

    def dsn(self, *, user: str = SUPERUSER, database: str = "postgres") -> str:
        """A connection URI; it holds the password, so it does not belong in a log."""
        try:
            password = self._beside("password").read_text().strip()
        except OSError as error:
            message = f"{self.label} in {self.data_dir} has no password file: call start() first"
            raise LocalServiceError(message) from error
        return f"postgresql://{quote(user)}:{quote(password)}@{LOOPBACK}:{self.port}/{quote(database)}"

    # ------------------------------------------------------------------------------------------ state on disk
    def _running_process(self) -> psutil.Process | None:
        """The postmaster named by its pid file, if that process still is the postmaster of this folder."""
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            first_line = (self.data_dir / PID_FILE).read_text().splitlines()[0]
            process = psutil.Process(int(first_line))
            if alive(process) and Path(process.cwd()).resolve() == self.data_dir.resolve():
                return process
        return None

    def _remembered_port(self) -> int | None:
        with suppress(OSError, ValueError):
            for line in (self.data_dir / CONFIGURATION).read_text().splitlines():
                name, _, value = line.partition("=")
                if name.strip() == "port":
                    return int(value.strip().strip("'"))
        return None

    # --------------------------------------------------------------------------------------------- life cycle
    def _prepare(self) -> None:
        if (self.data_dir / "global" / "pg_control").exists():
            self._demand_same_version()
            return
        if self.data_dir.exists() and any(self.data_dir.iterdir()):
            message = f"{self.data_dir} is neither empty nor a PostgreSQL data folder: choose another"
            raise LocalServiceError(message)
        self._initialise()

    def _initialise(self) -> None:
        """initdb into a folder beside, then rename: an interrupted first start leaves nothing half made."""
        if self._user is not None and not self._user.passes(self.data_dir.parent):
            message = (
                f"user {self._user.name}, as whom PostgreSQL runs when we are root, cannot enter "
                f"{self.data_dir.parent}: set LEDGER_HOME to a folder that it may enter"
            )
            raise LocalServiceError(message)
        draft = self._beside("new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self._give(draft)
        self._write_private(self._beside("password"), secrets.token_urlsafe(24) + "\n")
        programs = self._binaries()
        builtin = programs.major_version(self._user) >= BUILTIN_LOCALES_SINCE
        done = run_as(self._user, [
            programs.program("initdb"), f"--pgdata={draft}", f"--username={SUPERUSER}",
            f"--pwfile={self._beside('password')}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
            *(("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if builtin else ()),
        ])  # fmt: skip
        if done.returncode != 0:
            message = f"initdb failed in {draft}: {(done.stderr or done.stdout).strip()[-500:]}"
            raise LocalServiceError(message)
        with (draft / "postgresql.conf").open("a") as configuration:
            configuration.write(f"\n# Written anew at every start:\ninclude_if_exists = '{CONFIGURATION}'\n")
        if self.data_dir.exists():
            self.data_dir.rmdir()
        draft.rename(self.data_dir)

    def _demand_same_version(self) -> None:
        """The files of one major version are nothing that another can read."""
        written = (self.data_dir / "PG_VERSION").read_text().strip()
        ours = self._binaries().major_version(self._user)
        if written != str(ours):
            message = f"the data in {self.data_dir} are PostgreSQL {written}'s, the programs are version {ours}"
            raise LocalServiceError(message)

    def _launch_on(self, port: int) -> None:
        self._clear_remains_of_crash()
        quoted = {name: value.replace("'", "''") for name, value in {**self._settings, "port": str(port)}.items()}
        lines = "".join(f"{name} = '{value}'\n" for name, value in quoted.items())
        self._write_private(self.data_dir / CONFIGURATION, lines)
        self.log_path.touch(mode=0o600)
        self._give(self.log_path)
        done = run_as(
            self._user,
            [
                self._binaries().program("pg_ctl"), "start", f"--pgdata={self.data_dir}",
                f"--log={self.log_path}", "--wait", f"--timeout={START_TIMEOUT_SECONDS}", "--silent",
            ],
            timeout_seconds=START_TIMEOUT_SECONDS + 30,
        )  # fmt: skip
        if done.returncode != 0:
            raise self._failure("does not start")

    def _request_stop(self, process: psutil.Process) -> None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT)  # "fast": open transactions are rolled back, then a checkpoint

    def _clear_remains_of_crash(self) -> None:
        """End what a crash left: a backend still busy on these files, a pid file whose number is used again.

        The server refuses to start beside either; we know by now that no postmaster runs here.
        """
        if not (self.data_dir / PID_FILE).exists():
            return
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if Path(process.cwd()) == self.data_dir.resolve() and process.exe().endswith("/postgres"):
                    kill_tree(process)
        (self.data_dir / PID_FILE).unlink(missing_ok=True)

    def _serves_others(self) -> bool:
        if not self._shared or not self.running:
            return False
        closed_by = time.monotonic() + OWN_CONNECTIONS_CLOSE_SECONDS
        try:
            with psycopg.connect(self.dsn(), connect_timeout=10, autocommit=True) as connection:
                while connection.execute(OTHERS_ARE_CONNECTED).fetchone() == (True,):
                    if time.monotonic() > closed_by:
                        return True
                    time.sleep(0.02)
        except psycopg.OperationalError:  # it went away, and everybody with it; or it is too busy to answer
            return self.running
        return False

    # ------------------------------------------------------------------------------------------------ helpers
    def _binaries(self) -> PostgresBinaries:
        return find_binaries(self._user, self._cache, self._programs)

    def _write_private(self, path: Path, text: str) -> None:
        """A file that only the server's user (and root) can read, never seen half written."""
        draft = path.with_name(f".{path.name}.new")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(text)
        self._give(draft)
        draft.replace(path)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            self._user.owns(path)
