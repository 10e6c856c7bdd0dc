"""The query API over a shop in which everything happened, relayed, projected and scanned."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from psycopg_pool import ConnectionPool

from tests.support.api import client_of
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, everything
from tests.support.read_side import ReadSide
from tests.support.shop import book_id_of, posting, reading_pool, scan_book


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PostedLedger]:
    with posting(database) as ledger:
        for batch in everything():
            ledger.post(batch)
        asyncio.run(_project(database))
        scan_book(database, book_id_of(database))
        yield ledger


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with reading_pool(database) as opened:
        yield opened


@pytest.fixture
def client(shop: PostedLedger, pool: ConnectionPool) -> Iterator[httpx.Client]:
    with client_of(pool) as opened:
        yield opened


async def _project(database: TestDatabase) -> None:
    side = ReadSide(database)
    await side.create_topic()
    await side.relay_all()
    await side.project_all()
