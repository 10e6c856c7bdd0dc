"""Balances in two times, against sums over all entries: whatever is backdated, and whoever posts meanwhile."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg_pool import ConnectionPool

from deploy.demo.messages import Message, Producer
from ledger_core.store.connection import Role, connect
from projections.day_rollups.stretches import LENGTH, cover, length
from projections.day_rollups.table import roll_up
from projections.queries.accounts import balance
from projections.queries.effective_balances import END_OF_TIME, effective_balance, effective_trial_balance
from projections.queries.effective_sums import parts
from projections.queries.errors import NotFoundError, PositionAheadError
from projections.queries.periods import periods
from projections.queries.snapshot import QUERIES, Snapshot
from projections.queries.trial_balances import trial_balance
from tests.invariants.programs import assert_invariants
from tests.support.closed_years import close_two_years
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.posted_ledger import BOOK, SOURCE, PostedLedger, captured
from tests.support.shop import posting, reading_pool, shop_at
from tests.support.two_times import Oracle, short_stretches

CLEARING = "clearing:processor:BRL"
TODAY = date(2026, 11, 21)
LAST_DAYS = [TODAY - timedelta(days=days) for days in range(-1, 7)]


def moment(day: date, *, last: bool) -> str:
    """The first or the last moment of a UTC day."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    at = start + timedelta(days=1, microseconds=-1) if last else start
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def roll_all(database: TestDatabase) -> None:
    with connect(database.dsn(), Role.PROJECTOR) as projector:
        projector.autocommit = True
        while roll_up(projector):
            pass


def signed(found: Any) -> tuple[int, int]:
    """Entries, and debits less credits, of an answer."""
    sign = {"debit": 1, "credit": -1, "none": 0}[found.balance.side.value]
    return found.entries, sign * found.balance.amount.minor


def totals(at: Snapshot, day: date, position: int) -> dict[str, tuple[int | None, int, int, int]]:
    """By account type: accounts, entries, debits, credits."""
    found = effective_trial_balance(at, effective_at=day, known_at_position=position)
    assert all(total.difference.amount.minor == 0 for total in found)
    return {
        each.type: (each.accounts, each.entries, each.debits.minor, each.credits.minor)
        for total in found
        for each in total.types
    }


def assert_every_triple(pool: ConnectionPool, oracle: Oracle) -> None:
    with shop_at(pool) as at:
        for day in LAST_DAYS:
            for position in range(at.position + 1):
                for account in oracle.accounts():
                    found = effective_balance(at, account, effective_at=day, known_at_position=position)
                    assert signed(found) == oracle.balance(account, day, position), (account, day, position)
                    assert (found.position, found.effective_at) == (position, day)
                assert totals(at, day, position) == oracle.trial_balance(day, position), (day, position)


def assert_rolled_up_once_for_all(database: TestDatabase) -> None:
    """However it was cut while posters wrote: rolling up again writes nothing, anew and at once gives the same rows."""
    rows = b"SELECT * FROM projections.day_rollup ORDER BY book_id, account_id, level, chunk, day"
    with psycopg.connect(database.dsn(), autocommit=True) as admin:
        before = admin.execute(rows).fetchall()
        roll_all(database)
        assert admin.execute(rows).fetchall() == before
        admin.execute("TRUNCATE projections.day_rollup")
        roll_all(database)
        assert admin.execute(rows).fetchall() == before


days = st.integers(0, 6).map(lambda ago: TODAY - timedelta(days=ago))
ways = st.sampled_from(["captured", "captured", "taken back", "held"])
vouchers = st.tuples(days, st.booleans(), st.sampled_from("abc"), st.integers(100, 10**6), ways, days)
"""Day of effect, whether at its last moment, seller, amount; how it goes on, and the day on which that takes effect."""
Voucher = tuple[date, bool, str, int, str, date]
writers = st.lists(st.lists(st.lists(vouchers, min_size=1, max_size=4), max_size=4), min_size=2, max_size=3)
"""For each poster its batches."""


# Not shrunk: threads do not run twice alike, and an example takes seconds.
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(writers=writers, cut=st.sampled_from([(2, 2), (4, 3), (256, 16)]), seed=st.integers(0, 2**32))
def test_every_account_day_and_position_is_what_the_entries_say_while_several_posters_write(
    postgres_server: str, writers: list[list[list[Voucher]]], cut: tuple[int, int], seed: int
) -> None:
    database = create_database(postgres_server)
    try:
        with short_stretches(*cut), posting(database), reading_pool(database) as pool:
            answers = answers_while_posting(database, pool, writers, seed)
            oracle = Oracle.of(database.dsn(), BOOK)
            for account, day, position, found in answers:
                assert found == oracle.balance(account, day, position), (account, day, position)
            assert_every_triple(pool, oracle)
            roll_all(database)
            assert_every_triple(pool, oracle)
            assert_rolled_up_once_for_all(database)
            if cut[0] == LENGTH:
                assert_invariants(database.dsn())
    finally:
        drop_database(database)


def events_of(order: str, day: date, last: bool, seller: str, amount: int, way: str, later: date) -> list[Message]:
    """A capture; it is taken back, or what the seller got is held and a part of that goes to another one."""
    told = [captured(order, amount, {seller: amount}, time=moment(day, last=last))]
    tell = Producer(BOOK, SOURCE).event
    at = moment(later, last=not last)
    if way == "taken back":
        data: dict[str, object] = {"voucher": {"event_id": f"captured-{order}"}, "reason": "a mistake"}
        told.append(tell("voucher.void_requested.v1", f"void-{order}", order, at, data))
    elif way == "held":
        hold = f"hold-{order}"
        held = {"hold_id": hold, "account": f"wallet:seller:{seller}", "amount_minor": "90", "currency": "BRL"}
        told.append(tell("hold.placed.v1", f"placed-{order}", hold, at, held))
        to = [{"account": "wallet:seller:d", "amount_minor": "40"}]
        told.append(tell("hold.captured.v1", f"taken-{order}", hold, at, {"hold_id": hold, "to": to}))
    return told


Answer = tuple[str, date, int, tuple[int, int]]


def answers_while_posting(
    database: TestDatabase, pool: ConnectionPool, writers: list[list[list[Voucher]]], seed: int
) -> list[Answer]:
    """Posts by a thread a writer, rolls up and asks random questions meanwhile; what was answered."""
    done = threading.Event()

    def write(number: int) -> None:
        with PostedLedger(database.dsn()) as ledger:
            for place, batch in enumerate(writers[number]):
                told = [events_of(f"{number}-{place}-{n}", *voucher) for n, voucher in enumerate(batch)]
                ledger.post(chain.from_iterable(told), partition=number)

    def roll() -> None:
        with connect(database.dsn(), Role.PROJECTOR) as projector:
            projector.autocommit = True
            while not done.is_set():
                roll_up(projector, entries_at_once=length(1))

    def ask() -> list[Answer]:
        random = Random(seed)
        answers: list[Answer] = []
        while not done.is_set():
            with shop_at(pool) as at:
                day, position = random.choice(LAST_DAYS), random.randint(0, at.position)
                for account in (CLEARING, "wallet:seller:a"):
                    try:
                        found = effective_balance(at, account, effective_at=day, known_at_position=position)
                    except NotFoundError:  # not opened yet
                        continue
                    answers.append((account, day, position, signed(found)))
        return answers

    with ThreadPoolExecutor(8) as threads:
        others = [threads.submit(ask), threads.submit(ask)]
        rolling = threads.submit(roll)
        try:
            for writing in [threads.submit(write, number) for number in range(len(writers))]:
                writing.result()
        finally:
            done.set()
        rolling.result()
        return [answer for asking in others for answer in asking.result()]


@pytest.fixture
def backdated(database: TestDatabase) -> Iterator[PostedLedger]:
    """A shop with 90 vouchers, in batches of 10, each third of them some days late."""
    with posting(database) as ledger:
        for batch in range(9):
            ledger.post(
                [
                    captured(f"o-{batch}-{n}", 100 + n, {"a": 100 + n}, time=moment(LAST_DAYS[1 + n % 3], last=True))
                    for n in range(10)
                ]
            )
        yield ledger


def test_what_takes_effect_at_the_last_moment_of_a_day_is_in_it_and_at_the_first_of_the_next_is_not(
    database: TestDatabase, pool: ConnectionPool
) -> None:
    with posting(database) as ledger:
        ledger.post([captured("last", 100, {"a": 100}, time=moment(TODAY, last=True))])
        ledger.post([captured("next", 700, {"a": 700}, time=moment(TODAY + timedelta(days=1), last=False))])
    with shop_at(pool) as at:
        assert signed(effective_balance(at, CLEARING, effective_at=TODAY)) == (1, 100)
        assert signed(effective_balance(at, CLEARING, effective_at=TODAY + timedelta(days=1))) == (2, 800)
        assert signed(effective_balance(at, CLEARING, effective_at=TODAY - timedelta(days=1))) == (0, 0)


def test_what_is_backdated_later_changes_the_day_as_known_now_and_not_as_it_was_known(
    database: TestDatabase, pool: ConnectionPool
) -> None:
    with posting(database) as ledger:
        ledger.post([captured("now", 100, {"a": 100}, time=moment(TODAY, last=False))])
        with shop_at(pool) as at:
            reported = at.position
        ledger.post([captured("late", 700, {"a": 700}, time=moment(TODAY, last=False))])
    with shop_at(pool) as at:
        assert signed(effective_balance(at, CLEARING, effective_at=TODAY)) == (2, 800)
        assert signed(effective_balance(at, CLEARING, effective_at=TODAY, known_at_position=reported)) == (1, 100)


def test_through_the_end_of_time_it_is_the_balance_as_it_was_known(
    backdated: PostedLedger, database: TestDatabase, pool: ConnectionPool
) -> None:
    with short_stretches(4, 3):
        roll_all(database)
        with shop_at(pool) as at:
            for position in range(0, at.position + 1, 7):
                known = balance(at, CLEARING, as_of_position=position)
                found = effective_balance(at, CLEARING, effective_at=END_OF_TIME, known_at_position=position)
                assert (found.balance, found.entries) == (known.balance, known.entries)
            now = trial_balance(at)
            assert [(t.debits, t.credits) for t in effective_trial_balance(at)] == [(t.debits, t.credits) for t in now]


def test_the_trial_balance_in_two_times_is_the_one_that_a_period_sealed(
    database: TestDatabase, pool: ConnectionPool
) -> None:
    with posting(database) as ledger:
        close_two_years(ledger)
    with shop_at(pool) as at:
        closed = periods(at)
        assert len(closed) == 2
        for period in closed:
            found = effective_trial_balance(at, effective_at=period.through, known_at_position=period.known_at_position)
            assert [total.debits for total in found] == [total.credits for total in found] == period.totals
            assert sum(each.accounts or 0 for total in found for each in total.types) == period.accounts


def test_what_is_not_there_is_refused_by_name(backdated: PostedLedger, pool: ConnectionPool) -> None:
    with shop_at(pool) as at:
        with pytest.raises(NotFoundError):
            effective_balance(at, "wallet:seller:none", effective_at=TODAY)
        for ask in (effective_trial_balance, lambda at, **times: effective_balance(at, CLEARING, **times)):
            with pytest.raises(PositionAheadError):
                ask(at, effective_at=TODAY, known_at_position=at.position + 1)


def rows_read(plan: dict[str, Any], table: str) -> int:
    """Rows of a table that a plan looked at, those that it dropped included."""
    of_this = 0
    if plan.get("Relation Name") == table:
        seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        of_this = round(seen * plan["Actual Loops"])
    return of_this + sum(rows_read(part, table) for part in plan.get("Plans", []))


def test_few_rows_are_read_of_an_account_with_many_entries_once_they_are_rolled_up(
    backdated: PostedLedger, database: TestDatabase, pool: ConnectionPool
) -> None:
    with short_stretches(4, 3):
        assert read_for_clearing(pool, database, rolled=0) == (90, 0)
        roll_all(database)
        # 90 entries are two stretches of 36, one of 12, one of 4, and 2 entries.
        assert read_for_clearing(pool, database, rolled=88) == (2, 4)


def read_for_clearing(pool: ConnectionPool, database: TestDatabase, *, rolled: int) -> tuple[int, int]:
    """Rows read of entries and of roll-ups for the balance of the clearing account on the last day."""
    with psycopg.connect(database.dsn()) as admin:
        account_id = admin.execute("SELECT account_id FROM ledger.account WHERE code = %s", [CLEARING]).fetchall()[0][0]
    with shop_at(pool) as at:
        known = {account_id: balance(at, CLEARING).entries}
        parameters = parts({account_id: cover(known[account_id], rolled)}, known)
        row = at.connection.execute(
            f"EXPLAIN (ANALYZE, FORMAT json) {QUERIES['effective_sums']}".encode(),
            {**parameters, "book_id": at.book_id, "through": TODAY},
        ).fetchall()[0]
    plan = row[0][0]["Plan"]
    return rows_read(plan, "entry"), rows_read(plan, "day_rollup")
