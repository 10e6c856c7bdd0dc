"""A shop with everything in it, and a pool of readers over it."""

from collections.abc import Iterator

import pytest
from psycopg_pool import ConnectionPool

from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, everything
from tests.support.shop import posting, reading_pool


@pytest.fixture
def shop(database: TestDatabase) -> Iterator[PostedLedger]:
    with posting(database) as ledger:
        for batch in everything():
            ledger.post(batch)
        yield ledger


@pytest.fixture
def pool(database: TestDatabase) -> Iterator[ConnectionPool]:
    with reading_pool(database) as opened:
        yield opened
