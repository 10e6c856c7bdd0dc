"""What the database itself refuses of closing accounts, whoever writes: each thing tried in raw SQL."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from ledger_core.store.connection import Role
from tests.support.account_events import SUSPENSE, left_over, opened
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.hands import WRITERS, acting_as
from tests.support.hold_events import placed
from tests.support.postings import Scene, captured, paid_out

pytestmark = pytest.mark.postgres

SELLER, EMPTY, HELD = "wallet:seller:1", "wallet:seller:2", "wallet:seller:3"
SET_STATUS = """UPDATE ledger.account_head AS head SET status = %s FROM ledger.account
    WHERE account.account_id = head.account_id AND account.book_id = head.book_id AND account.code = %s"""


@pytest.fixture(scope="module")
def posted(postgres_server: str) -> Iterator[TestDatabase]:
    """All that is tried here is refused or rolled back, so one database serves all."""
    database = create_database(postgres_server)
    with Scene(database.dsn()) as scene:
        scene.post(
            left_over("o-1", 5), left_over("o-2", -5), captured("o-3", to=EMPTY), paid_out("p-1", of=EMPTY),
            opened(HELD), placed("h-1", 1, of=HELD),
        )  # fmt: skip
    yield database
    drop_database(database)


def set_status(connection: psycopg.Connection, status: str, code: str) -> None:
    assert connection.execute(SET_STATUS, (status, code)).rowcount == 1


@pytest.mark.parametrize("role", WRITERS)
@pytest.mark.parametrize("code", [pytest.param(SELLER, id="a balance"), pytest.param(HELD, id="an open hold")])
def test_an_account_with_something_on_it_does_not_close(role: Role | None, code: str, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection, pytest.raises(errors.CheckViolation, match="CLOSING_REFUSED"):
        set_status(connection, "C", code)


@pytest.mark.parametrize("role", WRITERS)
def test_an_account_whose_order_keys_only_cancel_each_other_out_does_not_close(
    role: Role | None, posted: TestDatabase
) -> None:
    """Looked at when the transaction commits: the entries of a posting come after its heads."""
    with acting_as(posted, role) as connection:
        set_status(connection, "C", SUSPENSE)
        with pytest.raises(errors.CheckViolation, match=r"CLOSING_REFUSED: .* for order key o-[12]"):
            connection.commit()


@pytest.mark.parametrize("role", WRITERS)
def test_an_empty_account_closes_and_never_opens_again(role: Role | None, posted: TestDatabase) -> None:
    with acting_as(posted, role) as connection:
        set_status(connection, "C", EMPTY)
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for status in ("O", "F"):
            with pytest.raises(errors.CheckViolation, match="CLOSING_REFUSED"), connection.transaction():
                set_status(connection, status, EMPTY)
