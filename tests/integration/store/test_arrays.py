"""Array literals as PostgreSQL reads them."""

from collections.abc import Iterator

import psycopg
import pytest

from ledger_core.store.arrays import booleans, integers, texts
from tests.support.databases import TestDatabase

pytestmark = pytest.mark.postgres

TEXTS = [
    "",
    " ",
    "NULL",
    "null",
    '"',
    "\\",
    '\\"',
    "a,b",
    "{}",
    "{a}",
    "'",
    "é",
    "日本",
    "\n\t\r",
    "%s",
    "\\x41",
    "x" * 9_000,
]


@pytest.fixture
def admin(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.dsn(), autocommit=True) as connection:
        yield connection


def test_texts_come_back_as_they_were(admin: psycopg.Connection) -> None:
    for values in ([], TEXTS, *([text] for text in TEXTS)):
        assert admin.execute("SELECT %s::text[]", [texts(values)]).fetchone() == (values,)


def test_integers_and_booleans_come_back_as_they_were(admin: psycopg.Connection) -> None:
    numbers, marks = [0, -1, 2**63 - 1, -(2**63)], [True, False]
    row = admin.execute("SELECT %s::bigint[], %s::boolean[]", [integers(numbers), booleans(marks)]).fetchone()
    assert row == (numbers, marks)
    assert admin.execute("SELECT %s::bigint[]", [integers([])]).fetchone() == ([],)
