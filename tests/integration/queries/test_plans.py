"""Questions about one thing find it by its key, however large the book is.

Under row-level security PostgreSQL evaluates only leakproof conditions inside an index look-up: a sum or a
concatenation in a condition makes it read the whole book, which a small test would never notice by its time.
"""

from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from projections.queries.snapshot import QUERIES
from tests.support.databases import create_database, drop_database
from tests.support.posted_ledger import everything
from tests.support.shop import book_id_of, posting, reading_pool, shop_at

KEYS: Final = {
    "event": ("position", "voucher_no"),
    "entry": ("posting_sequence",),
    "inbox": ("event_id",),
    "block": ("batch_id", "last_position"),
    "reversal": ("reversed_position", "reversal_position"),
    "compensation": ("compensated_position", "compensating_position"),
    "day_rollup": ("level",),
}
PARAMETERS: Final = {
    "account": "wallet:seller:a", "account_id": 1, "position": 9, "posting_sequence": 1, "first": 1, "last": 100,
    "voucher_no": 1, "source": "/psp", "event_id": "captured-o-1", "low": "a#1#", "high": "a#1$", "order_key": "o-1",
    "after": "2020-01-01", "through": "2030-01-01", "limit": 100,
    "account_ids": "{1,2}", "entries": "{9,9}", "stretch_accounts": "{1,1}", "levels": "{1,2}", "chunks": "{7,0}",
    "tail_accounts": "{1,2}", "firsts": "{4097,1}", "lasts": "{4200,200}",
}  # fmt: skip


ROWS: Final = 30_000
# Beside what was posted: rows that make the book large, which no guard has to see.
FILL: Final = (
    "SET LOCAL session_replication_role = replica",
    """
    INSERT INTO ledger.event (position, voucher_no, book_id, type, order_key, state)
    SELECT 1000 + n, 1000 + n, %(book_id)s, 'voucher.posted', 'filler-' || n, '{}' FROM generate_series(1, %(rows)s) n
    """,
    """
    INSERT INTO ledger.block (number, batch_id, first_position, last_position, recorded_at, book_id, merkle_root,
        previous_hash, hash)
    SELECT 1000 + n, 100000 + n, 1001 + (n - 1) * 10, 1000 + n * 10, now(), %(book_id)s, '', '', ''
    FROM generate_series(1, %(rows)s / 10) n
    """,
    """
    INSERT INTO ledger.entry (
        posting_sequence, position, amount_minor, running_minor, effective_at, book_id, account_id,
        line, purpose, asset_id, side)
    SELECT n, 1000 + n, 1, n, now(), %(book_id)s, 1000000 + account, 1, 1, 986, 'D'
    FROM generate_series(1, %(rows)s / 10) n, generate_series(1, 10) account
    """,
    """
    INSERT INTO ledger.inbox (batch_id, book_id, source_id, ordinal, revision, event_id, fingerprint)
    SELECT 100000 + (n + 9) / 10, %(book_id)s, source_id, (n - 1) %% 10, 1, 'filler-' || n, ''
    FROM generate_series(1, %(rows)s) n, ledger.source WHERE book_id = %(book_id)s
    """,
    """
    INSERT INTO ledger.reversal (book_id, reversed_position, reversal_position)
    SELECT %(book_id)s, 1000 + n, 1001 + n FROM generate_series(1, %(rows)s / 10, 2) n
    """,
    """
    INSERT INTO ledger.compensation (book_id, compensated_position, compensating_position)
    SELECT %(book_id)s, 1000 + n, 1001 + n FROM generate_series(1, %(rows)s / 10, 2) n
    """,
    """
    INSERT INTO projections.day_rollup (book_id, account_id, level, chunk, day, debits_minor, credits_minor, entries)
    SELECT %(book_id)s, 1000000 + account, 1, n, '2026-11-21', 1, 0, 256
    FROM generate_series(1, %(rows)s / 10) n, generate_series(1, 10) account
    """,
    """
    ANALYZE ledger.event, ledger.block, ledger.entry, ledger.inbox, ledger.reversal, ledger.compensation,
        projections.day_rollup
    """,
)


@pytest.fixture(scope="module")
def large(postgres_server: str) -> Iterator[ConnectionPool]:
    """Readers of a book so large that reading all of it is never the cheapest way."""
    database = create_database(postgres_server)
    with posting(database) as ledger:
        for batch in everything():
            ledger.post(batch)
    with psycopg.connect(database.dsn()) as admin:
        for statement in FILL:
            parameters = {"book_id": book_id_of(database), "rows": ROWS} if "%(" in statement else None
            admin.execute(statement.encode(), parameters)
    with reading_pool(database) as pool:
        yield pool
    drop_database(database)


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each table of a plan with the condition of its look-up."""
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan.get("Index Cond", "")
    for part in plan.get("Plans", []):
        yield from scans(part)


@pytest.mark.parametrize(
    "name",
    [
        "account", "entries_now", "entries_until", "running_after", "statement", "voucher", "voucher_lines",
        "voucher_links",
        "event_outcomes", "event_conflicts", "explained_entries", "explained_vouchers", "entries_to_sum", "last_zero",
        "entries_of_accounts_until", "rolled_stretches", "effective_sums",
    ],
)  # fmt: skip
def test_a_question_about_one_thing_looks_it_up_by_its_key(large: ConnectionPool, name: str) -> None:
    with shop_at(large) as at:
        explain = f"EXPLAIN (FORMAT json) {QUERIES[name]}"
        row = at.connection.execute(explain.encode(), {**PARAMETERS, "book_id": at.book_id}).fetchone()
    assert row is not None
    looked_up = list(scans(row[0][0]["Plan"]))
    assert looked_up
    for table, condition in looked_up:
        if table in KEYS:
            assert any(key in condition for key in KEYS[table]), f"{name}: {table} is read by ({condition})"
