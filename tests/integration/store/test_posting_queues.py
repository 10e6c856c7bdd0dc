"""Parked order keys in a real store: queues, their healing in order, and who wakes them."""

import pytest

from ledger_core.store.errors import CorruptionError
from ledger_core.store.poster import HEALED_AT_ONCE
from tests.support.databases import TestDatabase
from tests.support.postings import (
    BOOK,
    Gate,
    Scene,
    authorized,
    captured,
    event,
    outcomes,
    paid_out,
    refunded,
    voided,
)

pytestmark = pytest.mark.postgres


def waiting(scene: Scene) -> list[tuple[str, str]]:
    """Parked events that wait, oldest first: event id and what for."""
    return scene.rows(
        """SELECT event_id, waits_for FROM ledger.dead_letter
        WHERE resolved_position IS NULL AND outcome = 'PARKED' ORDER BY position"""
    )


def test_a_refund_before_its_capture_waits_and_is_healed_by_it(scene: Scene) -> None:
    assert outcomes(scene.post(refunded("o-1", 40))) == ["PREDECESSOR_ABSENT"]
    assert waiting(scene) == [("refunded-o-1", "payment.captured")]
    result = scene.post(captured("o-1", 100))
    assert outcomes(result) == ["POSTED"]
    assert [(incoming.event_id, decided.outcome) for incoming, decided in result.healed] == [("refunded-o-1", "POSTED")]
    assert scene.log_of() == [
        "event.parked refunded-o-1 PREDECESSOR_ABSENT",
        "voucher.posted captured-o-1",
        "voucher.posted refunded-o-1 2",
    ]
    assert scene.balance_minor("wallet:seller:1") == -60
    assert waiting(scene) == []


def test_a_refund_before_its_capture_in_one_batch_is_parked_and_healed_in_it(scene: Scene) -> None:
    result = scene.post(refunded("o-1", 40), captured("o-1", 100), captured("o-2", 5))
    assert outcomes(result) == ["PREDECESSOR_ABSENT", "POSTED", "POSTED"]
    assert [decided.position for _, decided in result.healed] == [scene.position()]
    assert scene.rows("SELECT position, resolved_position FROM ledger.dead_letter") == [
        (scene.position() - 3, scene.position())
    ]


def test_void_and_refunds_before_the_capture_drain_in_the_order_they_came(scene: Scene) -> None:
    for message in (refunded("o-1", 60, event_id="r-1"), refunded("o-1", 50, event_id="r-2"), voided("o-1")):
        scene.post(message)
    scene.post(captured("o-1", 100))
    assert scene.log_of()[-3:] == [
        "voucher.posted r-1 2",
        "event.rejected r-2 REFUND_EXCEEDS_CAPTURED 2",
        "event.rejected voided-o-1 VOID_AFTER_REFUND 2",
    ]
    assert scene.one("SELECT count(*) FROM ledger.dead_letter WHERE revision = 2 AND outcome = 'REJECTED'") == 2


def test_a_void_before_its_capture_mirrors_it(scene: Scene) -> None:
    scene.post(voided("o-1"))
    scene.post(captured("o-1", 100))
    assert scene.balance_minor("wallet:seller:1") == 0
    assert scene.vouchers() == 2


def test_a_void_mirrors_the_captures_of_earlier_batches_of_healed_ones_and_of_its_own_batch(scene: Scene) -> None:
    scene.accounts().open_account("vault:1", account_type="liability", currency="EUR")
    scene.accounts().freeze("vault:1", reason="later")
    scene.post(captured("o-1", 70, event_id="c-1"))
    scene.post(captured("o-1", 11, event_id="c-2", to="vault:1"))
    scene.accounts().unfreeze("vault:1", reason="now")
    worker = scene.worker(0)
    assert len(worker.poster.heal(BOOK, "account:vault:1").healed) == 1
    scene.topic.send(captured("o-1", 30, event_id="c-3", to="wallet:seller:2"), voided("o-1"))
    assert outcomes(worker.work()) == ["POSTED", "POSTED"]
    balances = [scene.balance_minor(code) for code in ("vault:1", "wallet:seller:1", "wallet:seller:2")]
    assert balances == [0, 0, 0]
    lines = scene.one("SELECT count(*) FROM ledger.entry WHERE position = (SELECT max(position) FROM ledger.entry)")
    assert lines == 6


def test_voids_in_two_books_mirror_the_captures_of_their_own(scene: Scene) -> None:
    """Both captures stand at the same place of their blocks: a place alone does not name a voucher."""
    scene.create_book("other")
    scene.post(captured("o-1", 70), captured("o-1", 5, to="wallet:seller:2", book="other"))
    assert outcomes(scene.post(voided("o-1"), voided("o-1", book="other"))) == ["POSTED", "POSTED"]
    counters = "SELECT DISTINCT debits_posted, credits_posted FROM ledger.account_head ORDER BY 1"
    assert scene.rows(counters) == [(5, 5), (70, 70)]


def test_an_account_that_opens_later_heals_what_waited_for_it_in_order(scene: Scene) -> None:
    scene.post(captured("o-1"), paid_out("p-1", 10, of="vault:1"), paid_out("p-2", 10, of="vault:2"))
    assert waiting(scene) == [("paid-out-p-1", "account:vault:1"), ("paid-out-p-2", "account:vault:2")]
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    worker = scene.worker(0)
    healed = worker.poster.heal(BOOK, "account:vault:1").healed
    assert [incoming.event_id for incoming, _ in healed] == ["paid-out-p-1"]
    assert waiting(scene) == [("paid-out-p-2", "account:vault:2")]


def test_an_account_that_opens_between_preparation_and_parking_is_not_waited_for(scene: Scene) -> None:
    """Whoever opened it has healed already, and found nothing: the event would wait for what has come."""
    gate = Gate("heads")
    worker = scene.worker(0, label=gate)
    scene.topic.send(captured("o-1"), paid_out("p-1", 10, of="vault:1"), paid_out("p-2", 10, of="vault:2"))
    posting = scene.start(worker.work)
    gate.wait()
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    assert scene.worker(1).poster.heal(BOOK, "account:vault:1").healed == ()
    gate.open()
    assert outcomes(posting.result()) == ["POSTED", "POSTED", "ACCOUNT_MISSING"]
    assert waiting(scene) == [("paid-out-p-2", "account:vault:2")]


def test_healing_many_order_keys_takes_several_transactions(scene: Scene) -> None:
    scene.post(captured("o-1"), paid_out("p"))
    scene.post(*(paid_out(f"p-{n}", 1, of="vault:1") for n in range(HEALED_AT_ONCE + 20)))
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    before = scene.one("SELECT count(*) FROM ledger.block")
    assert len(scene.worker(0).poster.heal(BOOK, "account:vault:1").healed) == HEALED_AT_ONCE + 20
    assert scene.one("SELECT count(*) FROM ledger.block") == before + 2
    assert waiting(scene) == []


def test_healing_twice_posts_once(scene: Scene) -> None:
    scene.post(paid_out("p-1", 10, of="vault:1"))
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    worker = scene.worker(0)
    assert len(worker.poster.heal(BOOK, "account:vault:1").healed) == 1
    assert len(worker.poster.heal(BOOK, "account:vault:1").healed) == 0
    assert scene.vouchers() == 1


def test_two_healers_at_once_post_once(scene: Scene) -> None:
    """Both found the queue; the second reads it again under the subject's lock."""
    scene.post(paid_out("p-1", 10, of="vault:1"))
    scene.accounts().open_account("vault:1", account_type="asset", currency="EUR")
    gate = Gate("before_commit")
    first, second = scene.worker(0, label=gate), scene.worker(1)
    one = scene.start(first.poster.heal, BOOK, "account:vault:1")
    gate.wait()
    two = scene.start(second.poster.heal, BOOK, "account:vault:1")
    scene.until_waiting()
    gate.open()
    assert [len(one.result().healed), len(two.result().healed)] == [1, 0]
    assert scene.vouchers() == 1


def test_healing_what_nobody_waits_for_or_in_a_book_that_does_not_exist_changes_nothing(scene: Scene) -> None:
    worker = scene.worker(0)
    position = scene.position()
    assert worker.poster.heal(BOOK, "account:vault:1").healed == ()
    with pytest.raises(LookupError):
        worker.poster.heal("nowhere", "account:vault:1")
    assert scene.position() == position


def test_a_frozen_account_parks_and_an_unfrozen_one_heals(scene: Scene) -> None:
    scene.post(captured("o-1"))
    scene.accounts().freeze("wallet:seller:1", reason="under suspicion")
    assert outcomes(scene.post(paid_out("p-1", 10), captured("o-2"))) == ["ACCOUNT_FROZEN", "ACCOUNT_FROZEN"]
    scene.accounts().unfreeze("wallet:seller:1", reason="cleared")
    healed = scene.worker(0).poster.heal(BOOK, "account:wallet:seller:1").healed
    assert [incoming.event_id for incoming, _ in healed] == ["paid-out-p-1", "captured-o-2"]


def test_a_capture_parked_behind_the_refund_that_waits_for_it_is_healed_first(scene: Scene) -> None:
    scene.post(captured("o-0"))
    scene.accounts().freeze("wallet:seller:1", reason="under suspicion")
    scene.post(refunded("o-1", 10, of="wallet:seller:2"))
    scene.post(captured("o-1", 100))
    scene.accounts().unfreeze("wallet:seller:1", reason="cleared")
    healed = scene.worker(0).poster.heal(BOOK, "account:wallet:seller:1").healed
    assert [incoming.event_id for incoming, _ in healed] == ["captured-o-1", "refunded-o-1"]


def test_a_parked_event_that_comes_to_wait_for_something_else_is_found_by_that(scene: Scene) -> None:
    """First for its capture, then for the account that was frozen meanwhile, then it posts."""
    scene.post(captured("o-0"))
    scene.post(refunded("o-1", 10), refunded("o-1", 20, event_id="r-2"))
    scene.accounts().freeze("wallet:seller:1", reason="under suspicion")
    assert outcomes(scene.post(captured("o-1", 100, to="wallet:seller:2"))) == ["POSTED"]
    assert waiting(scene) == [("refunded-o-1", "account:wallet:seller:1"), ("r-2", "order_key")]
    scene.accounts().unfreeze("wallet:seller:1", reason="cleared")
    healed = scene.worker(0).poster.heal(BOOK, "account:wallet:seller:1").healed
    assert [incoming.event_id for incoming, _ in healed] == ["refunded-o-1", "r-2"]


def test_two_missing_accounts_of_one_event_are_waited_for_one_after_the_other(scene: Scene) -> None:
    scene.post(captured("o-1", payer="vault:1", to="vault:2"))
    worker = scene.worker(0)
    for account in ("vault:1", "vault:2"):
        assert waiting(scene) == [("captured-o-1", f"account:{account}")]
        scene.accounts().open_account(account, account_type="asset", currency="EUR")
        worker.poster.heal(BOOK, f"account:{account}")
    assert waiting(scene) == []
    assert scene.vouchers() == 1


def test_an_event_of_unknown_type_blocks_its_own_order_key_only(scene: Scene) -> None:
    unknown = event("payment.disputed.v1", "o-1", "d-1", {"payment_id": "o-1"})
    newer = event("payment.captured.v9", "o-2", "c-9", {"payment_id": "o-2"})
    said = outcomes(scene.post(unknown, newer, captured("o-1"), captured("o-2"), captured("o-3")))
    assert said == ["EVENT_TYPE_UNKNOWN", "SCHEMA_VERSION_UNKNOWN", "ORDER_KEY_PARKED", "ORDER_KEY_PARKED", "POSTED"]
    assert outcomes(scene.post(authorized("o-1"), paid_out("o-2"))) == ["ORDER_KEY_PARKED", "ORDER_KEY_PARKED"]
    assert waiting(scene)[0] == ("d-1", "schema:payment.disputed.v1")


def test_an_event_that_needs_no_subject_still_queues_behind_a_parked_one_of_its_key(scene: Scene) -> None:
    scene.post(refunded("o-1"))
    assert outcomes(scene.post(paid_out("o-1", 1), captured("o-2"))) == ["ORDER_KEY_PARKED", "POSTED"]


def test_a_key_that_parks_while_a_poster_waits_for_it_is_read_again_under_its_lock(scene: Scene) -> None:
    scene.post(captured("o-1", 100))
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    unknown = event("payment.disputed.v1", "o-1", "d-1", {"payment_id": "o-1"})
    scene.topic.send(unknown, partition=1)
    scene.topic.send(refunded("o-1", 10), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) + outcomes(two.result()) == ["EVENT_TYPE_UNKNOWN", "ORDER_KEY_PARKED"]


def test_a_parked_event_keeps_its_bytes_key_headers_and_place(scene: Scene) -> None:
    message = refunded("o-1")
    scene.post(captured("o-0"), message)
    row = scene.one("SELECT key, value, topic, partition, log_offset, timestamp_ms, headers FROM ledger.dead_letter")
    key, value, topic, partition, offset, timestamp_ms, headers = row
    assert (bytes(key), bytes(value), topic, partition, offset, timestamp_ms) == (
        message.key, message.value, "payments", 0, 1, 1_001,
    )  # fmt: skip
    assert [name for name, _ in headers] == [name for name, _ in message.headers]


@pytest.mark.parametrize(
    "change",
    [
        """value = convert_to(replace(convert_from(value, 'UTF8'), '"40"', '"99"'), 'UTF8')""",
        """headers = (SELECT jsonb_agg(CASE pair ->> 0 WHEN 'ce_subject' THEN '["ce_subject", "by0y"]' ELSE pair END)
        FROM jsonb_array_elements(headers) AS pair)""",
    ],
    ids=["bytes", "order key"],
)
def test_a_parked_event_that_is_not_what_was_received_heals_nothing(database: TestDatabase, change: str) -> None:
    with Scene(database.dsn()) as scene:
        scene.post(refunded("o-1", 40))
        position = scene.position()
        scene.tamper(f"UPDATE ledger.dead_letter SET {change}")
        with pytest.raises(CorruptionError, match=f"position {position} of book 1 is not what was received"):
            scene.post(captured("o-1", 100))
        assert scene.vouchers() == 0
