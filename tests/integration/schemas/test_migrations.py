"""Migrations on a real server: once, in order, whole or not at all, and never changed afterwards."""

import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from schemas.sql.runner import Migration, MigrationError, migrate, migrations, status

pytestmark = pytest.mark.postgres

FIRST = Migration(1, "first", "CREATE TABLE one (id integer);")
SECOND = Migration(2, "second", "INSERT INTO one VALUES (1);")
CONCURRENT = Migration(
    3, "concurrent",
    "-- no-transaction\nDROP INDEX CONCURRENTLY IF EXISTS one_id;\nCREATE INDEX CONCURRENTLY one_id ON one (id);\n",
)  # fmt: skip


@pytest.fixture
def empty(postgres_server: str) -> Iterator[str]:
    """The DSN of a database without anything in it."""
    name = f"migrations_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_conninfo(postgres_server, dbname=name)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def role_of_its_own(postgres_server: str) -> Iterator[str]:
    name = f"migrations_{secrets.token_hex(6)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
    yield name
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def count(dsn: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM one").fetchone()
        assert row is not None
        return row[0]


def test_all_migrations_of_the_release_are_applied_once(empty: str) -> None:
    labels = [migration.label for migration in migrations()]
    assert migrate(empty) == labels
    assert migrate(empty) == []
    assert [row.label for row in status(empty) if row.applied_at] == labels


def test_status_of_an_empty_database_changes_nothing(empty: str) -> None:
    assert [row.applied_at for row in status(empty, [FIRST, SECOND])] == [None, None]
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT to_regclass('ledger_migrations.migration')").fetchone() == (None,)


def test_only_what_is_new_is_applied(empty: str) -> None:
    assert migrate(empty, [FIRST]) == ["0001_first"]
    assert migrate(empty, [FIRST, SECOND]) == ["0002_second"]
    assert count(empty) == 1


def test_changed_file_is_refused_and_nothing_else_is_applied(empty: str) -> None:
    migrate(empty, [FIRST])
    changed = replace(FIRST, text=FIRST.text + "\n")
    for attempt in (migrate, status):
        with pytest.raises(MigrationError, match=r"0001_first was applied .* and has changed since"):
            attempt(empty, [changed, SECOND])
    assert count(empty) == 0


def test_older_release_refuses_a_newer_database(empty: str) -> None:
    migrate(empty, [FIRST, SECOND])
    with pytest.raises(MigrationError, match="has migration 0002_second, this release does not"):
        migrate(empty, [FIRST])


def test_refused_migration_leaves_nothing_behind_and_keeps_those_before_it(empty: str) -> None:
    half = Migration(2, "half", "INSERT INTO one VALUES (1); INSERT INTO nowhere VALUES (1);")
    with pytest.raises(MigrationError, match='0002_half: relation "nowhere" does not exist'):
        migrate(empty, [FIRST, half])
    assert count(empty) == 0
    assert migrate(empty, [FIRST, SECOND]) == ["0002_second"]


def test_migration_outside_a_transaction_may_build_indexes_concurrently(empty: str) -> None:
    assert migrate(empty, [FIRST, SECOND, CONCURRENT]) == ["0001_first", "0002_second", "0003_concurrent"]
    with psycopg.connect(empty) as connection:
        assert connection.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'one_id'::regclass"
        ).fetchone() == (True,)


def test_role_that_a_migration_left_set_does_not_outlive_it(empty: str) -> None:
    migrate(empty, [Migration(1, "role", "SET ROLE pg_read_all_data;"), replace(FIRST, version=2)])
    assert count(empty) == 0


def test_many_migrators_at_once_apply_each_migration_once(empty: str) -> None:
    applied: list[str] = []
    threads = [threading.Thread(target=lambda: applied.extend(migrate(empty, [FIRST, SECOND]))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(applied) == ["0001_first", "0002_second"]
    assert count(empty) == 1


def test_a_role_that_the_migrator_of_another_database_changes_at_the_same_time_is_waited_for(
    empty: str, role_of_its_own: str
) -> None:
    """Roles belong to the whole server: PostgreSQL ends whoever waited for the other's change."""
    change = f"ALTER ROLE {role_of_its_own} SET lock_timeout = '30s'"
    applied: list[str] = []
    migrator = threading.Thread(target=lambda: applied.extend(migrate(empty, [Migration(1, "role", change)])))
    with psycopg.connect(empty, autocommit=True) as looking, psycopg.connect(empty) as other:
        looking.execute(change)
        other.execute(change)
        migrator.start()
        while migrator.is_alive() and not looking.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
            pass
        other.commit()
        migrator.join()
    assert applied == ["0001_role"]


def test_user_without_superuser_rights_can_migrate(empty: str, postgres_server: str) -> None:
    name, password = f"migrator_{secrets.token_hex(6)}", secrets.token_hex(12)
    with psycopg.connect(empty, autocommit=True) as connection:
        if connection.info.server_version < 160_000:
            pytest.skip("before PostgreSQL 16 only a superuser can give the poster BYPASSRLS")
        database = sql.Identifier(connection.info.dbname)
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE BYPASSRLS PASSWORD {}").format(sql.Identifier(name), password)
        )
        for role in ("owner", "poster", "projector", "reader", "reconciler", "inbox", "publisher"):
            # The cluster is shared with other tests, whose superuser made these roles and alone may grant them.
            exists = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (f"ledger_{role}",)).fetchone()
            if exists is not None:
                grant = sql.SQL("GRANT {} TO {} WITH ADMIN OPTION")
                connection.execute(grant.format(sql.Identifier(f"ledger_{role}"), sql.Identifier(name)))
        connection.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(database, sql.Identifier(name)))
    try:
        dsn = make_conninfo(empty, user=name, password=password)
        assert migrate(dsn) == [migration.label for migration in migrations()]
        with psycopg.connect(make_conninfo(dsn, options="-c role=ledger_poster")) as connection:
            assert connection.execute("SELECT scale FROM ledger.asset WHERE code = 'JPY'").fetchone() == (0,)
    finally:
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_assets_are_those_of_iso_4217(empty: str) -> None:
    migrate(empty)
    with psycopg.connect(empty) as connection:
        rows = connection.execute("SELECT code, asset_id, scale FROM ledger.asset").fetchall()
    assets = {code: (asset_id, scale) for code, asset_id, scale in rows}
    assert len(assets) > 160
    assert assets["BRL"] == (986, 2)
    assert assets["JPY"] == (392, 0)
    assert assets["KWD"] == (414, 3)
    assert assets["CLF"] == (990, 4)
    assert assets["BTC"] == (1000, 8)
    assert "XXX" not in assets


def test_files_are_named_by_number_and_numbers_are_used_once(tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("SELECT 1;")
    (tmp_path / "README").write_text("no migration")
    assert [migration.label for migration in migrations(tmp_path)] == ["0001_one"]
    (tmp_path / "0001_other.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="have the same number"):
        migrations(tmp_path)
    (tmp_path / "0001_other.sql").rename(tmp_path / "2_other.sql")
    with pytest.raises(MigrationError, match=r"2_other\.sql is not named"):
        migrations(tmp_path)
