"""What the tests of relay and projector share."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.databases import TestDatabase
from tests.support.read_side import ReadSide


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection]:
    """A superuser's connection; each statement commits."""
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection


@pytest.fixture
def read_side(database: TestDatabase) -> ReadSide:
    """Relay and projector over a log in memory that has the ledger's topic."""
    side = ReadSide(database)
    asyncio.run(side.create_topic())
    return side
