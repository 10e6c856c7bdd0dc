"""A log reference counts to 65,536 events of a batch: what would write more is posted as several."""

import psycopg
import pytest

from deploy.demo.messages import Message
from ledger_core.store.errors import BatchTooLargeError
from ledger_core.store.verify import verify
from tests.support.postings import Scene, by_hand, captured, event, outcomes, refunded, voided

pytestmark = pytest.mark.postgres

BOUND = 10


@pytest.fixture(autouse=True)
def bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger_core.store.cutting.MAX_BATCH_EVENTS", BOUND)


def group(order: str, size: int) -> Message:
    return event("voucher.group_requested.v1", order, f"group-{order}", {"vouchers": [by_hand()] * size})


def largest_block(scene: Scene) -> int:
    return int(scene.one("SELECT max(last_position - first_position + 1) FROM ledger.block WHERE book_id > 0"))


def test_groups_of_more_vouchers_than_a_batch_may_hold_are_posted_in_several(scene: Scene) -> None:
    result = scene.post(*(group(f"g-{n}", 4) for n in range(7)))
    assert outcomes(result) == ["POSTED"] * 7
    assert [decided.voucher_no for decided in result.decided if decided] == [1, 5, 9, 13, 17, 21, 25]
    assert largest_block(scene) <= BOUND
    assert scene.counters() == {"posted": 7}
    assert sum(result.vouchers.values()) == 28
    scene.assert_whole()


def test_what_heals_more_than_fits_is_posted_in_several(scene: Scene) -> None:
    """How much waits is known under lock only. A partition stands behind each piece with the gaps before it."""
    scene.post(*(refunded(f"o-{n}", 1, event_id=f"r-{n}-{m}") for n in range(5) for m in range(2)))
    scene.topic.leave_gap()
    for number in range(4):
        scene.topic.send(captured(f"o-{number}"))
        scene.topic.leave_gap(2)
    scene.topic.send(captured("p-1"), partition=1)
    worker = scene.worker(0, 1)
    result = worker.work()
    assert outcomes(result) == ["POSTED"] * 5
    assert [event.event_id for event, _ in result.healed] == [f"r-{n}-{m}" for n in range(4) for m in range(2)]
    assert largest_block(scene) <= BOUND
    assert scene.counters() == {"posted": 4, "parked": 10, "gaps": 9}
    assert scene.counters(1) == {"posted": 1}
    assert scene.rows("SELECT next_offset FROM ledger.source_position ORDER BY partition") == [(23,), (1,)]
    assert worker.take(0, 1).work().decided == []
    scene.assert_whole()


def test_an_account_that_opens_heals_more_order_keys_than_one_batch_may_hold(scene: Scene) -> None:
    for half in range(2):
        scene.post(*(captured(f"o-{half}-{n}", to="vault:1") for n in range(8)))
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    worker = scene.worker()
    assert len(worker.poster.heal("shop", "account:vault:1").healed) == 16
    assert largest_block(scene) <= BOUND
    scene.assert_whole()


def test_a_partition_that_moved_on_is_left_out_of_every_piece(scene: Scene) -> None:
    scene.topic.send(*(group(f"g-{n}", 4) for n in range(4)))
    scene.topic.send(*(group(f"h-{n}", 4) for n in range(3)), partition=1)
    zombie = scene.worker(0, 1)
    batch = zombie.prepare()
    assert outcomes(scene.worker(0).work()) == ["POSTED"] * 4
    result = zombie.poster.post(batch)
    assert outcomes(result) == ["-"] * 4 + ["POSTED"] * 3
    assert result.dropped == (("payments", 0),)
    scene.assert_whole()


def test_a_void_of_a_voucher_in_a_batch_that_was_cut_mirrors_that_voucher(scene: Scene) -> None:
    groups = [group(f"g-{n}", 4) for n in range(5)]
    scene.post(*groups, captured("o-1", 700), captured("o-2", 9))
    assert outcomes(scene.post(voided("o-1"))) == ["POSTED"]
    assert scene.balance_minor("wallet:seller:1") == -(20 * 5 + 9)
    scene.assert_whole()


def test_an_event_that_alone_is_too_large_names_its_partition(scene: Scene) -> None:
    scene.topic.send(captured("o-1"), group("g-1", BOUND + 1))
    with pytest.raises(BatchTooLargeError) as raised:
        scene.worker().work()
    assert raised.value.partitions == [("payments", 0)]
    assert scene.counters() == {"posted": 1}
    scene.assert_whole()


def test_verification_finds_an_outcome_that_no_reference_leads_to(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_core.store.cutting.MAX_BATCH_EVENTS", 4 * BOUND)
    scene.post(*(group(f"g-{n}", 4) for n in range(3)))
    assert verify(scene.dsn).ok
    with monkeypatch.context() as narrower:
        narrower.setattr("ledger_core.store.cutting.MAX_BATCH_EVENTS", BOUND)
        bad = [check for check in verify(scene.dsn).checks if not check.ok]
    assert [check.name for check in bad] == ["blocks"]
    assert "no reference leads to" in bad[0].first_bad


def test_the_inbox_takes_no_place_that_a_reference_cannot_hold(scene: Scene) -> None:
    scene.post(captured("o-1"))
    with pytest.raises(psycopg.errors.CheckViolation, match="inbox_ordinal_check"):
        scene.change("""INSERT INTO ledger.inbox
            SELECT batch_id, book_id, source_id, 65536, 1, 'another', fingerprint FROM ledger.inbox""")
