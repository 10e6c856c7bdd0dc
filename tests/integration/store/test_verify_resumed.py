"""Verification from a checkpoint on: what changed since is compared with all of its events, the rest taken as it is."""

from collections.abc import Iterator

import pytest

from deploy.demo.messages import Message
from ledger_core.store.verify import Since, VerifyReport, verify
from tests.support.databases import TestDatabase, create_database, drop_database
from tests.support.hold_events import LONG_AGO, LONG_DUE, placed, released, taken
from tests.support.postings import BOOK, Scene, authorized, captured, event, paid_out, refunded, void_requested, voided
from tests.support.signing import signed
from tests.support.tampering import tampering

pytestmark = pytest.mark.postgres

SINCE = Since(checkpoint=True)
WALLET = "wallet:seller:1"
ROWS = ("subject", "subject_part", "hold", "account_head")


def refund_step(step: str, order: str, **data: str) -> Message:
    body = {"payment_id": order, "refund_id": f"r-{order}", **data}
    return event(f"refund.{step}.v1", order, f"refund-{step}-{order}", body)


@pytest.fixture(scope="module")
def whole(postgres_server: str) -> Iterator[TestDatabase]:
    """A checkpoint in the middle: some payments and holds ended before it, some go on, some begin."""
    database = create_database(postgres_server)
    with Scene(database.dsn()) as scene:
        scene.post(
            authorized("goes-on"), authorized("over"), captured("over"), captured("refunded"), captured("taken-back"),
            captured("in-steps"), captured("voided"), paid_out("p-over", of=WALLET),
            refund_step("requested", "in-steps", amount_minor="40", currency="EUR"),
            placed("h-over"), taken("h-over", 100), placed("h-goes-on"), taken("h-goes-on", 30), placed("h-released"),
            placed("h-due", time=LONG_AGO, expires_at=LONG_DUE), placed("h-open", of=WALLET),
        )  # fmt: skip
        signed(database.dsn(), BOOK)
        scene.post(
            captured("goes-on"), captured("new"), refunded("refunded", 60), voided("voided"), paid_out("p-new"),
            void_requested("taken-back", of="captured-taken-back"),
            refund_step("approved", "in-steps"), refund_step("processing", "in-steps"),
            placed("h-new"), taken("h-new", 10), taken("h-goes-on", 20), released("h-released"), released("h-due"),
        )  # fmt: skip
        scene.assert_whole()
    yield database
    drop_database(database)


@pytest.fixture
def database(whole: TestDatabase) -> Iterator[TestDatabase]:
    """The same for every test: rows that it changed are put back."""
    with tampering(whole) as connection:
        for table in ROWS:
            connection.execute(f"CREATE TABLE public.{table} AS TABLE ledger.{table}".encode())
    yield whole
    with tampering(whole) as connection:
        for table in ROWS:
            connection.execute(f"DELETE FROM ledger.{table}".encode())
            connection.execute(f"INSERT INTO ledger.{table} SELECT * FROM public.{table}".encode())
            connection.execute(f"DROP TABLE public.{table}".encode())


def change(database: TestDatabase, statement: str) -> None:
    with tampering(database) as connection:
        assert connection.execute(statement.encode()).rowcount == 1


def found(report: VerifyReport) -> dict[str, str]:
    return {check.name: check.first_bad for check in report.checks if not check.ok}


def test_a_whole_ledger_passes_and_says_what_it_looked_at(database: TestDatabase) -> None:
    report = verify(database.dsn(), since=SINCE)
    assert found(report) == {}
    assert 0 < report.events < sum(report.positions.values())
    names = {check.name for check in report.checks}
    assert names >= {"subjects", "parts", "holds", "held_amounts", "source_offsets", "heads"}
    assert "source_counters" not in names


BEGUN_SINCE_OR_GOING_ON = [
    ("UPDATE ledger.subject SET authorised_minor = 101 WHERE order_key = 'goes-on'", "subjects", "order key goes-on"),
    ("UPDATE ledger.subject SET captured_minor = 99 WHERE order_key = 'new'", "subjects", "order key new"),
    ("UPDATE ledger.subject SET refunded_minor = 61 WHERE order_key = 'refunded'", "subjects", "order key refunded"),
    ("UPDATE ledger.subject SET captured_minor = 1 WHERE order_key = 'taken-back'", "subjects", "order key taken-back"),
    ("UPDATE ledger.subject SET voided = false WHERE order_key = 'voided'", "subjects", "order key voided"),
    ("DELETE FROM ledger.subject WHERE order_key = 'new'", "subjects", "order key new"),
    ("UPDATE ledger.subject_part SET told = told + 1 WHERE part_id = 'r-in-steps'", "parts",
     "refund r-in-steps of order key in-steps"),
    ("UPDATE ledger.subject_part SET amount_minor = amount_minor + 1 WHERE part_id = 'p-new'", "parts", "(unknown)"),
    ("UPDATE ledger.hold SET captured_minor = 51 WHERE hold_id = 'h-goes-on'", "holds", "hold h-goes-on"),
    ("UPDATE ledger.hold SET captured_minor = 11 WHERE hold_id = 'h-new'", "holds", "hold h-new"),
    ("UPDATE ledger.hold SET tolerance_bps = 5 WHERE hold_id = 'h-released'", "holds", "hold h-released"),
    ("UPDATE ledger.hold SET status = 'RELEASED' WHERE hold_id = 'h-due'", "holds", "hold h-due"),
    ("UPDATE ledger.hold SET closed_position = 1000 WHERE hold_id = 'h-over'", "holds", "hold h-over"),
    ("UPDATE ledger.account_head SET debits_pending = debits_pending + 1 WHERE debits_pending > 100", "held_amounts",
     "account wallet:buyer:1"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "check", "first_bad"), BEGUN_SINCE_OR_GOING_ON)
def test_a_row_that_changed_since_is_compared_with_all_of_its_events(
    statement: str, check: str, first_bad: str, database: TestDatabase
) -> None:
    change(database, statement)
    assert found(verify(database.dsn(), since=SINCE))[check] == f"book {BOOK}: {first_bad}"


ONLY_IN_FULL = [
    ("UPDATE ledger.subject SET captured_minor = 99 WHERE order_key = 'over'", "subjects"),
    ("UPDATE ledger.subject_part SET amount_minor = amount_minor + 1 WHERE part_id = 'p-over'", "parts"),
    ("UPDATE ledger.hold SET tolerance_bps = 5 WHERE hold_id = 'h-over'", "holds"),
    (
        """UPDATE ledger.account_head SET debits_posted = debits_posted + 1, credits_posted = credits_posted + 1
        WHERE account_id = (SELECT min(account_id) FROM ledger.account WHERE code = 'wallet:seller:1')""",
        "heads",
    ),
]


@pytest.mark.parametrize(("statement", "check"), ONLY_IN_FULL)
def test_a_row_that_nothing_happened_to_since_is_taken_as_it_is(
    statement: str, check: str, database: TestDatabase
) -> None:
    """As the documentation says: only the verification of the whole log finds these."""
    change(database, statement)
    assert found(verify(database.dsn(), since=SINCE)) == {}
    assert found(verify(database.dsn())).keys() == {check}
