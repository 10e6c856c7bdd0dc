"""Step 2 of the posting transaction: each upstream event is decided once, however often and wherever it comes."""

import pytest

from deploy.demo.messages import Message
from tests.support.postings import BOOK, TIME, Gate, Scene, captured, event, garbage, outcomes, refunded, voided

pytestmark = pytest.mark.postgres


def test_a_duplicate_inside_one_batch_posts_once(scene: Scene) -> None:
    assert outcomes(scene.post(captured("o-1"), captured("o-1"), captured("o-1"))) == ["POSTED", "REPLAYED", "REPLAYED"]
    assert scene.vouchers() == 1
    assert scene.counters() == {"posted": 1, "replayed": 2}


def test_a_duplicate_in_a_later_batch_of_the_same_worker_posts_once(scene: Scene) -> None:
    worker = scene.worker()
    scene.topic.send(captured("o-1"), captured("o-2"))
    worker.work()
    scene.topic.send(captured("o-2"), captured("o-3"), captured("o-1"))
    assert outcomes(worker.work()) == ["REPLAYED", "POSTED", "REPLAYED"]
    assert scene.vouchers() == 3


def test_a_duplicate_after_a_restart_posts_once(scene: Scene) -> None:
    scene.post(captured("o-1"))
    assert outcomes(scene.post(captured("o-1"))) == ["REPLAYED"]
    assert scene.vouchers() == 1


def test_a_duplicate_on_another_partition_posts_once(scene: Scene) -> None:
    scene.post(captured("o-1"), partition=0)
    assert outcomes(scene.post(captured("o-1"), partition=1)) == ["REPLAYED"]
    assert (scene.counters(0), scene.counters(1)) == ({"posted": 1}, {"replayed": 1})


def test_two_workers_that_post_the_same_event_at_once_post_it_once(scene: Scene) -> None:
    """The second waits at the key for the first; a check before the insert would have seen nothing."""
    gate = Gate("before_commit")
    first, second = scene.worker(0, label=gate), scene.worker(1)
    scene.topic.send(captured("o-1"), partition=0)
    scene.topic.send(captured("o-1"), captured("o-2"), partition=1)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) == ["POSTED"]
    assert outcomes(two.result()) == ["REPLAYED", "POSTED"]


def test_an_event_whose_first_poster_rolled_back_is_posted_by_the_one_that_waited(scene: Scene) -> None:
    gate = Gate("before_commit")
    first, second = scene.worker(0, label=gate), scene.worker(1)
    scene.topic.send(captured("o-1"), partition=0)
    scene.topic.send(captured("o-1"), partition=1)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    scene.kill_idle_in_transaction()
    gate.open()
    assert one.exception() is not None
    assert outcomes(two.result()) == ["POSTED"]
    assert scene.vouchers() == 1


def test_keys_that_two_batches_bring_in_opposite_order_do_not_deadlock(scene: Scene) -> None:
    """Inbox rows are written in the order of their key, not of their arrival."""
    ids = [f"o-{number:03}" for number in range(200)]
    scene.topic.send(*(captured(order) for order in ids), partition=0)
    scene.topic.send(*(captured(order) for order in reversed(ids)), partition=1)
    workers = [scene.worker(0), scene.worker(1)]
    batches = [worker.prepare() for worker in workers]
    running = [scene.start(worker.poster.post, batch) for worker, batch in zip(workers, batches, strict=True)]
    said = [outcomes(one.result()) for one in running]
    assert sorted(said[0] + said[1]) == ["POSTED"] * 200 + ["REPLAYED"] * 200
    assert scene.deadlocks() == 0


def test_the_same_key_with_another_payload_is_a_conflict_once_and_its_repeat_a_replay(scene: Scene) -> None:
    scene.post(captured("o-1", 100))
    other = captured("o-1", 101)
    assert outcomes(scene.post(other)) == ["IDEMPOTENCY_CONFLICT"]
    assert outcomes(scene.post(other, other)) == ["REPLAYED", "REPLAYED"]
    assert outcomes(scene.post(captured("o-1", 102))) == ["IDEMPOTENCY_CONFLICT"]
    assert scene.vouchers() == 1
    assert scene.balance_minor("wallet:seller:1") == -100


@pytest.mark.parametrize(
    "again",
    [captured("o-1", time="2026-12-24T00:00:00Z"), captured("o-1")._replace(key=b"o-2")],
    ids=["time", "Kafka's key"],
)
def test_what_the_envelope_says_besides_the_key_makes_no_other_event(again: Message, scene: Scene) -> None:
    """Producers stamp retries anew: the first one's time stands."""
    scene.post(captured("o-1"))
    assert outcomes(scene.post(again)) == ["REPLAYED"]
    assert scene.one("SELECT max(effective_at AT TIME ZONE 'UTC')::date::text FROM ledger.entry") == TIME[:10]


def test_the_same_id_under_another_subject_is_the_event_that_was_decided_first(scene: Scene) -> None:
    data = {"payment_id": "o-1", "amount_minor": "100", "currency": "EUR", "method": "card"}
    one, other = (event("payment.captured.v1", subject, "e-1", data) for subject in ("o-1", "o-2"))
    assert outcomes(scene.post(one, other)) == ["POSTED", "REPLAYED"]
    assert scene.rows("SELECT order_key FROM ledger.event WHERE voucher_no > 0") == [("o-1",)]


def test_three_payloads_of_one_key_in_one_batch_are_one_voucher_and_two_conflicts(scene: Scene) -> None:
    said = outcomes(scene.post(*(captured("o-1", amount) for amount in (100, 101, 102, 101, 100))))
    assert said == ["POSTED", "IDEMPOTENCY_CONFLICT", "IDEMPOTENCY_CONFLICT", "REPLAYED", "REPLAYED"]


def test_a_repeat_that_comes_after_its_own_conflict_in_one_batch_is_still_a_replay(scene: Scene) -> None:
    """Compared with the key's first payload in the batch, the true repeat would count as the conflict."""
    scene.post(captured("o-1", 100))
    assert outcomes(scene.post(captured("o-1", 999), captured("o-1", 100))) == ["IDEMPOTENCY_CONFLICT", "REPLAYED"]


def test_the_same_id_of_another_source_or_in_another_book_is_another_event(scene: Scene) -> None:
    scene.create_book("other")
    said = outcomes(
        scene.post(captured("o-1"), captured("o-1", source="/psp-2"), captured("o-1", book="other"), captured("o-1"))
    )
    assert said == ["POSTED", "POSTED", "POSTED", "REPLAYED"]


def test_a_key_that_was_refused_stays_decided(scene: Scene) -> None:
    zero = captured("o-1", 0)
    assert outcomes(scene.post(zero)) == ["AMOUNT_NOT_POSITIVE"]
    assert outcomes(scene.post(zero)) == ["REPLAYED"]
    assert outcomes(scene.post(captured("o-1", 100))) == ["IDEMPOTENCY_CONFLICT"]


def test_a_parked_event_that_comes_again_is_a_replay_and_is_not_queued_twice(scene: Scene) -> None:
    scene.post(refunded("o-1"))
    assert outcomes(scene.post(refunded("o-1"))) == ["REPLAYED"]
    scene.post(captured("o-1"))
    assert scene.log_of() == [
        "event.parked refunded-o-1 PREDECESSOR_ABSENT",
        "voucher.posted captured-o-1",
        "voucher.posted refunded-o-1 2",
    ]
    assert outcomes(scene.post(refunded("o-1"), captured("o-1"))) == ["REPLAYED", "REPLAYED"]


def test_a_refund_is_limited_also_when_its_capture_comes_again_in_the_same_batch(scene: Scene) -> None:
    """The repeat looks like the refund's predecessor until its key is known: then the subject must be read."""
    scene.post(captured("o-1", 100))
    first = scene.post(captured("o-1", 100), refunded("o-1", 80, event_id="r-1"))
    assert outcomes(first) == ["REPLAYED", "POSTED"]
    second = scene.post(captured("o-1", 100), refunded("o-1", 80, event_id="r-2"))
    assert outcomes(second) == ["REPLAYED", "REFUND_EXCEEDS_CAPTURED"]


def test_a_void_mirrors_a_capture_also_when_that_comes_again_in_the_same_batch(scene: Scene) -> None:
    scene.post(captured("o-1", 100))
    assert outcomes(scene.post(captured("o-1", 100), voided("o-1"))) == ["REPLAYED", "POSTED"]
    assert scene.balance_minor("wallet:seller:1") == 0


def test_a_record_that_cannot_be_decoded_is_known_by_its_place(scene: Scene) -> None:
    assert outcomes(scene.post(garbage(), garbage())) == ["NOT_UTF8", "NOT_UTF8"]
    assert scene.log_of("system") == [
        "event.rejected 1:payments:0:0 NOT_UTF8",
        "event.rejected 1:payments:0:1 NOT_UTF8",
    ]


def test_an_event_of_an_unknown_book_is_parked_in_the_system_book_and_posts_by_replay_once_it_exists(
    scene: Scene,
) -> None:
    assert outcomes(scene.post(captured("o-1", book="later"), captured("o-2"))) == ["BOOK_UNKNOWN", "POSTED"]
    (letter,) = scene.rows("SELECT code, waits_for, value IS NOT NULL FROM ledger.dead_letter")
    assert letter == ("BOOK_UNKNOWN", "book:later", True)
    scene.create_book("later")
    assert outcomes(scene.post(captured("o-1", book="later"))) == ["POSTED"]


def test_an_unknown_book_at_the_same_offset_of_a_recreated_topic_is_another_event(scene: Scene) -> None:
    scene.post(captured("o-1", book="later"))
    scene.change("UPDATE ledger.source_position SET incarnation = 2, beginning = -1, next_offset = 0")
    scene.topic.records.clear()
    scene.topic.ends.clear()
    assert outcomes(scene.post(captured("o-2", book="later"))) == ["BOOK_UNKNOWN"]
    assert len(scene.log_of("system")) == 2


def test_the_keys_of_a_batch_are_found_by_their_index_whatever_the_order_of_their_text(scene: Scene) -> None:
    """PostgreSQL's order of the key is by bytes; a client that sorts by anything else would lock out of order."""
    ids = ["o-a", "o-B", "o-_", "o-é", "o-10", "o-9", "O-1", "o-🎉", "o-\ufb01"]
    worker = scene.worker()
    scene.topic.send(*(captured("o-1", event_id=one) for one in ids))
    assert set(outcomes(worker.work())) == {"POSTED"}
    scene.topic.send(*(captured("o-1", event_id=one) for one in reversed(ids)))
    assert set(outcomes(worker.work())) == {"REPLAYED"}


def test_a_replay_of_everything_changes_no_log_row(scene: Scene) -> None:
    everything = [captured("o-1"), refunded("o-1", 30), refunded("o-2"), captured("o-3", 0), voided("o-3"), garbage()]
    scene.post(*everything)
    before = scene.position(BOOK)
    assert set(outcomes(scene.post(*everything[:5]))) == {"REPLAYED"}
    assert scene.position(BOOK) == before
