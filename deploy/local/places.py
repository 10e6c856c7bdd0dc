"""Where local servers keep data and caches, and which user they run as.

PostgreSQL refuses to run as root, so as root it runs as another user, and every folder above its data must
let that user pass. `/root` does not; then the system-wide folders are used instead.
"""

import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalServiceError

APPLICATION = "ledger-engine"
SYSTEM_DATA = Path("/var/lib") / APPLICATION
SYSTEM_CACHE = Path("/var/cache") / APPLICATION


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """An account of the operating system under which a server runs."""

    name: str
    uid: int
    gid: int

    def owns(self, path: Path) -> None:
        """Hand a file or folder over to this user."""
        os.chown(path, self.uid, self.gid)

    def passes(self, path: Path) -> bool:
        """Whether this user may enter `path`, or the nearest folder above it that exists."""
        existing = next(folder for folder in (path, *path.parents) if folder.exists())
        return run_as(self, ["/bin/sh", "-c", 'test -x "$1"', "sh", str(existing)]).returncode == 0


def service_user() -> ServiceUser | None:
    """The user that a server has to run as: None is the one we are; root becomes `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServiceUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    message = "PostgreSQL refuses to run as root and there is no user postgres or nobody: run as an ordinary user"
    raise LocalServiceError(message)


def run_as(
    user: ServiceUser | None, command: list[str], *, timeout_seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as `user`, without the caller's PostgreSQL and locale settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=timeout_seconds,
        cwd="/",  # our own working folder may be closed to that user
        env=environment | {"LC_ALL": "C"},
        umask=0o077,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
    )


def local_home(environment: Mapping[str, str]) -> Path:
    """The folder of all local data: LEDGER_HOME, else the user's data folder, else (root) a system one."""
    if chosen := environment.get("LEDGER_HOME"):
        return Path(chosen).expanduser().absolute()
    return _user_folder(environment, "XDG_DATA_HOME", ".local/share", SYSTEM_DATA)


def local_cache(environment: Mapping[str, str]) -> Path:
    """The folder of things that can be fetched again; it may be deleted at any time when nothing runs."""
    return _user_folder(environment, "XDG_CACHE_HOME", ".cache", SYSTEM_CACHE)


def _user_folder(environment: Mapping[str, str], variable: str, default: str, system: Path) -> Path:
    try:
        base = Path(environment.get(variable) or Path.home() / default).absolute()
    except RuntimeError as error:
        message = "this user has no home folder: set LEDGER_HOME and XDG_CACHE_HOME to folders that it may write"
        raise LocalServiceError(message) from error
    user = service_user()
    return base / APPLICATION if user is None or user.passes(base) else system


def make_folder(path: Path) -> None:
    """Create `path` and what is missing above it, open to pass whatever the umask says."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o755)
    except OSError as error:
        message = f"cannot create {path} ({error.strerror}): set LEDGER_HOME to a folder that you may write"
        raise LocalServiceError(message) from error
