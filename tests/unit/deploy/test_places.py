"""Where local data go: your choice, your home, or a system folder when root's home is closed."""

import os
from pathlib import Path

import pytest

from deploy.local import places
from deploy.local.errors import LocalServiceError
from deploy.local.places import SYSTEM_CACHE, SYSTEM_DATA, ServiceUser, local_cache, local_home, make_folder

NOBODY_SPECIAL = ServiceUser(name="nobody", uid=65534, gid=65534)


@pytest.fixture
def as_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "service_user", lambda: None)


@pytest.mark.usefixtures("as_ordinary_user")
def test_ordinary_user_keeps_data_in_the_user_folders() -> None:
    environment = {"XDG_DATA_HOME": "/data", "XDG_CACHE_HOME": "/cache"}
    assert local_home(environment) == Path("/data/ledger-engine")
    assert local_cache(environment) == Path("/cache/ledger-engine")


@pytest.mark.usefixtures("as_ordinary_user")
def test_without_xdg_folders_the_home_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert local_home({}) == Path("/home/someone/.local/share/ledger-engine")
    assert local_cache({}) == Path("/home/someone/.cache/ledger-engine")


def test_chosen_home_wins() -> None:
    assert local_home({"LEDGER_HOME": "/elsewhere", "XDG_DATA_HOME": "/data"}) == Path("/elsewhere")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
def test_root_whose_home_is_closed_uses_the_systems_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "service_user", lambda: NOBODY_SPECIAL)
    tmp_path.chmod(0o700)
    closed = str(tmp_path / "not" / "there" / "yet")
    assert local_home({"XDG_DATA_HOME": closed}) == SYSTEM_DATA
    assert local_cache({"XDG_CACHE_HOME": closed}) == SYSTEM_CACHE


def test_new_folders_can_be_entered_whatever_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        make_folder(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o755


def test_folder_that_cannot_be_made_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalServiceError, match="set LEDGER_HOME"):
        make_folder(tmp_path / "file" / "folder")
