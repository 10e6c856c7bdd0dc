"""PostgreSQL's programs are found where the server's user can run them."""

import os
import shutil
from pathlib import Path

import pytest

from deploy.local import postgres_binaries
from deploy.local.places import ServiceUser, run_as, service_user
from deploy.local.postgres import LocalPostgres
from deploy.local.postgres_binaries import PostgresBinaries, find_binaries

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")


@pytest.fixture
def closed_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel's files in a folder that only we may enter, as a virtual environment in /root would be."""
    installed = Path(find_binaries(None, tmp_path).bin).parents[2]
    closed = tmp_path / "closed"
    for name in (postgres_binaries.PACKAGE, postgres_binaries.BUNDLED_LIBRARIES):
        shutil.copytree(installed / name, closed / name, symlinks=True)
    closed.chmod(0o700)
    monkeypatch.setattr(postgres_binaries, "_packages_folder", lambda: closed)
    return closed


@as_root
def test_programs_in_a_closed_folder_are_copied_once_for_the_unprivileged_user(
    closed_packages: Path, open_folder: Path
) -> None:
    user = service_user()
    assert user is not None
    copy = find_binaries(user, open_folder / "cache")
    assert copy.bin.is_relative_to(open_folder / "cache")
    assert version_of(copy, user).startswith("postgres (PostgreSQL) 18")
    made = copy.bin.stat().st_ctime_ns
    assert find_binaries(user, open_folder / "cache").bin.stat().st_ctime_ns == made
    leftovers = [path.name for path in (open_folder / "cache").iterdir() if path.name.startswith(".")]
    assert leftovers == []


@as_root
def test_server_runs_from_the_copy(closed_packages: Path, open_folder: Path) -> None:
    with LocalPostgres(open_folder / "data", cache=open_folder / "cache") as server:
        assert server.running


def test_programs_that_the_user_can_run_are_used_where_they_are(tmp_path: Path) -> None:
    assert not find_binaries(None, tmp_path).bin.is_relative_to(tmp_path)


def version_of(binaries: PostgresBinaries, user: ServiceUser) -> str:
    return run_as(user, [binaries.program("postgres"), "--version"]).stdout
