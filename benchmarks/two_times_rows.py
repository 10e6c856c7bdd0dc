"""The row that asks one account of a million entries, many of them backdated, for its balance in two times."""

import time
from datetime import date, timedelta
from random import Random
from typing import Final, LiteralString

import psycopg
from psycopg_pool import ConnectionPool

from benchmarks.bench import Bench, Sample
from benchmarks.lookup_rows import opened, p99_ms
from benchmarks.unlogged import set_unlogged
from ledger_core.store.connection import Role, connect
from projections.day_rollups.table import roll_up
from projections.queries.effective_balances import effective_balance
from projections.queries.snapshot import snapshot

ACCOUNT: Final = "wallet:buyer:0"
FIRST_DAY: Final = date(2025, 1, 1)
DAYS: Final = 365
BACKDATED_DAYS: Final = 60
"""Every fifth entry took effect up to so many days before it was recorded."""

# Voucher v moves 1000 from the account to one of 5,000 sellers' wallets; only the one account is asked about, so only
# its head is moved. The entries lie among those of the others, as they do in real life.
MAKE_ENTRIES: Final[tuple[LiteralString, ...]] = (
    "SET session_replication_role = replica",
    "SET work_mem = '256MB'",
    "SET maintenance_work_mem = '1GB'",
    "ALTER TABLE ledger.entry DROP CONSTRAINT entry_pkey",
    """
    INSERT INTO ledger.entry (posting_sequence, position, amount_minor, running_minor, effective_at, book_id,
        account_id, line, purpose, asset_id, side, order_key)
    SELECT CASE line.line WHEN 1 THEN v ELSE (v - 1) / sellers.n + 1 END, book.position + v, 1000, v * 1000,
        '2025-01-01Z'::timestamptz + (
            v * 86400.0 * current_setting('bench.days')::integer / current_setting('bench.vouchers')::bigint
            - CASE v % 5 WHEN 0 THEN v * 7919 % (current_setting('bench.backdated')::integer * 86400) ELSE 0 END
        ) * interval '1 second',
        book.book_id, CASE line.line WHEN 1 THEN buyer.account_id ELSE seller.account_id END, line.line, line.line, 978,
        line.side, ''
    FROM ledger.book
    CROSS JOIN (SELECT count(*) AS n FROM ledger.account WHERE code LIKE 'wallet:seller:%') AS sellers
    CROSS JOIN generate_series(1, current_setting('bench.vouchers')::bigint) AS v
    CROSS JOIN (VALUES (1, 'D'::"char"), (2, 'C'::"char")) AS line (line, side)
    JOIN ledger.account AS buyer ON buyer.book_id = book.book_id AND buyer.code = current_setting('bench.account')
    JOIN (
        SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS number
        FROM ledger.account WHERE code LIKE 'wallet:seller:%'
    ) AS seller ON seller.number = (v - 1) % sellers.n
    WHERE book.book_id > 0
    """,
    "ALTER TABLE ledger.entry ADD PRIMARY KEY (book_id, account_id, posting_sequence)",
    """
    UPDATE ledger.account_head AS head SET posting_sequence = current_setting('bench.vouchers')::bigint,
        debits_posted = current_setting('bench.vouchers')::bigint * 1000
    FROM ledger.account
    WHERE account.book_id = head.book_id AND account.account_id = head.account_id
        AND account.code = current_setting('bench.account')
    """,
    "UPDATE ledger.book SET position = position + current_setting('bench.vouchers')::bigint WHERE book_id > 0",
    "ANALYZE ledger.entry, ledger.account_head, ledger.account",
)


def two_times(bench: Bench) -> Sample:
    """The 99th percentile over random days and positions, one question after the other."""
    workload = bench.workload("uniform")
    entries = bench.sizes.account_entries
    with bench.stack.database(workload) as dsn:
        make_entries(dsn, entries)
        began_s = time.monotonic()
        with connect(dsn, Role.PROJECTOR) as connection:
            connection.autocommit = True
            while roll_up(connection):
                pass
        bench.say(f"rolled up {entries:,} entries in {time.monotonic() - began_s:.1f} s")
        with opened(dsn) as pool:
            asked = Questions(pool, workload.book_codes()[0])
            return {"balance_two_times_p99_ms": p99_ms(asked.balance_in_two_times, bench.sizes.lookups)}


def make_entries(dsn: str, entries: int) -> None:
    """Set-based, as superuser, with triggers off: for reading only; these books would not pass `verify`."""
    settings = {"vouchers": entries, "days": DAYS, "backdated": BACKDATED_DAYS, "account": ACCOUNT}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (f"bench.{name}", str(value)))
        set_unlogged(connection, "ledger", "entry")
        for statement_text in MAKE_ENTRIES:
            connection.execute(statement_text)


class Questions:
    """Random ones, from a seed."""

    def __init__(self, pool: ConnectionPool, book: str) -> None:
        self._pool = pool
        self._book = book
        self._random = Random(7)

    def balance_in_two_times(self) -> None:
        day = FIRST_DAY + timedelta(days=self._random.randrange(-BACKDATED_DAYS, DAYS))
        with snapshot(self._pool, self._book) as at:
            position = self._random.randrange(1, at.position)
            effective_balance(at, ACCOUNT, effective_at=day, known_at_position=position)
