"""Steps 1 and 3 to 6 of the posting transaction: each lock, by the interleaving that it prevents."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest

from deploy.demo.messages import Message
from ledger_core.operations.account_lifecycle import AccountLifecycle
from ledger_core.operations.period_lifecycle import PeriodLifecycle
from ledger_core.store.connection import Role, connect
from ledger_core.store.errors import CorruptionError, PostingHaltedError
from tests.support.databases import TestDatabase
from tests.support.postings import BOOK, Gate, Scene, authorized, captured, outcomes, paid_out, refunded, voided

pytestmark = pytest.mark.postgres


# 1. The fence.


def test_a_partition_that_moved_on_without_us_is_dropped_and_the_others_post(scene: Scene) -> None:
    scene.topic.send(captured("o-1"), partition=0)
    scene.topic.send(captured("o-2"), partition=1)
    old, new = scene.worker(0, 1), scene.worker(0)
    batch = old.prepare()
    new.work()
    result = old.poster.post(batch)
    assert outcomes(result) == ["-", "POSTED"]
    assert result.dropped == (("payments", 0),)
    assert scene.counters(0) == {"posted": 1}


def test_a_zombie_whose_partition_moved_posts_nothing_at_all(scene: Scene) -> None:
    scene.topic.send(captured("o-1"))
    zombie, heir = scene.worker(0), scene.worker(0)
    batch = zombie.prepare()
    heir.work()
    scene.topic.send(captured("o-2"))
    heir.work()
    position = scene.position()
    assert outcomes(zombie.poster.post(batch)) == ["-"]
    assert scene.position() == position


def test_a_worker_that_waited_at_the_fence_reads_where_the_row_stands_afterwards(scene: Scene) -> None:
    """The row's state before the wait would let the same records through twice."""
    gate = Gate("before_commit")
    scene.topic.send(captured("o-1"), captured("o-2"))
    heir, zombie = scene.worker(0, label=gate), scene.worker(0)
    one = scene.start(heir.work)
    gate.wait()
    two = scene.start(zombie.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) == ["POSTED", "POSTED"]
    assert outcomes(two.result()) == ["-", "-"]
    assert scene.counters() == {"posted": 2}


def test_a_position_of_another_incarnation_of_the_topic_is_shut_out(scene: Scene) -> None:
    scene.topic.send(captured("o-1"))
    worker = scene.worker(0)
    scene.change("UPDATE ledger.source_position SET incarnation = incarnation + 1")
    assert outcomes(worker.work()) == ["-"]


def test_a_batch_without_its_source_row_posts_nothing(scene: Scene) -> None:
    scene.topic.send(captured("o-1"))
    worker = scene.worker(0)
    scene.tamper("DELETE FROM ledger.source_position")
    assert outcomes(worker.work()) == ["-"]
    assert scene.vouchers() == 0


def test_when_the_fence_takes_a_capture_away_its_refund_is_decided_anew(scene: Scene) -> None:
    """Prepared together they looked sound; alone the refund has no predecessor."""
    scene.topic.send(captured("o-1"), partition=0)
    scene.topic.send(refunded("o-1"), partition=1)
    worker = scene.worker(0, 1)
    batch = worker.prepare()
    scene.change("UPDATE ledger.source_position SET incarnation = 9 WHERE partition = 0")
    assert outcomes(worker.poster.post(batch)) == ["-", "PREDECESSOR_ABSENT"]


# 3. Subjects.


def test_two_refunds_on_two_partitions_that_would_each_fit_do_not_both_post(scene: Scene) -> None:
    scene.post(captured("o-1", 100))
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(refunded("o-1", 80, event_id="r-1"), partition=1)
    scene.topic.send(refunded("o-1", 80, event_id="r-2"), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) == ["POSTED"]
    assert outcomes(two.result()) == ["REFUND_EXCEEDS_CAPTURED"]


def test_two_first_events_of_one_payment_on_two_partitions_at_once_both_count(scene: Scene) -> None:
    """Both found the order key unknown and would write its row as they predicted it."""
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(captured("o-1", 60, event_id="c-1"), partition=1)
    scene.topic.send(captured("o-1", 40, event_id="c-2"), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) + outcomes(two.result()) == ["POSTED", "POSTED"]
    assert scene.one("SELECT captured_minor, cardinality(captures) FROM ledger.subject") == (100, 2)
    assert outcomes(scene.post(refunded("o-1", 100))) == ["POSTED"]


def test_a_refund_waits_for_the_capture_that_is_being_posted_on_another_partition(scene: Scene) -> None:
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(captured("o-1"), partition=1)
    scene.topic.send(refunded("o-1"), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) + outcomes(two.result()) == ["POSTED", "POSTED"]


def test_a_void_and_a_refund_at_once_are_decided_one_after_the_other(scene: Scene) -> None:
    scene.post(captured("o-1"))
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(voided("o-1"), partition=1)
    scene.topic.send(refunded("o-1"), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) + outcomes(two.result()) == ["POSTED", "PAYMENT_VOIDED"]
    assert scene.balance_minor("wallet:seller:1") == 0


# 4. Heads, and the order of all locks.


def test_eight_writers_on_crossing_accounts_and_orders_never_deadlock(scene: Scene) -> None:
    """Each writer names accounts and order keys in an order of its own."""
    scene.post(*(captured(f"known-{n}", 10_000, payer=f"wallet:buyer:{n}", to=f"wallet:seller:{n}") for n in range(8)))
    workers = [scene.worker(partition) for partition in range(1, 9)]
    for partition, worker in enumerate(workers, start=1):
        for number in range(120):
            n = (number * (2 * partition - 1)) % 8 if partition % 2 else 7 - number % 8
            buyer, seller = f"wallet:buyer:{n}", f"wallet:seller:{(n * 3 + partition) % 8}"
            if number % 4 == 3:
                message = refunded(f"known-{n}", 1, event_id=f"r-{partition}-{number}", of=seller)
            elif number % 4 == 2:
                message = captured(f"shared-{n}", 5, event_id=f"s-{partition}-{number}", payer=seller, to=buyer)
            else:
                message = captured(f"o-{partition}-{number}", 7, payer=buyer, to=seller)
            worker.topic.send(message, partition=partition)

    def drive(number: int) -> int:
        return sum(len(workers[number].work(limit=15).decided) for _ in range(8))

    done = [scene.threads.submit(drive, number) for number in range(8)]
    assert [one.result() for one in done] == [120] * 8
    assert scene.deadlocks() == 0
    assert all(sum(scene.counters(partition).values()) == 120 for partition in range(1, 9))


def test_a_deadlock_that_somebody_else_brings_about_is_tried_again_and_posts_once(scene: Scene) -> None:
    scene.post(captured("o-1", payer="wallet:buyer:1", to="wallet:seller:1"))
    scene.set_for_new_sessions("deadlock_timeout", "100ms")
    worker = scene.worker(0)
    scene.topic.send(captured("o-2", payer="wallet:buyer:1", to="wallet:seller:1"))
    lock = """SELECT 1 FROM ledger.account_head WHERE (book_id, account_id) =
        (SELECT book_id, account_id FROM ledger.account WHERE code = %s) FOR UPDATE"""
    with scene.other_session() as bad:
        bad.execute("SET deadlock_timeout = '60s'")
        bad.execute(lock.encode(), [_later(scene)])
        posting = scene.start(worker.work)
        scene.until_waiting()
        bad.execute(lock.encode(), [_earlier(scene)])
    assert outcomes(posting.result()) == ["POSTED"]
    assert scene.deadlocks() == 1
    assert scene.vouchers() == 2


def _later(scene: Scene) -> str:
    return str(scene.one("SELECT code FROM ledger.account ORDER BY account_id DESC LIMIT 1"))


def _earlier(scene: Scene) -> str:
    return str(scene.one("SELECT code FROM ledger.account WHERE code LIKE 'wallet:%%' ORDER BY account_id LIMIT 1"))


@pytest.mark.parametrize("first", [[], [refunded("o-2")]], ids=["over columns", "one by one"])
def test_an_account_frozen_while_a_poster_waits_for_it_takes_no_entry(scene: Scene, first: list[Message]) -> None:
    """The status is read from the locked row: a join read in the same statement would still say open."""
    scene.post(captured("o-1"))
    gate = Gate("before_commit")
    freezing = scene.threads.submit(_freeze_slowly, scene, gate)
    gate.wait()
    worker = scene.worker(0)
    scene.topic.send(*first, paid_out("p-1", 10))
    posting = scene.start(worker.work)
    scene.until_waiting()
    gate.open()
    freezing.result()
    assert outcomes(posting.result())[-1] == "ACCOUNT_FROZEN"
    assert scene.balance_minor("wallet:seller:1") == -100


def _freeze_slowly(scene: Scene, gate: Gate) -> None:
    waits = False

    @contextmanager
    def transactions() -> Iterator[psycopg.Connection]:
        with connect(scene.dsn, Role.POSTER) as connection:
            yield connection
            if waits:
                gate("before_commit")

    commands = AccountLifecycle(transactions, BOOK)
    waits = True
    commands.freeze("wallet:seller:1", reason="under suspicion")


def test_an_account_without_a_head_aborts_the_batch_and_moves_nothing(database: TestDatabase) -> None:
    """A row count that differs from the one asked for is a fault, never a smaller answer."""
    with Scene(database.dsn()) as scene:
        scene.post(captured("o-1"))
        scene.change("ALTER TABLE ledger.account_head DISABLE TRIGGER ALL")
        scene.change("DELETE FROM ledger.account_head WHERE account_id = (SELECT max(account_id) FROM ledger.account)")
        scene.topic.send(captured("o-2"))
        worker, position = scene.worker(0), scene.position()
        with pytest.raises(CorruptionError):
            worker.work()
        assert (scene.position(), scene.counters()) == (position, {"posted": 1})


# 5 and 6. Periods, the book, its time.


@pytest.mark.parametrize(
    ("label", "before"), [("heads", []), ("decided", [refunded("o-9")])], ids=["over columns", "one by one"]
)
def test_a_period_that_closes_between_the_decision_and_the_book_parks_what_falls_into_it(
    scene: Scene, label: str, before: list[Message]
) -> None:
    gate = Gate(label)
    worker = scene.worker(0, label=gate)
    late, timely = captured("o-1", time="2020-03-31T23:59:59.999999Z"), captured("o-2", time="2020-04-01T00:00:00Z")
    scene.topic.send(*before, late, timely)
    posting = scene.start(worker.work)
    gate.wait()
    periods = PeriodLifecycle(lambda: connect(scene.dsn, Role.POSTER), BOOK)
    periods.close(date(2020, 3, 31), reason="quarter end")
    gate.open()
    assert outcomes(posting.result())[-2:] == ["PERIOD_CLOSED", "POSTED"]


def test_a_book_that_is_halted_meanwhile_posts_nothing_and_the_same_records_post_when_it_opens(scene: Scene) -> None:
    gate = Gate("heads")
    worker = scene.worker(0, label=gate)
    scene.topic.send(captured("o-1"))
    posting = scene.start(worker.work)
    gate.wait()
    scene.change("UPDATE ledger.book SET posting_mode = 'halted' WHERE book_id = 1")
    gate.open()
    assert isinstance(posting.exception(), PostingHaltedError)
    assert scene.counters() == {}
    scene.change("UPDATE ledger.book SET posting_mode = 'open' WHERE book_id = 1")
    assert outcomes(worker.take(0).work()) == ["POSTED"]


def test_recorded_at_does_not_fall_when_the_clock_does(scene: Scene) -> None:
    scene.post(captured("o-1"))
    scene.change("UPDATE ledger.book SET recorded_at = clock_timestamp() + interval '1 hour'")
    scene.post(captured("o-2"))
    scene.post(refunded("o-2"))
    ahead = scene.one(
        "SELECT bool_and(recorded_at > clock_timestamp() + interval '50 minutes') FROM ledger.block"
        " WHERE book_id = 1 AND number > (SELECT max(number) - 2 FROM ledger.block WHERE book_id = 1)"
    )
    assert ahead


def test_a_poster_that_waited_for_the_book_continues_from_where_the_other_left_it(scene: Scene) -> None:
    """Position, voucher number, hash and time are those of the row after the wait: no gap, no fork of the chain."""
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(captured("o-1", to="wallet:seller:1", payer="wallet:buyer:1"), partition=1)
    scene.topic.send(captured("o-2", to="wallet:seller:2", payer="wallet:buyer:2"), partition=2)
    second_batch = second.prepare()
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.poster.post, second_batch)
    scene.until_waiting()
    gate.open()
    positions = [decided.position for result in (one.result(), two.result()) for decided in result.decided if decided]
    assert positions[1] == positions[0] + 1
    assert scene.vouchers() == 2


def test_a_batch_of_replays_touches_no_book_and_waits_for_none(scene: Scene) -> None:
    scene.create_book("other")
    known = [captured("o-1"), captured("o-2", book="other")]
    scene.post(*known)
    rows = "SELECT book_id, xmin::text, block_number FROM ledger.book ORDER BY book_id"
    before = scene.rows(rows)
    with scene.other_session() as session:
        session.execute("SELECT 1 FROM ledger.book WHERE code = 'other' FOR UPDATE")
        assert outcomes(scene.post(*known, captured("o-3"))) == ["REPLAYED", "REPLAYED", "POSTED"]
    after = scene.rows(rows)
    assert [row for row in before if row[0] != 1] == [row for row in after if row[0] != 1]
    assert scene.one("SELECT count(*) FROM ledger.block WHERE first_position > last_position") == 0


def test_a_batch_without_records_moves_over_a_gap_and_seals_no_block(scene: Scene) -> None:
    scene.post(authorized("o-1"))
    blocks = scene.one("SELECT count(*) FROM ledger.block")
    scene.topic.leave_gap(3)
    worker = scene.worker(0)
    assert worker.work().decided == []
    assert scene.one("SELECT count(*) FROM ledger.block") == blocks
    assert scene.counters() == {"recorded": 1, "gaps": 3}
