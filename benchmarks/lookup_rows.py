"""Rows that ask for one account among many millions of entries, through the queries that the API answers with."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final, LiteralString

import numpy as np
import psycopg
from psycopg_pool import ConnectionPool

from benchmarks.bench import Bench, Sample
from benchmarks.unlogged import set_unlogged
from benchmarks.workload import BUYERS
from projections.queries.accounts import balance
from projections.queries.snapshot import open_pool, snapshot
from projections.queries.statements import statement

STATE_BYTES: Final = 420
"""As long as a posted voucher's state of two lines."""
BLOCK_EVENTS: Final = 4_000
PAGE: Final = 100

# Voucher v moves 1000 from a buyer's wallet to a seller's. Each of 5,000 buyers pays once in 5,000 vouchers, each of
# 5,000 sellers is paid once, in another order, so that rows of one account lie as far apart as they do in real life.
MAKE_ENTRIES: Final[tuple[LiteralString, ...]] = (
    "SET session_replication_role = replica",
    "SET work_mem = '256MB'",
    "SET maintenance_work_mem = '1GB'",
    "ALTER TABLE ledger.entry DROP CONSTRAINT entry_pkey",
    """
    CREATE TEMPORARY TABLE wallet AS
    SELECT book_id, account_id, split_part(code, ':', 2) AS party,
        row_number() OVER (PARTITION BY split_part(code, ':', 2) ORDER BY account_id) - 1 AS number
    FROM ledger.account WHERE code LIKE 'wallet:%'
    """,
    """
    INSERT INTO ledger.event (position, voucher_no, book_id, type, order_key, state)
    SELECT book.position + v, v, book_id, 'voucher.posted', md5(v::text),
        convert_to(rpad('{"kind":"capture"', current_setting('bench.state_bytes')::integer, ' '), 'UTF8')
    FROM ledger.book CROSS JOIN generate_series(1, current_setting('bench.vouchers')::bigint) AS v WHERE book_id > 0
    """,
    """
    INSERT INTO ledger.entry (posting_sequence, position, amount_minor, running_minor, effective_at, book_id,
        account_id, line, purpose, asset_id, side, order_key)
    SELECT (v - 1) / parties.n + 1, book.position + v, 1000, line.sign * ((v - 1) / parties.n + 1) * 1000,
        '2026-01-01Z'::timestamptz + v * interval '1 second', book.book_id, wallet.account_id,
        line.line, line.line, 978, line.side, ''
    FROM ledger.book
    CROSS JOIN (SELECT count(*) / 2 AS n FROM wallet) AS parties
    CROSS JOIN generate_series(1, current_setting('bench.vouchers')::bigint) AS v
    CROSS JOIN (VALUES (1, 'D'::"char", 'buyer', 1, 1), (2, 'C'::"char", 'seller', -1, 7919))
        AS line (line, side, party, sign, step)
    JOIN wallet ON wallet.party = line.party AND wallet.number = (v - 1) * line.step % parties.n
    WHERE book.book_id > 0
    """,
    "ALTER TABLE ledger.entry ADD PRIMARY KEY (book_id, account_id, posting_sequence)",
    """
    INSERT INTO ledger.block (number, batch_id, first_position, last_position, recorded_at, book_id, merkle_root,
        previous_hash, hash)
    SELECT book.block_number + n, -n, book.position + (n - 1) * size + 1, book.position + least(n * size, vouchers),
        '2026-01-01Z'::timestamptz + n * interval '1 hour', book_id, block_hash, block_hash, block_hash
    FROM ledger.book
    CROSS JOIN (
        SELECT current_setting('bench.vouchers')::bigint AS vouchers,
            current_setting('bench.block_events')::bigint AS size
    ) AS sizes
    CROSS JOIN generate_series(1, (vouchers + size - 1) / size) AS n WHERE book_id > 0
    """,
    """
    UPDATE ledger.account_head AS head SET posting_sequence = sums.entries,
        debits_posted = CASE party WHEN 'buyer' THEN sums.entries * 1000 ELSE 0 END,
        credits_posted = CASE party WHEN 'seller' THEN sums.entries * 1000 ELSE 0 END
    FROM wallet CROSS JOIN (
        SELECT current_setting('bench.vouchers')::bigint / (SELECT count(*) / 2 FROM wallet) AS entries
    ) AS sums
    WHERE head.book_id = wallet.book_id AND head.account_id = wallet.account_id
    """,
    """
    UPDATE ledger.book SET position = position + current_setting('bench.vouchers')::bigint,
        voucher_no = current_setting('bench.vouchers')::bigint WHERE book_id > 0
    """,
    "ANALYZE ledger.event, ledger.entry, ledger.block, ledger.account_head, ledger.account",
)


def lookups(bench: Bench) -> Sample:
    """The 99th percentiles of random questions, one after the other."""
    workload = bench.workload("uniform")
    vouchers = max(1, bench.sizes.statement_entries // 2 // BUYERS) * BUYERS
    with bench.stack.database(workload) as dsn:
        began_s = time.monotonic()
        make_entries(dsn, vouchers)
        bench.say(f"made {2 * vouchers:,} entries in {time.monotonic() - began_s:.0f} s")
        with opened(dsn) as pool:
            asked = Questions(pool, workload.book_codes()[0], vouchers // BUYERS)
            return {
                "balance_p99_ms": p99_ms(asked.balance_now, bench.sizes.lookups),
                "balance_at_p99_ms": p99_ms(asked.balance_at, bench.sizes.lookups),
                "statement_p99_ms": p99_ms(asked.statement_page, bench.sizes.lookups),
                "statement_entries": 2 * vouchers,
            }


def make_entries(dsn: str, vouchers: int) -> None:
    """Set-based, as superuser, with triggers off: for reading only; these books would not pass `verify`."""
    settings = {"vouchers": vouchers, "state_bytes": STATE_BYTES, "block_events": BLOCK_EVENTS}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (f"bench.{name}", str(value)))
        for table in ("event", "entry"):
            set_unlogged(connection, "ledger", table)
        for statement_text in MAKE_ENTRIES:
            connection.execute(statement_text)


@contextmanager
def opened(dsn: str) -> Iterator[ConnectionPool]:
    with open_pool(dsn, size=1) as pool:
        pool.wait()
        yield pool


class Questions:
    """Random ones, from a seed."""

    def __init__(self, pool: ConnectionPool, book: str, entries_each: int) -> None:
        self._pool = pool
        self._book = book
        self._entries_each = entries_each
        self._random = Random(7)

    def balance_now(self) -> None:
        with snapshot(self._pool, self._book) as at:
            balance(at, self._account())

    def balance_at(self) -> None:
        with snapshot(self._pool, self._book) as at:
            balance(at, self._account(), as_of_position=self._random.randrange(1, at.position))

    def statement_page(self) -> None:
        after = self._random.randrange(max(1, self._entries_each - PAGE))
        with snapshot(self._pool, self._book) as at:
            statement(at, self._account(), after=after, limit=PAGE)

    def _account(self) -> str:
        return f"wallet:{self._random.choice(('seller', 'buyer'))}:{self._random.randrange(BUYERS)}"


def p99_ms(ask: Callable[[], None], times: int) -> float:
    """After a tenth as many to warm up."""
    for _ in range(times // 10):
        ask()
    taken_s = []
    for _ in range(times):
        began_s = time.monotonic()
        ask()
        taken_s.append(time.monotonic() - began_s)
    return float(np.percentile(taken_s, 99)) * 1e3
