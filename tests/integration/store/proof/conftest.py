"""A signed ledger for those who change its rows: made once, copied for each test."""

from collections.abc import Iterator

import pytest

from ledger_core.store.proof.checkpoint import open_checkpoint
from ledger_core.store.proof.signing import StoredCheckpoint
from ledger_core.store.verify import Trust
from tests.support.databases import TestDatabase, copy_database, drop_database
from tests.support.signed_ledger import signed_ledger
from tests.support.signing import KEY


@pytest.fixture(scope="package")
def whole(postgres_server: str) -> Iterator[tuple[TestDatabase, list[StoredCheckpoint]]]:
    with signed_ledger(postgres_server) as made:
        yield made


@pytest.fixture
def shop(whole: tuple[TestDatabase, list[StoredCheckpoint]]) -> Iterator[TestDatabase]:
    """The signed ledger, for one test to change."""
    copy = copy_database(whole[0])
    yield copy
    drop_database(copy)


@pytest.fixture
def kept(whole: tuple[TestDatabase, list[StoredCheckpoint]]) -> Trust:
    """The pinned key, and the second checkpoint as someone outside has kept it."""
    return Trust([KEY.public], [open_checkpoint(whole[1][1].signed.note, [KEY.public])[0]])
