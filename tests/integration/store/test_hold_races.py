"""Many writers, and the scheduler of expiries, on the same few holds and accounts: nobody takes what another took."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from random import Random

import pytest
from psycopg import Connection

from deploy.demo.messages import Message
from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_due, expire_holds
from tests.support.hold_events import LONG_AGO, LONG_DUE, placed, released, taken
from tests.support.postings import Gate, Scene, captured, outcomes, paid_out
from tests.support.writers import WRITERS, work_all

pytestmark = pytest.mark.postgres

BUYERS = [f"wallet:buyer:{n}" for n in range(3)]
SELLERS = [f"wallet:seller:{n}" for n in range(3)]
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
LATER = "9999-12-30T00:00:00Z"


def expire_key(dsn: str, hold_id: str) -> int:
    """What the scheduler does with a hold that it found due, whatever the clock says."""
    with connect(dsn, Role.POSTER) as connection:
        row = connection.execute("SELECT book_id FROM ledger.book WHERE code = 'shop'").fetchone()
        assert row is not None
        return expire_holds(connection, row[0], [hold_id], END_OF_TIME)


def expire_keys(dsn: str, hold_ids: Sequence[str]) -> int:
    return sum(expire_key(dsn, hold_id) for hold_id in hold_ids)


def statuses(scene: Scene) -> dict[str, str]:
    return dict(scene.rows("SELECT hold_id, status FROM ledger.hold"))


def test_sixteen_writers_never_take_more_than_was_held_and_its_tolerance(scene: Scene) -> None:
    """Each places holds of its own and takes of them, and all take of the same few, in orders of their own."""
    shared = {f"shared-{n}": (1_000, n * 500) for n in range(6)}
    scene.post(*(captured(f"o-{n}", 5, to=account) for n, account in enumerate(BUYERS + SELLERS)))
    scene.post(
        *(
            placed(hold, amount, of=BUYERS[n % 3], tolerance_bps=bps)
            for n, (hold, (amount, bps)) in enumerate(shared.items())
        )
    )

    def stream(writer: int) -> list[Message]:
        random = Random(writer)
        events = []
        for turn, hold in enumerate(random.choices(list(shared), k=24)):
            part = (random.choice(SELLERS), random.randint(1, 90))
            events.append(taken(hold, part, event_id=f"{writer}-{turn}"))
        for n in range(4):
            own = f"own-{writer}-{n}"
            events += [placed(own, 100, of=random.choice(BUYERS)), taken(own, (random.choice(SELLERS), 60))]
            events += [taken(own, (random.choice(SELLERS), 41)), released(own)]
        return events

    streams = [stream(writer) for writer in range(WRITERS)]
    said = Counter(code for future in work_all(scene, streams) for code in future.result())
    assert set(said) <= {"POSTED", "RECORDED", "CAPTURE_EXCEEDS_HOLD", "HOLD_CAPTURED"}
    assert said["RECORDED"] == WRITERS * 4 * 2
    assert said["CAPTURE_EXCEEDS_HOLD"] >= WRITERS * 4  # 41 of the 40 that were left of each hold of their own
    taken_minor = dict(scene.rows("SELECT hold_id, captured_minor FROM ledger.hold WHERE hold_id LIKE 'shared%%'"))
    for hold, (amount, bps) in shared.items():
        ceiling = amount + amount * bps // 10_000
        assert 0.9 * amount < taken_minor[hold] <= ceiling  # so much was asked for that hardly anything is left
    # Heads are what their entries and open holds add up to: `assert_whole` folds both.
    assert scene.one("SELECT sum(captured_minor)::bigint FROM ledger.hold WHERE hold_id LIKE 'own%%'") == 64 * 60
    assert scene.deadlocks() == 0


def test_sixteen_writers_never_hold_or_take_more_than_is_available(scene: Scene) -> None:
    """Much more is asked for than the accounts have: by holds, by captures beyond them, and by payouts."""
    funds, rich = 1_000, BUYERS[:2]
    limits = {"minimum_minor": "0", "policy": "deny"}
    templates = [{"pattern": account, "type": "liability", "limits": limits} for account in rich]
    scene.apply_chart({**scene.chart(), "templates": [*templates, *scene.chart()["templates"]]})
    scene.post(*(captured(f"o-{n}", funds, to=account) for n, account in enumerate(rich)))

    def stream(writer: int) -> list[Message]:
        random = Random(writer)
        events = []
        for n in range(8):
            hold, of, amount = f"h-{writer}-{n}", rich[(writer + n) % 2], random.randint(10, 60)
            events += [placed(hold, amount, of=of, tolerance_bps=5_000)]
            events += [taken(hold, (SELLERS[n % 3], amount // 2)), paid_out(f"p-{writer}-{n}", 15, of=of)]
            events += [taken(hold, (SELLERS[n % 3], amount)) if n % 2 else released(hold)]
        return events

    said = Counter(code for future in work_all(scene, [stream(w) for w in range(WRITERS)]) for code in future.result())
    assert said["INSUFFICIENT_AVAILABLE"] > 0
    assert said["LIMIT_MINIMUM"] > 0
    heads = scene.rows(
        """SELECT code, credits_posted - debits_posted - debits_pending, debits_posted + debits_pending
        FROM ledger.account_head JOIN ledger.account USING (book_id, account_id) WHERE code = ANY(%s) ORDER BY code""",
        rich,
    )
    for _, available, used in heads:
        assert available >= 0
        assert used <= funds
    assert scene.one("SELECT max(running_minor) FROM ledger.entry JOIN ledger.account USING (book_id, account_id) "
                     "WHERE code = ANY(%s)", rich) <= 0  # fmt: skip
    assert scene.deadlocks() == 0


def test_whether_a_hold_expires_or_is_captured_exactly_one_of_both_happens(scene: Scene) -> None:
    """Writers and two schedulers meet the same holds in opposite orders."""
    holds = [f"h-{n}" for n in range(24)]
    scene.post(*(placed(hold, 100, of=BUYERS[n % 3], expires_at=LATER) for n, hold in enumerate(holds)))
    streams = [
        [
            taken(hold, (SELLERS[writer % 3], 100), event_id=f"{writer}-{hold}")
            for hold in Random(writer).sample(holds, 24)
        ]
        for writer in range(6)
    ]
    capturing = work_all(scene, streams)
    expiring = [scene.threads.submit(expire_keys, scene.dsn, order) for order in (holds, holds[::-1])]
    said = Counter(code for future in capturing for code in future.result())
    expired = sum(future.result() for future in expiring)
    ended = Counter(statuses(scene).values())
    assert ended["CAPTURED"] + ended["EXPIRED"] == 24
    assert (said["POSTED"], expired) == (ended["CAPTURED"], ended["EXPIRED"])
    assert set(said) <= {"POSTED", "HOLD_CAPTURED", "HOLD_EXPIRED"}
    assert scene.one("SELECT sum(debits_pending)::bigint FROM ledger.account_head") == 0
    assert scene.deadlocks() == 0


@pytest.mark.parametrize(
    ("ends", "outcome", "status"),
    [(Connection.commit, "HOLD_EXPIRED", "EXPIRED"), (Connection.rollback, "POSTED", "CAPTURED")],
    ids=["committed", "rolled back"],
)
def test_a_capture_that_comes_while_its_hold_expires_waits_for_how_that_ends(
    scene: Scene, ends: Callable[[Connection], None], outcome: str, status: str
) -> None:
    scene.post(placed("h", 100, expires_at=LATER))
    scene.topic.send(taken("h", 100))
    worker = scene.worker()
    with connect(scene.dsn, Role.POSTER) as scheduler:
        (book_id,) = scheduler.execute("SELECT book_id FROM ledger.book WHERE code = 'shop'").fetchone() or (0,)
        assert expire_holds(scheduler, book_id, ["h"], END_OF_TIME) == 1
        capture = scene.start(worker.work)
        scene.until_waiting()
        ends(scheduler)
        assert outcomes(capture.result()) == [outcome]
    assert statuses(scene) == {"h": status}


def test_a_capture_under_way_keeps_the_scheduler_waiting_and_both_do_their_part(scene: Scene) -> None:
    """The scheduler found the hold due before the capture came; by its turn the hold is captured."""
    scene.post(placed("h", 100, expires_at=LATER))
    gate = Gate("before_commit")
    scene.topic.send(taken("h", 100))
    capture = scene.start(scene.worker(label=gate).work)
    gate.wait()
    expiry = scene.threads.submit(expire_key, scene.dsn, "h")
    scene.until_waiting()
    gate.open()
    assert outcomes(capture.result()) == ["POSTED"]
    assert expiry.result() == 0
    assert statuses(scene) == {"h": "CAPTURED"}


def test_whoever_touches_holds_that_are_due_first_each_expires_once_and_none_is_captured(scene: Scene) -> None:
    """Their time came long ago by the database's clock: each writer, and the scheduler, would let them expire."""
    holds = [f"h-{n}" for n in range(8)]
    due = [placed(hold, 100, of=BUYERS[n % 3], time=LONG_AGO, expires_at=LONG_DUE) for n, hold in enumerate(holds)]
    scene.post(*due)
    streams = [
        [taken(hold, 100, event_id=f"{writer}-{hold}") for hold in Random(writer).sample(holds, 8)]
        for writer in range(WRITERS)
    ]
    capturing = work_all(scene, streams)
    scheduler = scene.threads.submit(expire_all, scene.dsn)
    assert {code for future in capturing for code in future.result()} == {"HOLD_EXPIRED"}
    scheduler.result()
    assert set(statuses(scene).values()) == {"EXPIRED"}
    assert scene.one("SELECT count(*) FROM ledger.event WHERE type = 'hold.expired'") == 8


def expire_all(dsn: str) -> dict[str, int]:
    with connect(dsn, Role.POSTER) as connection:
        connection.autocommit = True
        return expire_due(connection)


def test_two_captures_of_one_hold_never_come_to_more_than_it(scene: Scene) -> None:
    scene.post(placed("h", 100))
    gate = Gate("before_commit")
    scene.topic.send(taken("h", 60), partition=0)
    scene.topic.send(taken("h", 50), partition=1)
    first, second = scene.worker(0, label=gate), scene.worker(1)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert (outcomes(one.result()), outcomes(two.result())) == (["POSTED"], ["CAPTURE_EXCEEDS_HOLD"])
    assert scene.one("SELECT captured_minor FROM ledger.hold") == 60


def test_two_placings_of_one_id_make_one_hold(scene: Scene) -> None:
    gate = Gate("before_commit")
    scene.topic.send(placed("h", 60), partition=0)
    scene.topic.send(placed("h", 50, event_id="again"), partition=1)
    one = scene.start(scene.worker(0, label=gate).work)
    gate.wait()
    two = scene.start(scene.worker(1).work)
    scene.until_waiting()
    gate.open()
    assert (outcomes(one.result()), outcomes(two.result())) == (["RECORDED"], ["HOLD_EXISTS"])


def test_writers_in_opposite_orders_of_holds_and_accounts_never_deadlock(scene: Scene) -> None:
    numbers = range(8)
    scene.post(*(placed(f"h{n}", 1_000, of=f"wallet:buyer:{n}") for n in numbers))
    for partition in numbers:
        order = numbers if partition % 2 else reversed(numbers)
        scene.topic.send(
            *(
                taken(f"h{n}", (f"wallet:buyer:{7 - n}" if n != 3 else SELLERS[1], 10), event_id=f"{partition}-{n}")
                for n in order
            ),
            partition=partition,
        )
    workers = [scene.worker(partition) for partition in numbers]
    results = [scene.start(worker.work) for worker in workers]
    assert [set(outcomes(result.result())) for result in results] == [{"POSTED"}] * 8
    assert scene.deadlocks() == 0
    assert scene.one("SELECT sum(captured_minor)::bigint FROM ledger.hold") == 8 * 8 * 10
