"""What all tests on a real store share."""

from collections.abc import Iterator

import pytest

from tests.support.databases import TestDatabase
from tests.support.postings import Scene


@pytest.fixture
def scene(database: TestDatabase) -> Iterator[Scene]:
    """A ledger of its own with the book `shop`; every invariant holds in the end."""
    with Scene(database.dsn()) as scene:
        yield scene
        scene.assert_whole()
