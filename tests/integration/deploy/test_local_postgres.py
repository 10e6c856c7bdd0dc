"""The local PostgreSQL: its data survive, it can be found again, and nobody gets in without the password."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from deploy.local.errors import LocalServiceError
from deploy.local.places import service_user
from deploy.local.postgres import LocalPostgres
from deploy.local.processes import free_port

pytestmark = pytest.mark.postgres
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
SMALL = {"shared_buffers": "16MB", "max_connections": "10"}


@contextmanager
def stopped_at_the_end(server: LocalPostgres) -> Iterator[LocalPostgres]:
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(open_folder: Path) -> Iterator[LocalPostgres]:
    with LocalPostgres(open_folder / "data", settings=SMALL) as running:
        yield running


def remember(server: LocalPostgres, value: int) -> None:
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def remembered(server: LocalPostgres) -> list[int]:
    with psycopg.connect(server.dsn()) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_data_and_port_are_kept_over_stop_and_start(server: LocalPostgres) -> None:
    port = server.port
    remember(server, 1)
    server.stop()
    assert not server.running
    server.start()
    assert remembered(server) == [1]
    assert server.port == port


def test_committed_rows_are_there_after_sigkill_and_restart(server: LocalPostgres) -> None:
    remember(server, 1)
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")  # not committed when the server dies
        server.kill()
        assert not server.running
        connection.close()
    server.start()
    assert remembered(server) == [1]


def test_second_start_attaches_to_the_running_server(server: LocalPostgres) -> None:
    remember(server, 1)
    guest = LocalPostgres(server.data_dir)
    guest.start()
    assert remembered(guest) == [1]


def test_guest_from_another_process_leaves_the_server_running(server: LocalPostgres) -> None:
    run_elsewhere("with LocalPostgres(folder): pass", server.data_dir)
    assert server.running


def test_server_of_a_killed_parent_is_adopted_and_stopped(open_folder: Path) -> None:
    data = open_folder / "data"
    with pytest.raises(subprocess.CalledProcessError):
        run_elsewhere("LocalPostgres(folder).start(); os.kill(os.getpid(), 9)", data)
    with stopped_at_the_end(LocalPostgres(data)) as orphan:
        assert orphan.running
        with orphan:
            remember(orphan, 1)
        assert not orphan.running


def test_another_port_than_the_running_one_is_refused(server: LocalPostgres) -> None:
    with pytest.raises(LocalServiceError, match="stop it first"):
        LocalPostgres(server.data_dir, port=free_port()).start()


def test_taken_port_is_refused_in_plain_words(server: LocalPostgres, open_folder: Path) -> None:
    with pytest.raises(LocalServiceError, match="taken by another program"):
        LocalPostgres(open_folder / "other", port=server.port, settings=SMALL).start()


def test_remembered_port_that_is_taken_gives_way_to_a_free_one(server: LocalPostgres, open_folder: Path) -> None:
    with stopped_at_the_end(LocalPostgres(open_folder / "other", settings=SMALL)) as other:
        other.start()
        other.stop()
        configuration = other.data_dir / "ledger.conf"
        configuration.write_text(configuration.read_text().replace(f"port = '{other.port}'", f"port = '{server.port}'"))
        other.start()
        assert other.running
        assert other.port != server.port


def test_stale_pid_file_of_a_process_that_lives_on_is_no_obstacle(server: LocalPostgres) -> None:
    remember(server, 1)
    server.kill()
    pid_file = server.data_dir / "postmaster.pid"
    pid_file.write_text(pid_file.read_text().replace(pid_file.read_text().split("\n")[0], str(os.getppid()), 1))
    assert not server.running
    server.start()
    assert remembered(server) == [1]


def test_no_password_no_entry(server: LocalPostgres) -> None:
    without = f"host=127.0.0.1 port={server.port} user=ledger_admin dbname=postgres"
    for dsn in (without, f"{without} password=guessed"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(dsn)


def test_password_is_readable_by_its_owner_alone(server: LocalPostgres) -> None:
    password = server.data_dir.with_name("data.password")
    assert password.stat().st_mode & 0o777 == 0o600
    assert server.data_dir.stat().st_mode & 0o777 == 0o700


def test_server_is_as_durable_as_in_production_and_on_loopback_only(server: LocalPostgres) -> None:
    names = ["fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "unix_socket_directories"]
    with psycopg.connect(server.dsn()) as connection:
        rows = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [names]).fetchall()
    assert dict(rows) == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }


def test_wrong_setting_fails_with_the_servers_own_words(open_folder: Path) -> None:
    with pytest.raises(LocalServiceError, match="unrecognized configuration parameter"):
        LocalPostgres(open_folder / "data", settings={"no_such_setting": "1"}).start()


def test_folder_with_other_files_is_left_alone(open_folder: Path) -> None:
    (open_folder / "data").mkdir()
    (open_folder / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(LocalServiceError, match="neither empty nor"):
        LocalPostgres(open_folder / "data").start()
    assert (open_folder / "data" / "thesis.txt").exists()


def test_interrupted_first_start_is_begun_again(open_folder: Path) -> None:
    half_made = open_folder / "data.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    with LocalPostgres(open_folder / "data", settings=SMALL) as server:
        remember(server, 1)


@as_root
def test_root_steps_down_to_an_unprivileged_user(server: LocalPostgres) -> None:
    user = service_user()
    assert user is not None
    assert server.data_dir.stat().st_uid == user.uid
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        assert Path(f"/proc/{row[0]}").stat().st_uid == user.uid


@as_root
def test_folder_closed_to_that_user_is_refused_in_plain_words(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(LocalServiceError, match="set LEDGER_HOME"):
        LocalPostgres(tmp_path / "data").start()


def run_elsewhere(code: str, folder: Path) -> None:
    """Run code in a process of its own, with `folder` at hand."""
    preamble = "import os, sys, pathlib; from deploy.local.postgres import LocalPostgres; "
    program = f"{preamble}folder = pathlib.Path(sys.argv[1])\n{code}"
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True, timeout=60)
