"""A bank's year on our books: our balances are the bank's less its roundings, to the unit, for every account."""

from collections import Counter, defaultdict
from itertools import islice

import psycopg
import pytest

from ledger_core.domain.outcomes import Outcome
from ledger_core.store.books import create_book
from ledger_core.store.connection import Role, connect
from ledger_core.store.verify import verify
from tests.invariants import assert_invariants
from tests.support import berka
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import PostedLedger

pytestmark = [pytest.mark.postgres, berka.needs_berka, pytest.mark.timeout(600)]

BATCH = 2_000
ROWS, ACCOUNTS, ACCOUNT_DAYS, DIFFERING_DAYS = 46_997, 1_229, 38_821, 15_697

RUNNING = """
SELECT account.code, array_agg(-running_minor ORDER BY posting_sequence)
FROM ledger.entry JOIN ledger.account USING (book_id, account_id)
WHERE account.code <> %s GROUP BY account.code
"""
HEADS = """
SELECT code, credits_posted - debits_posted FROM ledger.account_head JOIN ledger.account USING (book_id, account_id)
"""


def test_every_balance_is_what_the_bank_states_less_its_roundings(database: TestDatabase) -> None:
    with connect(database.dsn(), Role.POSTER) as connection:
        create_book(connection, berka.BOOK, berka.CHART)
    decided: Counter[Outcome] = Counter()
    waiting = berka.rows()
    with PostedLedger(database.dsn()) as ledger:
        while batch := list(islice(waiting, BATCH)):
            result = ledger.post([row.request() for row in batch])
            decided.update(one.outcome for one in result.decided if one is not None)
    assert decided == {Outcome.POSTED: ROWS}

    stated: dict[tuple[str, str], int] = {}
    rounded: defaultdict[str, int] = defaultdict(int)
    expected: defaultdict[str, list[int]] = defaultdict(list)
    ours: dict[tuple[str, str], int] = {}
    for row in berka.rows():
        rounded[row.code] += row.residual_minor
        expected[row.code].append(row.stated_minor - rounded[row.code])
        stated[row.code, row.day] = row.stated_minor  # rows stand in the order of days: the last of a day stays
        ours[row.code, row.day] = expected[row.code][-1]

    with psycopg.connect(database.dsn()) as connection:
        running: dict[str, list[int]] = dict(connection.execute(RUNNING, (berka.CASH,)).fetchall())
        balances: dict[str, int] = dict(connection.execute(HEADS).fetchall())
    assert running == expected
    assert len(ours) == ACCOUNT_DAYS
    assert sum(minor != stated[key] for key, minor in ours.items()) == DIFFERING_DAYS
    last = {code: minors[-1] for code, minors in expected.items()}
    assert len(last) == ACCOUNTS
    assert {code: minor for code, minor in balances.items() if code != berka.CASH} == last
    assert balances[berka.CASH] == -sum(last.values())
    assert verify(database.dsn()).ok
    assert_invariants(database.dsn())
