"""Every PostgreSQL of version 15 or later that is installed here takes the schema, posts and verifies.

LEDGER_POSTGRES_BIN=FOLDER runs any other test against one of them.
"""

from pathlib import Path

import pytest

from deploy.local.errors import LocalServiceError, LocalServiceUnavailable
from deploy.local.places import service_user
from deploy.local.postgres import LocalPostgres
from deploy.local.postgres_binaries import PostgresBinaries, find_binaries
from ledger_core.store.verify import verify
from tests.invariants import assert_invariants
from tests.support.databases import create_database
from tests.support.posted_ledger import PostedLedger, everything

OLDEST = 15
FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
"""Where Debian, Red Hat and Homebrew install them."""


def installed() -> list[Path]:
    found = [path for pattern in FOLDERS for path in sorted(Path("/").glob(pattern.removeprefix("/")))]
    return [
        path
        for path in found
        if (path / "initdb").exists() and PostgresBinaries(path).major_version(service_user()) >= OLDEST
    ]


INSTALLED = installed()


@pytest.mark.postgres
@pytest.mark.timeout(300)
@pytest.mark.parametrize("programs", INSTALLED, ids=lambda path: path.parent.name)
def test_a_server_of_this_version_posts_and_verifies(programs: Path, open_folder: Path) -> None:
    with LocalPostgres(open_folder / "data", programs=programs) as server:
        database = create_database(server.dsn())
        with PostedLedger(database.dsn()) as ledger:
            ledger.create_book()
            for batch in everything():
                ledger.post(batch)
        report = verify(database.dsn())
        assert (report.ok, report.events > 0) == (True, True), report.checks
        assert_invariants(database.dsn())


@pytest.mark.skipif(not INSTALLED, reason=f"OTHER POSTGRESQL VERSIONS NOT TESTED: none in {', '.join(FOLDERS)}")
def test_at_least_one_other_version_was_tested() -> None:
    assert INSTALLED


def test_a_folder_without_the_programs_is_refused_by_the_name_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(LocalServiceUnavailable, match="LEDGER_POSTGRES_BIN"):
        find_binaries(service_user(), tmp_path, tmp_path)


def test_data_of_another_version_are_refused_before_the_server_starts(open_folder: Path) -> None:
    server = LocalPostgres(open_folder / "data")
    server.start()
    server.stop()
    version = open_folder / "data" / "PG_VERSION"
    version.write_text("15\n")
    with pytest.raises(LocalServiceError, match=r"are PostgreSQL 15's, the programs are version 18"):
        server.start()
