"""What the roles may do with the read models: readers see one book, the projector writes nothing but these."""

import asyncio

import psycopg
import pytest
from psycopg import errors

from ledger_core.store.connection import Role, connect
from tests.support.planted_ledger import plant
from tests.support.read_side import ReadSide

pytestmark = pytest.mark.postgres

VIEWS = ("payment", "daily_balance", "trial_balance", "progress")


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


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_sees_the_rows_of_its_book_alone(read_side: ReadSide, two_books: tuple[int, int], view: str) -> None:
    books = f"SELECT DISTINCT book_id FROM projections.{view}".encode()
    with connect(read_side.database.dsn(), Role.READER) as reader:
        assert reader.execute(books).fetchall() == []
        for book_id in two_books:
            reader.execute("SELECT set_config('ledger.book_id', %s, true)", [str(book_id)])
            assert reader.execute(books).fetchall() == [(book_id,)]


@pytest.mark.parametrize("role", [Role.READER, Role.RECONCILER, Role.POSTER])
@pytest.mark.parametrize("table", ["checkpoint", "payment_versions", "source_position"])
def test_nobody_but_the_projector_writes_read_models(
    read_side: ReadSide, two_books: tuple[int, int], role: Role, table: str
) -> None:
    with connect(read_side.database.dsn(), role) as connection:
        connection.read_only = False
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(f"DELETE FROM projections.{table}".encode())


@pytest.mark.parametrize("table", ["event", "entry", "block", "inbox", "book", "account_head", "subject"])
def test_the_projector_cannot_write_the_ledger(read_side: ReadSide, two_books: tuple[int, int], table: str) -> None:
    with read_side.connect() as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"DELETE FROM ledger.{table}".encode())
