"""The test harness itself: a database of its own for each test, with the schema of all migrations."""

import psycopg
import pytest

from deploy.local.errors import LocalServiceUnavailable
from ledger_core.store.connection import Role, connect
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.servers import go_without_kafka


def test_database_is_migrated_and_acts_as_each_role(database: TestDatabase) -> None:
    for role in Role:
        with connect(database.dsn(), role) as connection:
            row = connection.execute("SELECT current_user").fetchone()
            assert row == (role.value,)


def test_databases_share_nothing(database: TestDatabase, postgres_server: str) -> None:
    with psycopg.connect(database.dsn()) as connection:
        connection.execute("CREATE TABLE mine ()")
    other = create_database(postgres_server)
    try:
        with psycopg.connect(other.dsn()) as connection:
            assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)
    finally:
        drop_database(other)


@pytest.mark.parametrize("environment", [{"CI": "true"}, {"LEDGER_TEST_REQUIRE_KAFKA": "1"}])
def test_where_kafka_is_required_its_absence_fails(environment: dict[str, str]) -> None:
    with pytest.raises(pytest.fail.Exception, match="REAL KAFKA NOT TESTED: no Maven"):
        go_without_kafka(LocalServiceUnavailable("no Maven"), environment)


def test_elsewhere_what_needs_kafka_is_skipped_loudly() -> None:
    with pytest.raises(pytest.skip.Exception, match="REAL KAFKA NOT TESTED: no Maven"):
        go_without_kafka(LocalServiceUnavailable("no Maven"), {})
