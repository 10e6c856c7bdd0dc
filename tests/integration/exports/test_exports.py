"""A book as text: complete, the same bytes for the same position, and harmless in a spreadsheet."""

import csv
import io

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from projections.exports.entries import COLUMNS, entries_of
from projections.exports.journals import JOURNALS, journal_of
from projections.exports.names import text_of
from projections.exports.vouchers import ExportFailed
from projections.queries.errors import PositionAheadError
from projections.queries.snapshot import Snapshot
from tests.integration.exports.conftest import DAYS, EVENT_IDS
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger, captured
from tests.support.shop import book_id_of, shop_at
from tests.support.tampering import rewrite_states, tampering

pytestmark = pytest.mark.postgres
FORMATS = [*JOURNALS, "csv"]


def text_in(at: Snapshot, name: str, position: int | None = None) -> str:
    if name == "csv":
        return "".join(entries_of(at, as_of_position=position))
    return "".join(journal_of(at, JOURNALS[name], as_of_position=position))


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_position_gives_the_same_bytes_whatever_is_posted_and_opened_later(
    name: str, shop: PostedLedger, pool: ConnectionPool
) -> None:
    with shop_at(pool) as at:
        position = at.position
        before, half = text_in(at, name), text_in(at, name, position // 2)
    shop.post([captured("later", 100, {"newcomer": 1})])
    shop.post([captured("latest", 100, {"latecomer": 50})])
    with shop_at(pool) as at:
        assert at.position > position
        assert text_in(at, name, position) == before
        assert text_in(at, name, position // 2) == half
        assert text_in(at, name) != before
    assert 0 < len(half) < len(before)


@pytest.mark.parametrize("name", FORMATS)
def test_a_position_that_the_book_has_not_reached_is_refused(
    name: str, shop: PostedLedger, pool: ConnectionPool
) -> None:
    with shop_at(pool) as at, pytest.raises(PositionAheadError):
        text_in(at, name, at.position + 1)


@pytest.mark.parametrize("name", JOURNALS)
def test_every_voucher_stands_in_the_journal_once_in_the_order_of_positions(
    name: str, shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with psycopg.connect(database.dsn()) as admin:
        positions = admin.execute(
            "SELECT position FROM ledger.event WHERE book_id = %s AND type = 'voucher.posted' ORDER BY position",
            [book_id_of(database)],
        ).fetchall()
    with shop_at(pool) as at:
        lines = [line.strip(" ;").replace('"', "") for line in text_in(at, name).splitlines()]
    assert [(int(line.split()[1]),) for line in lines if line.startswith("position: ")] == positions
    assert {text_of(line.partition(" ")[2]) for line in lines if line.startswith("event_id: ")} >= set(EVENT_IDS)


def test_the_csv_has_every_entry_in_the_order_of_the_log(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with psycopg.connect(database.dsn()) as admin:
        expected = admin.execute(
            """SELECT entry.position, line, account.code, CASE side WHEN 'D' THEN 'debit' ELSE 'credit' END,
                   amount_minor, posting_sequence, abs(running_minor), event.order_key
               FROM ledger.entry JOIN ledger.account USING (book_id, account_id) JOIN ledger.event
                   ON event.book_id = entry.book_id AND event.position = entry.position ORDER BY 1, 2"""
        ).fetchall()
    with shop_at(pool) as at:
        rows = list(csv.DictReader(io.StringIO(text_in(at, "csv"))))
    assert tuple(rows[0]) == COLUMNS
    names = ("position", "line", "account", "side", "amount_minor", "posting_sequence", "running_minor", "order_key")
    assert [tuple(row[name] for name in names) for row in rows] == [tuple(map(str, row)) for row in expected]
    assert {row["effective_at"] for row in rows} >= {f"{day}T23:59:59.000000Z" for day in DAYS}


def test_a_voucher_that_cannot_be_read_fails_the_export(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        rewrite_states(connection, "voucher_no = 3", '"lines":', '"limes":')
    with shop_at(pool) as at, pytest.raises(ExportFailed, match="position"):
        text_in(at, "hledger")


def test_an_account_that_is_not_there_fails_the_export(
    shop: PostedLedger, pool: ConnectionPool, database: TestDatabase
) -> None:
    with tampering(database) as connection:
        rewrite_states(connection, "voucher_no = 1", '"wallet:seller:a"', '"wallet:seller:?"')
    with shop_at(pool) as at, pytest.raises(ExportFailed, match="names what is not there"):
        text_in(at, "beancount")
