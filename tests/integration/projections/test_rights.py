"""What the roles may do with the read models: readers see one book, the projector writes nothing but these."""

import asyncio

import psycopg
import pytest
from psycopg import errors

from ledger_core.store.connection import Role, connect
from tests.support.planted_ledger import plant
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

TABLES = (
    "checkpoint",
    "source_position",
    "payment_versions",
    "part_versions",
    "beneficiary_versions",
    "daily_balance_versions",
    "trial_balance_versions",
    "day_rollup",
)
VIEWS = ("payment", "story", "beneficiary", "daily_balance", "trial_balance", "progress")


@pytest.fixture
def two_books(admin: psycopg.Connection, read_side: ReadSide) -> tuple[int, int]:
    shops = [plant(admin, code) for code in ("one", "two")]
    for shop in shops:
        shop.capture("o1", 100)

    async def refresh() -> None:
        await read_side.relay_all()
        await read_side.project_all()

    asyncio.run(refresh())
    return shops[0].book_id, shops[1].book_id


def test_a_reader_sees_the_rows_of_its_book_alone(read_side: ReadSide, two_books: tuple[int, int]) -> None:
    with connect(read_side.database.dsn(), Role.READER) as reader:
        for view in VIEWS:
            books = f"SELECT DISTINCT book_id FROM projections.{view}".encode()
            reader.execute("SELECT set_config('ledger.book_id', '', true)")
            assert reader.execute(books).fetchall() == []
            for book_id in two_books:
                reader.execute("SELECT set_config('ledger.book_id', %s, true)", [str(book_id)])
                assert reader.execute(books).fetchall() == [(book_id,)]


def refused(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(statement.encode())


def test_nobody_but_the_projector_writes_read_models(read_side: ReadSide, two_books: tuple[int, int]) -> None:
    for role in (Role.READER, Role.RECONCILER, Role.POSTER):
        with connect(read_side.database.dsn(), role) as connection:
            connection.read_only = False
            for table in TABLES:
                refused(connection, f"DELETE FROM projections.{table}")


def test_the_projector_cannot_write_the_ledger(read_side: ReadSide, two_books: tuple[int, int]) -> None:
    with read_side.connect() as connection:
        for table in ("event", "entry", "block", "inbox", "book", "account_head", "subject"):
            refused(connection, f"DELETE FROM ledger.{table}")
