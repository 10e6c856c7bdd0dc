"""What `verify` finds of periods: a closing whose balances are not its entries', and entries that came in later."""

from collections.abc import Iterator

import pytest

from ledger_core.store.verify import VerifyReport, verify
from tests.support.closed_years import FIRST, SECOND, close_two_years, periods_of, reopen
from tests.support.databases import TestDatabase, copy_database, create_database, drop_database
from tests.support.posted_ledger import PostedLedger, captured
from tests.support.tampering import recompute_running, rewrite_states, tampering

pytestmark = pytest.mark.postgres

LAST_VOUCHER = "voucher_no = (SELECT max(voucher_no) FROM ledger.event WHERE book_id = 1)"


@pytest.fixture(scope="module")
def filled(postgres_server: str) -> Iterator[TestDatabase]:
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        close_two_years(ledger)
    yield database
    drop_database(database)


@pytest.fixture
def posted(filled: TestDatabase) -> Iterator[TestDatabase]:
    database = copy_database(filled)
    yield database
    drop_database(database)


def found(report: VerifyReport) -> dict[str, str]:
    return {check.name: check.first_bad for check in report.checks if not check.ok}


def test_three_closings_of_two_years_are_whole(posted: TestDatabase) -> None:
    report = verify(posted.dsn())
    assert found(report) == {}
    assert {c.name: c.checked for c in report.checks if c.name in {"periods", "closing_balances"}} == {
        "periods": 2,
        "closing_balances": 3,
    }


def test_every_closing_of_a_reopened_period_keeps_its_own_trial_balance(posted: TestDatabase) -> None:
    periods = periods_of(posted.dsn())
    sealed = []
    with PostedLedger(posted.dsn()) as ledger:
        for number in range(3):
            reopen(periods, SECOND)
            reopen(periods, FIRST)
            ledger.post([captured(f"late-{number}", 10, {"a": 10}, time="2019-05-01T00:00:00Z")])
            sealed += [periods.close(year, reason="again").trial_balance for year in (FIRST, SECOND)]
    assert len(set(sealed)) == 6
    assert found(verify(posted.dsn())) == {}


def test_a_voucher_that_took_effect_in_a_closed_period_is_found(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        # Recorded after the closing, moved in event and entries alike: outside of what the closing sealed.
        rewrite_states(connection, LAST_VOUCHER, '"effective_at":"2026-11-21T', '"effective_at":"2020-03-01T')
        connection.execute(
            f"""UPDATE ledger.entry SET effective_at = '2020-03-01T08:46:53.000007Z' FROM ledger.event
                WHERE entry.book_id = 1 AND event.book_id = 1 AND entry.position = event.position AND {LAST_VOUCHER}"""
        )
        (position,) = connection.execute(f"SELECT position FROM ledger.event WHERE {LAST_VOUCHER}").fetchall()[0]
    first_bad = f"book shop: entry at position {position} took effect in a period closed before"
    assert found(verify(posted.dsn())) == {"periods": first_bad}


def test_an_amount_changed_everywhere_but_in_the_seal_is_found_by_every_closing_that_holds_it(
    posted: TestDatabase,
) -> None:
    """Event, entries, running balances, heads, subject and chain agree again; the hash in the closing does not."""
    with tampering(posted) as connection:
        rewrite_states(connection, "order_key = 'y-2'", '"700"', '"701"')
        connection.execute("UPDATE ledger.entry SET amount_minor = 701 WHERE amount_minor = 700")
        rewrite_states(connection, "order_key = 'y-2'", '"630"', '"631"')
        connection.execute("UPDATE ledger.entry SET amount_minor = 631 WHERE amount_minor = 630")
        connection.execute("UPDATE ledger.subject SET captured_minor = 701 WHERE order_key = 'y-2'")
        for (account,) in connection.execute("SELECT code FROM ledger.account WHERE book_id = 1").fetchall():
            recompute_running(connection, account)
        connection.execute(
            """UPDATE ledger.account_head SET (debits_posted, credits_posted) = (
                   SELECT coalesce(sum(amount_minor) FILTER (WHERE side = 'D'), 0),
                       coalesce(sum(amount_minor) FILTER (WHERE side = 'C'), 0)
                   FROM ledger.entry WHERE (entry.book_id, entry.account_id)
                       = (account_head.book_id, account_head.account_id))"""
        )
    (name,) = found(verify(posted.dsn()))
    assert name == "closing_balances"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.period SET status = 'open' WHERE through = '2020-12-31'",
        "UPDATE ledger.period SET closings = closings + 1",
        "UPDATE ledger.period SET position = position - 1 WHERE through = '2019-12-31'",
        "DELETE FROM ledger.period WHERE through = '2020-12-31'",
        "INSERT INTO ledger.period VALUES (1, 1, 1, '2021-12-31', '2020-12-31', 'closed')",
        "UPDATE ledger.book SET closed_through = '-infinity' WHERE book_id = 1",
        "UPDATE ledger.book SET closed_through = closed_through + interval '1 microsecond' WHERE book_id = 1",
    ],
)
def test_what_the_events_of_periods_do_not_explain_is_found(statement: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        assert connection.execute(statement).rowcount != 0
    assert set(found(verify(posted.dsn()))) == {"periods"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"trial_balance":"', '"trial_balance":"0'),
        ('"accounts":', '"accounts":1'),
        ('"totals":[["BRL","', '"totals":[["BRL","1'),
        ('"known_at_position":', '"known_at_position":1'),
    ],
)
def test_a_seal_that_says_something_else_is_found(old: str, new: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        rewrite_states(connection, "type = 'period.closed'", old, new)
    assert set(found(verify(posted.dsn()))) == {"closing_balances"}


def test_an_event_of_a_period_that_cannot_be_read_is_reported_not_raised(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        rewrite_states(connection, "type = 'period.reopened'", '"through":"2020', '"through":"twenty')
    assert set(found(verify(posted.dsn()))) == {"periods"}
