"""Events of a book that does not exist wait in the system book, and post in order, once, when that book is created."""

import pytest

from ledger_core.domain.incoming import SYSTEM_BOOK
from ledger_core.store.poster import HEALED_AT_ONCE
from ledger_core.store.verify import verify
from tests.support.postings import Gate, Scene, authorized, captured, event, outcomes, refunded

pytestmark = pytest.mark.postgres


def create_and_heal(scene: Scene, book: str = "later") -> list[str]:
    """Outcomes of what waited for the book."""
    scene.create_book(book)
    return heal(scene, book)


def heal(scene: Scene, book: str = "later") -> list[str]:
    result = scene.worker().poster.heal(SYSTEM_BOOK, f"book:{book}")
    return [decided.code or decided.outcome.value for _, decided in result.healed]


def waiting(scene: Scene) -> int:
    return int(scene.one("SELECT count(*) FROM ledger.dead_letter WHERE resolved_position IS NULL AND book_id = 0"))


def test_what_waited_for_a_book_is_decided_in_its_order_once_the_book_exists(scene: Scene) -> None:
    parked = scene.post(
        captured("o-1", 100, book="later"), refunded("o-1", 40, book="later"), authorized("o-2", 7, book="later"),
        refunded("o-1", 61, event_id="r-2", book="later"),
    )  # fmt: skip
    assert outcomes(parked) == ["BOOK_UNKNOWN"] * 4
    assert create_and_heal(scene) == ["POSTED", "POSTED", "RECORDED", "REFUND_EXCEEDS_CAPTURED"]
    assert scene.log_of("later")[-4:] == [
        "voucher.posted captured-o-1", "voucher.posted refunded-o-1", "fact.recorded authorized-o-2",
        "event.rejected r-2 REFUND_EXCEEDS_CAPTURED",
    ]  # fmt: skip
    assert waiting(scene) == 0
    assert scene.counters() == {"parked": 4}
    assert [line.split()[0] for line in scene.log_of(SYSTEM_BOOK)] == ["event.parked"] * 4 + ["event.skipped"] * 4


def test_strays_of_other_books_go_on_waiting_and_a_second_heal_finds_nothing(scene: Scene) -> None:
    scene.post(captured("o-1", book="later"), captured("o-1", book="never"))
    assert create_and_heal(scene) == ["POSTED"]
    assert heal(scene) == []
    assert heal(scene, "never") == []  # it does not exist, whatever was said
    assert waiting(scene) == 1


def test_more_strays_than_one_transaction_takes_keep_their_order(scene: Scene) -> None:
    numbers = range(2 * HEALED_AT_ONCE + 1)
    scene.post(*(captured("o", 1, event_id=f"c-{number}", book="later") for number in numbers))
    assert create_and_heal(scene) == ["POSTED"] * len(numbers)
    posted = [line for line in scene.log_of("later") if line.startswith("voucher")]
    assert posted == [f"voucher.posted c-{number}" for number in numbers]


def test_a_stray_that_came_again_meanwhile_is_not_posted_twice(scene: Scene) -> None:
    scene.post(captured("o-1", book="later"), captured("o-2", 5, book="later"), captured("o-1", book="later"))
    scene.create_book("later")
    assert outcomes(scene.post(captured("o-1", book="later"), captured("o-2", 6, book="later"))) == ["POSTED"] * 2
    assert heal(scene) == ["REPLAYED", "IDEMPOTENCY_CONFLICT", "REPLAYED"]
    assert (scene.vouchers("later"), waiting(scene)) == (2, 0)


def test_what_parks_in_its_own_book_heals_there_as_ever(scene: Scene) -> None:
    scene.post(refunded("o-1", 40, book="later"), captured("o-2", to="vault:1", book="later"))
    assert create_and_heal(scene) == ["PREDECESSOR_ABSENT", "ACCOUNT_MISSING"]
    result = scene.post(captured("o-1", book="later"))
    assert [decided.outcome.value for _, decided in result.healed] == ["POSTED"]
    assert scene.vouchers("later") == 2


def test_groups_and_holds_find_their_book_too(scene: Scene) -> None:
    lines = [
        {"account": account, "side": side, "amount_minor": "5", "currency": "EUR"}
        for account, side in (("control:CASH", "debit"), ("wallet:seller:1", "credit"))
    ]
    two = {"vouchers": [{"kind": "transfer", "lines": lines}] * 2}
    hold = {"hold_id": "h", "account": "wallet:buyer:1", "amount_minor": "7", "currency": "EUR"}
    scene.post(
        event("voucher.group_requested.v1", "g", "g", two, book="later"),
        event("hold.placed.v1", "h", "placed-h", hold, book="later"),
    )
    assert create_and_heal(scene) == ["POSTED", "RECORDED"]
    assert scene.vouchers("later") == 2


def test_two_healers_at_once_decide_each_stray_once(scene: Scene) -> None:
    scene.post(captured("o-1", book="later"), captured("o-2", book="later"))
    scene.create_book("later")
    gate = Gate("before_commit")
    one, other = scene.worker(label=gate), scene.worker()
    first = scene.start(one.poster.heal, SYSTEM_BOOK, "book:later")
    gate.wait()
    second = scene.start(other.poster.heal, SYSTEM_BOOK, "book:later")
    scene.until_waiting()
    gate.open()
    decided = [[one.outcome.value for _, one in future.result().healed] for future in (first, second)]
    assert decided[0] == ["POSTED"] * 2
    assert set(decided[1]) <= {"REPLAYED"}
    assert (scene.vouchers("later"), waiting(scene)) == (2, 0)


def test_an_event_that_parks_while_its_book_is_created_is_posted(scene: Scene) -> None:
    gate = Gate("decided")
    worker = scene.worker(label=gate)
    scene.topic.send(captured("o-1", book="later"))
    posting = scene.start(worker.work)
    gate.wait()
    assert create_and_heal(scene) == []
    gate.open()
    assert outcomes(posting.result()) == ["POSTED"]
    assert waiting(scene) == 0


def test_an_event_that_has_all_but_parked_when_its_book_is_created_is_found(scene: Scene) -> None:
    gate = Gate("before_commit")
    worker = scene.worker(label=gate)
    scene.topic.send(captured("o-1", book="later"))
    posting = scene.start(worker.work)
    gate.wait()
    scene.create_book("later")
    healing = scene.start(scene.worker(1).poster.heal, SYSTEM_BOOK, "book:later")
    scene.until_waiting()
    gate.open()
    assert outcomes(posting.result()) == ["BOOK_UNKNOWN"]
    assert [decided.outcome.value for _, decided in healing.result().healed] == ["POSTED"]


def test_what_became_of_a_stray_is_told_in_both_books_and_verified(scene: Scene) -> None:
    scene.post(captured("o-1", book="later"))
    create_and_heal(scene)
    assert verify(scene.dsn).ok
    told = scene.rows(
        """SELECT book_id, outcome, code, detail FROM read.event_outcome
        WHERE event_id IN ('captured-o-1', '1:payments:0:0') ORDER BY book_id, position"""
    )
    later = scene.one("SELECT book_id FROM ledger.book WHERE code = 'later'")
    assert [row[:3] for row in told] == [
        (0, "PARKED", "BOOK_UNKNOWN"), (0, "SKIPPED", "DECIDED_ELSEWHERE"), (later, "POSTED", ""),
    ]  # fmt: skip
    assert told[1][3] == "decided in book later"
