"""Every invariant holds on a ledger in which everything happened, and each can fail."""

import asyncio
from collections.abc import Iterator
from datetime import date

import pytest

from ledger_core.operations.account_lifecycle import AccountLifecycle
from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.connection import Role, connect
from projections.reconciliation.scan import scan
from tests.invariants.programs import INVARIANTS, assert_invariants, published_out_of_order, violations
from tests.support.databases import TestDatabase, copy_database, create_database, drop_database
from tests.support.posted_ledger import PostedLedger, captured, everything, holds
from tests.support.read_side import ReadSide
from tests.support.tampering import tampering

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def filled(postgres_server: str) -> Iterator[TestDatabase]:
    """Everything happened, was read and reconciled."""
    database = create_database(postgres_server)
    with PostedLedger(database.dsn()) as ledger:
        ledger.create_book()
        *before, after = everything()
        for batch in before:
            ledger.post(batch)
        periods = PeriodLifecycle(lambda: connect(database.dsn(), Role.POSTER), "shop")
        for _ in range(2):
            periods.close(date(2020, 12, 31), reason="year end")
            periods.reopen(date(2020, 12, 31), reason="one is missing", requested_by="ana", approved_by="ben")
        periods.close(date(2020, 12, 31), reason="year end")
        ledger.post(after)
        ledger.post(holds())
        ledger.let_expire()
        accounts = AccountLifecycle(lambda: connect(database.dsn(), Role.POSTER), "shop")
        accounts.freeze("wallet:seller:b", reason="suspected fraud")
        asyncio.run(_read(ReadSide(database)))
        with connect(database.dsn(), Role.RECONCILER) as connection:
            scan(connection, 1)
    yield database
    drop_database(database)


@pytest.fixture
def posted(filled: TestDatabase) -> Iterator[TestDatabase]:
    database = copy_database(filled)
    yield database
    drop_database(database)


async def _read(read_side: ReadSide) -> None:
    await read_side.create_topic()
    await read_side.relay_all()
    await read_side.project_all()


def test_all_hold_on_a_ledger_in_which_everything_happened(posted: TestDatabase) -> None:
    assert_invariants(posted.dsn())


def test_all_hold_on_an_empty_ledger(database: TestDatabase) -> None:
    assert_invariants(database.dsn())


PLANTED: dict[str, list[str]] = {
    "I1": [
        "UPDATE ledger.entry SET amount_minor = amount_minor + 1 WHERE position = 8 AND line = 1",
        "UPDATE ledger.entry SET line = 9 WHERE line = 2",
        "DELETE FROM ledger.entry WHERE position = (SELECT max(position) FROM ledger.entry)",
        "UPDATE ledger.event SET voucher_no = 99 WHERE voucher_no = 1",
    ],
    "I2": [
        "UPDATE ledger.entry SET posting_sequence = 99 WHERE posting_sequence = 1 AND account_id = 1",
        "UPDATE ledger.entry SET running_minor = running_minor + 1 WHERE posting_sequence = 1",
        "UPDATE ledger.account_head SET credits_posted = credits_posted + 1 WHERE account_id = 1",
        "UPDATE ledger.entry SET asset_id = 840",
        "UPDATE ledger.account_head SET debits_pending = debits_pending + 1 WHERE debits_pending > 0",
        "UPDATE ledger.hold SET captured_minor = 0, status = 'PLACED' WHERE hold_id = 'h-part'",
        "UPDATE ledger.hold SET side = 'C' WHERE hold_id = 'h-captured'",
    ],
    "I3": [
        "DELETE FROM ledger.inbox WHERE event_id = 'captured-o-3'",
        "UPDATE ledger.inbox SET event_id = 'other' WHERE event_id = 'captured-o-3'",
        "UPDATE ledger.inbox SET revision = 3 WHERE revision = 2",
        """UPDATE ledger.event SET state = (SELECT state FROM ledger.event WHERE voucher_no = 1)
           WHERE voucher_no = 2""",
    ],
    "I4": [
        "UPDATE ledger.source_position SET next_offset = next_offset - 1, posted = posted - 1",
        """UPDATE ledger.event SET state = convert_to(regexp_replace(convert_from(state, 'UTF8'),
           '"cause":\\["payments",0,\\d+\\]', '"cause":["payments",0,1]'), 'UTF8') WHERE voucher_no > 0""",
    ],
    "I5": ["UPDATE ledger.relay_checkpoint SET position = 1000 WHERE book_id = 1"],
    "I6": [
        "UPDATE projections.daily_balance_versions SET debits_minor = debits_minor + 1 WHERE account LIKE 'cash%'",
        "DELETE FROM projections.trial_balance_versions WHERE account_type = 'revenue'",
        "UPDATE projections.payment_versions SET captured_minor = captured_minor + 1 WHERE order_key = 'o-3'",
        "UPDATE projections.payment_versions SET positions = positions[2:] WHERE order_key = 'o-3'",
        "UPDATE projections.payment_versions SET captured_minor = 0, failed = true WHERE order_key = 'o-2'",
        "UPDATE projections.part_versions SET told = told + 1 WHERE kind = 'refund'",
        "INSERT INTO projections.day_rollup VALUES (0, 1, 0, 1, 1, 1, '2026-11-21', 1)",
        "UPDATE projections.checkpoint SET position = position - 1",
        "UPDATE projections.checkpoint SET block_hash = sha256('x')",
    ],
    "I7": [
        "DELETE FROM ledger.reversal",
        "UPDATE ledger.reversal SET reversed_position = 8",
        "UPDATE ledger.entry SET amount_minor = amount_minor - 1 WHERE purpose = 8",
        """UPDATE ledger.event SET state = (SELECT state FROM ledger.event WHERE order_key = 'o-7' AND voucher_no > 0
               ORDER BY position DESC LIMIT 1), order_key = 'o-7' WHERE voucher_no = 1""",
    ],
    "I8": [
        "UPDATE ledger.account_head SET status = 'O'",
        "UPDATE ledger.event SET position = -1 WHERE type = 'account.frozen'",
    ],
    "I9": [
        "UPDATE ledger.entry SET account_id = 1000 WHERE account_id = 1",
        "UPDATE ledger.book_directory SET code = 'shoq' WHERE code = 'shop'",
    ],
    "I10": [
        "GRANT UPDATE ON ledger.event TO ledger_poster",
        "GRANT UPDATE (state) ON ledger.event TO ledger_inbox",
        "ALTER TABLE ledger.entry DISABLE TRIGGER entry_append_only",
        "ALTER TABLE ledger.chart DISABLE TRIGGER chart_append_only",
        "CREATE TABLE ledger.another (book_id integer)",
        "DELETE FROM ledger.event WHERE position = 2",
        "UPDATE ledger.block SET previous_hash = sha256('x') WHERE number = 2",
        "UPDATE ledger.book SET block_hash = sha256('x')",
    ],
    "I11": [
        "UPDATE ledger.entry SET amount_minor = amount_minor + 1 WHERE position = 8 AND line = 1",
        "UPDATE ledger.account_head SET credits_posted = credits_posted + 1 WHERE account_id = 1",
    ],
    "I12": ["ALTER TABLE ledger.subject ALTER captured_minor TYPE double precision"],
    "I16": ["UPDATE ledger.block SET recorded_at = recorded_at - interval '1 year' WHERE number = 3"],
    "I17": [
        "DELETE FROM ledger.dead_letter WHERE outcome = 'REJECTED'",
        "UPDATE ledger.dead_letter SET value = NULL",
        "UPDATE ledger.subject SET parked = parked + 1",
    ],
    "I18": [
        """UPDATE ledger.dead_letter SET resolved_position = (SELECT position FROM ledger.event WHERE voucher_no = 1)
           WHERE resolved_position IS NOT NULL"""
    ],
    "I19": [
        "UPDATE ledger.source_position SET posted = posted - 1, recorded = recorded + 1",
        "UPDATE ledger.source_position SET topic = 'other'",
    ],
    "I20": [
        "UPDATE ledger.book SET closed_through = '-infinity' WHERE book_id = 1",
        """UPDATE ledger.entry SET effective_at = '2020-12-31T23:59:59.999999Z'
           WHERE position = (SELECT max(position) FROM ledger.entry)""",
        """UPDATE ledger.event SET state = convert_to(replace(convert_from(state, 'UTF8'), '"ben"', '"Ana"'), 'UTF8')
           WHERE type = 'period.reopened'""",
        "UPDATE ledger.period SET status = 'open'",
    ],
    "I21": [
        """UPDATE reconciliation.finding SET state = 'RESOLVED', resolved_at_position = 1
           WHERE code = 'ORDER_SUSPENSE_NOT_ZERO'""",
        "UPDATE reconciliation.finding SET subject = 'other' WHERE subject LIKE '%o-2%'",
    ],
    "I22": [
        "GRANT INSERT ON ledger.entry TO ledger_reconciler",
        "GRANT UPDATE ON reconciliation.finding TO ledger_reader",
    ],
}
"""Statements of which each breaks the invariant."""


@pytest.mark.parametrize(
    ("name", "statement"), [(name, statement) for name, statements in PLANTED.items() for statement in statements]
)
def test_it_is_broken_by(name: str, statement: str, posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        assert connection.execute(statement).rowcount != 0, "the statement changed nothing"
    broken = {what.partition(":")[0] for what in violations(posted.dsn())}
    assert name in broken


def test_every_invariant_is_shown_to_fail() -> None:
    assert {invariant.name for invariant in INVARIANTS} == set(PLANTED)


def test_appearances_in_a_topic_are_1_to_n_however_often_they_are_repeated() -> None:
    assert published_out_of_order([("a", 1), ("b", 1), ("a", 2), ("a", 1), ("a", 2), ("a", 3)]) == []
    assert published_out_of_order([("a", 1), ("a", 3)]) == ["a/3 appears after a/1"]
    assert published_out_of_order([("a", 2), ("a", 1)]) == ["a/2 appears after a/0"]


def test_violators_are_named(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("UPDATE ledger.account_head SET credits_posted = credits_posted + 1 WHERE account_id = 1")
    with pytest.raises(
        AssertionError, match="I2: Each head is the sum of its account's entries\n    head of account 1/1"
    ):
        assert_invariants(posted.dsn())


def test_a_post_after_a_violation_does_not_hide_it(posted: TestDatabase) -> None:
    with tampering(posted) as connection:
        connection.execute("UPDATE ledger.entry SET running_minor = running_minor + 1 WHERE posting_sequence = 1")
    with PostedLedger(posted.dsn()) as ledger:
        ledger.post([captured("o-20", 10, {"a": 10})])
    assert any(what.startswith("I2") for what in violations(posted.dsn()))
