"""Array literals as PostgreSQL reads them."""

from collections.abc import Iterator

import psycopg
import pytest

from ledger_core.store.arrays import NOTHING, booleans, integers, shared, texts, times
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


def test_times_come_back_as_they_were_and_none_as_null(admin: psycopg.Connection) -> None:
    noon = "2026-03-01T12:00:00.123456Z"
    for values in ([], [noon], ["", noon, ""], [""]):
        row = admin.execute(
            "SELECT %s::timestamptz[] = %s::timestamptz[]", [times(values), [one or None for one in values]]
        )
        assert row.fetchone() == (True,)


def test_what_all_say_alike_is_said_once() -> None:
    assert shared([7, 7], integers) == (NOTHING, 7)
    assert shared([7, 8], integers) == ("{7,8}", 7)
    assert shared(["", "a"], texts) == ('{"","a"}', "")
