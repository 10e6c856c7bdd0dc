"""What every test of faults has: a database that must be whole afterwards, whatever was killed."""

from collections.abc import Iterator

import pytest

from tests.invariants import assert_invariants
from tests.support.databases import TestDatabase
from tests.support.postings import Scene


@pytest.fixture
def database(database: TestDatabase) -> Iterator[TestDatabase]:
    """The fresh database of any test; what a fault leaves in it must hold."""
    yield database
    assert_invariants(database.dsn())


@pytest.fixture
def scene(database: TestDatabase) -> Iterator[Scene]:
    with Scene(database.dsn()) as scene:
        yield scene
