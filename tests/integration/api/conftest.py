"""The query API over a shop in which everything happened, relayed, projected and scanned."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from psycopg_pool import ConnectionPool

from tests.support.api import client_of
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.posted_ledger import PostedLedger, everything
from tests.support.read_side import ReadSide
from tests.support.shop import book_id_of, posting, reading_pool, scan_book


@contextmanager
def furnished(database: TestDatabase) -> Iterator[PostedLedger]:
    """The shop, posted, relayed, projected and scanned."""
    with posting(database) as ledger:
        for batch in everything():
            ledger.post(batch)
        asyncio.run(_project(database))
        scan_book(database, book_id_of(database))
        yield ledger


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PostedLedger]:
    with furnished(database) as ledger:
        yield ledger


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with reading_pool(database) as opened:
        yield opened


@pytest.fixture
def client(shop: PostedLedger, pool: ConnectionPool) -> Iterator[httpx.Client]:
    """A client over a shop of this test's own, for tests that post."""
    with client_of(pool) as opened:
        yield opened


@pytest.fixture(scope="module")
def standing_database(postgres_server: str) -> Iterator[TestDatabase]:
    """A database for a shop that stays as it is."""
    database = create_database(postgres_server)
    yield database
    drop_database(database)


@pytest.fixture(scope="module")
def standing(standing_database: TestDatabase) -> Iterator[httpx.Client]:
    """A client over it, for tests that only ask."""
    with furnished(standing_database), reading_pool(standing_database) as pool, client_of(pool) as opened:
        yield opened


async def _project(database: TestDatabase) -> None:
    side = ReadSide(database)
    await side.create_topic()
    await side.relay_all()
    await side.project_all()
