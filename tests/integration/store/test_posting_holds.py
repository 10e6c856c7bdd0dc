"""Holds on the posting path: placed, captured, released and expired, in the order of their keys, batch by batch."""

from typing import Any

import psycopg
import pytest

from ledger_core.store.connection import Role, connect
from ledger_core.store.hold_expiry import expire_due
from tests.support.hold_events import LONG_AGO, LONG_DUE, placed, released, taken
from tests.support.postings import Scene, captured, event, outcomes, void_requested

pytestmark = pytest.mark.postgres

BUYER, SELLER = "wallet:buyer:1", "wallet:seller:1"


def pending(scene: Scene, account: str = BUYER) -> tuple[int, int]:
    debits, credits = scene.one(
        """SELECT debits_pending, credits_pending
        FROM ledger.account_head JOIN ledger.account USING (book_id, account_id) WHERE code = %s""",
        account,
    )
    return debits, credits


def hold(scene: Scene, hold_id: str = "h") -> tuple[str, int, int]:
    """Status, what was captured and what was given back."""
    status, captured_minor, released_minor = scene.one(
        "SELECT status, captured_minor, released_minor FROM ledger.hold WHERE hold_id = %s", hold_id
    )
    return status, captured_minor, released_minor


def types(scene: Scene) -> list[str]:
    """What the log says of upstream events and expiries."""
    return [line.split()[0] for line in scene.log_of() if not line.startswith("account.")]


def due(hold_id: str = "h", amount: int = 100) -> Any:
    """A hold whose time came long ago, by the database's clock."""
    return placed(hold_id, amount, time=LONG_AGO, expires_at=LONG_DUE)


# Placing, capturing, releasing.


def test_a_hold_is_kept_back_of_its_account_and_moves_no_balance(scene: Scene) -> None:
    assert outcomes(scene.post(placed("h", 100))) == ["RECORDED"]
    assert pending(scene) == (100, 0)
    assert scene.balance_minor(BUYER) == 0
    assert hold(scene) == ("PLACED", 0, 0)


def test_a_capture_posts_its_parts_and_gives_the_account_back_what_it_took(scene: Scene) -> None:
    scene.post(placed("h", 100))
    assert outcomes(scene.post(taken("h", (SELLER, 50), ("control:PLATFORM_FEES", 10)))) == ["POSTED"]
    assert pending(scene) == (40, 0)
    assert (scene.balance_minor(BUYER), scene.balance_minor(SELLER)) == (60, -50)
    assert hold(scene) == ("PARTIALLY_CAPTURED", 60, 0)


def test_a_life_of_one_batch_is_that_of_many(scene: Scene) -> None:
    events = [placed("h", 100), taken("h", 30), taken("h", 50), released("h"), taken("h", 1)]
    assert outcomes(scene.post(*events)) == ["RECORDED", "POSTED", "POSTED", "RECORDED", "HOLD_RELEASED"]
    assert hold(scene) == ("RELEASED", 80, 20)
    assert pending(scene) == (0, 0)
    scene.post(placed("k", 100))
    assert [outcomes(scene.post(taken("k", amount)))[0] for amount in (30, 50)] == ["POSTED", "POSTED"]
    assert outcomes(scene.post(released("k"))) == ["RECORDED"]
    assert hold(scene, "k") == hold(scene)


def test_captures_may_pass_the_hold_by_its_tolerance_and_not_by_more(scene: Scene) -> None:
    scene.post(placed("h", 100, tolerance_bps=1_000))
    assert outcomes(scene.post(taken("h", 111), taken("h", 110))) == ["CAPTURE_EXCEEDS_HOLD", "POSTED"]
    assert hold(scene) == ("CAPTURED", 110, 0)
    assert pending(scene) == (0, 0)


def test_a_final_capture_gives_the_rest_back(scene: Scene) -> None:
    assert outcomes(scene.post(placed("h", 100), taken("h", 40, final=True))) == ["RECORDED", "POSTED"]
    assert hold(scene) == ("CAPTURED", 40, 60)
    assert pending(scene) == (0, 0)


def test_a_hold_that_names_no_side_is_on_the_one_that_lowers_its_account(scene: Scene) -> None:
    scene.accounts().open_account("till:1", account_type="asset", currency="EUR")
    scene.post(placed("h", 100, of="till:1"), placed("k", 7, of="till:1", side="debit"))
    assert pending(scene, "till:1") == (7, 100)
    assert outcomes(scene.post(taken("h", 100))) == ["POSTED"]
    assert scene.balance_minor("till:1") == -100


def test_captures_before_their_hold_wait_for_it(scene: Scene) -> None:
    assert outcomes(scene.post(taken("h", 30), released("h"))) == ["HOLD_UNKNOWN", "ORDER_KEY_PARKED"]
    result = scene.post(placed("h", 100))
    assert outcomes(result) == ["RECORDED"]
    assert [decided.outcome.value for _, decided in result.healed] == ["POSTED", "RECORDED"]
    assert hold(scene) == ("RELEASED", 30, 70)


def test_a_capture_before_its_hold_in_one_batch_is_healed_at_once(scene: Scene) -> None:
    result = scene.post(taken("h", 30), placed("h", 100))
    assert outcomes(result) == ["HOLD_UNKNOWN", "RECORDED"]
    assert [decided.outcome.value for _, decided in result.healed] == ["POSTED"]
    assert hold(scene) == ("PARTIALLY_CAPTURED", 30, 0)


def test_an_id_is_taken_for_good(scene: Scene) -> None:
    scene.post(placed("h", 100), taken("h", 100))
    assert outcomes(scene.post(placed("h", 5, event_id="again"))) == ["HOLD_EXISTS"]


def test_repeats_change_nothing(scene: Scene) -> None:
    events = [placed("h", 100), taken("h", 30), released("h")]
    scene.post(*events)
    position = scene.position()
    assert outcomes(scene.post(*events)) == ["REPLAYED"] * 3
    assert scene.position() == position


def test_a_hold_on_a_frozen_account_waits_and_its_capture_behind_it(scene: Scene) -> None:
    scene.post(placed("other", 5))
    scene.accounts().freeze(BUYER, reason="test")
    assert outcomes(scene.post(placed("h", 100), taken("h", 100))) == ["ACCOUNT_FROZEN", "ORDER_KEY_PARKED"]
    assert outcomes(scene.post(taken("other", 5))) == ["ACCOUNT_FROZEN"]
    assert pending(scene) == (5, 0)
    scene.accounts().unfreeze(BUYER, reason="test")
    scene.worker().poster.heal("shop", f"account:{BUYER}")
    assert (hold(scene)[0], hold(scene, "other")[0]) == ("CAPTURED", "CAPTURED")


def test_what_is_held_of_a_frozen_account_can_be_released(scene: Scene) -> None:
    scene.post(placed("h", 100))
    scene.accounts().freeze(BUYER, reason="test")
    assert outcomes(scene.post(released("h"))) == ["RECORDED"]
    assert pending(scene) == (0, 0)


def test_the_subject_of_a_hold_event_is_the_id_of_its_hold(scene: Scene) -> None:
    odd = event("hold.released.v1", "another", "odd", {"hold_id": "h"})
    assert outcomes(scene.post(placed("h"), odd)) == ["RECORDED", "DATA_INVALID"]


def test_a_hold_that_would_expire_before_it_is_placed_is_refused(scene: Scene) -> None:
    assert outcomes(scene.post(placed("h", time=LONG_DUE, expires_at=LONG_DUE))) == ["DATA_INVALID"]


def test_a_capture_goes_by_the_placing_that_was_accepted(scene: Scene) -> None:
    """Of two placings of one id in its batch the first is refused: what it said does not count."""
    scene.post(captured("o-1", 500, to=BUYER), captured("o-2", 500, to=SELLER))
    events = [
        placed("h", 100, currency="USD", event_id="in-dollars"),
        placed("h", 100, of="wallet:buyer:2"),
        taken("h", 60),
    ]
    assert outcomes(scene.post(*events)) == ["ACCOUNT_CURRENCY_MISMATCH", "RECORDED", "POSTED"]
    assert scene.balance_minor("wallet:buyer:2") == 60


def test_holds_and_payments_of_one_batch_do_not_disturb_each_other(scene: Scene) -> None:
    events = [placed("h", 100), captured("o-1", 70, to=BUYER), taken("h", 30), captured("h", 5)]
    assert outcomes(scene.post(*events)) == ["RECORDED", "POSTED", "POSTED", "POSTED"]
    assert scene.balance_minor(BUYER) == 30 - 70
    assert pending(scene) == (70, 0)


def test_voiding_a_capture_gives_the_money_back_and_not_the_hold(scene: Scene) -> None:
    scene.post(placed("h", 100), taken("h", 60))
    assert outcomes(scene.post(void_requested("h", voucher_no=1), taken("h", 41))) == ["POSTED", "CAPTURE_EXCEEDS_HOLD"]
    assert scene.balance_minor(BUYER) == 0
    assert (hold(scene), pending(scene)) == (("PARTIALLY_CAPTURED", 60, 0), (40, 0))


# Expiry.


def test_a_capture_that_comes_after_the_time_first_lets_the_hold_expire(scene: Scene) -> None:
    assert outcomes(scene.post(due())) == ["RECORDED"]
    assert outcomes(scene.post(taken("h", 30))) == ["HOLD_EXPIRED"]
    assert hold(scene) == ("EXPIRED", 0, 100)
    assert pending(scene) == (0, 0)
    assert types(scene) == ["fact.recorded", "hold.expired", "event.rejected"]


def test_an_expired_hold_was_captured_until_then(scene: Scene) -> None:
    assert outcomes(scene.post(due(), taken("h", 30))) == ["RECORDED", "POSTED"]
    assert outcomes(scene.post(released("h"), placed("h", event_id="again"))) == ["HOLD_EXPIRED", "HOLD_EXISTS"]
    assert hold(scene) == ("EXPIRED", 30, 70)


@pytest.mark.parametrize(
    ("second_batch_from", "captured"), [(3, "POSTED"), (2, "POSTED"), (1, "HOLD_EXPIRED")],
    ids=["all in one", "apart from what follows", "between placing and capture"],
)  # fmt: skip
def test_a_consumer_that_comes_after_the_time_lets_a_hold_expire_between_its_batches_and_never_within_one(
    second_batch_from: int, captured: str, scene: Scene
) -> None:
    """The one outcome that depends on where batches are cut (ADRs/0010-holds.md): the clock is read once a batch."""
    events = [due(), taken("h", 30), taken("h", 20)]
    scene.post(*events[:second_batch_from])
    if events[second_batch_from:]:
        scene.post(*events[second_batch_from:])
    code = scene.one(
        "SELECT coalesce((SELECT code FROM ledger.dead_letter WHERE event_id = 'captured-h-30'), 'POSTED')"
    )
    assert code == captured


def test_the_scheduler_lets_holds_expire_that_are_due_and_no_others(scene: Scene) -> None:
    scene.create_book("other")
    scene.post(due("h"), due("k"), placed("never"), placed("later", expires_at="9999-12-30T00:00:00Z"))
    scene.post(placed("h", 5, book="other", time=LONG_AGO, expires_at=LONG_DUE), partition=1)
    with connect(scene.dsn, Role.POSTER) as connection:
        connection.autocommit = True
        assert expire_due(connection) == {"shop": 2, "other": 1}
        assert expire_due(connection) == {}
    assert pending_in_all(scene) == [("other", 0), ("shop", 200)]


def pending_in_all(scene: Scene) -> list[tuple[str, int]]:
    return scene.rows(
        """SELECT book.code, sum(debits_pending)::bigint FROM ledger.account_head JOIN ledger.book USING (book_id)
        GROUP BY 1 ORDER BY 1"""
    )


def test_a_book_that_is_halted_lets_nothing_expire(scene: Scene) -> None:
    scene.post(due())
    scene.change("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'shop'")
    with connect(scene.dsn, Role.POSTER) as connection:
        connection.autocommit = True
        assert expire_due(connection) == {}


# A batch stays a batch.


def test_two_thousand_hold_events_take_as_many_statements_as_a_few(scene: Scene) -> None:
    def statements(holds: int, prefix: str) -> int:
        events = [placed(f"{prefix}{n}", 100, of=f"wallet:buyer:{n % 50}") for n in range(holds)]
        events += [taken(f"{prefix}{n}", (f"wallet:seller:{n % 50}", 100)) for n in range(holds)]
        scene.topic.send(*events)
        worker = scene.worker()
        prepared = worker.prepare()
        counting = CountingCursors()
        worker.poster._posting.cursor_factory = counting.factory()
        assert set(outcomes(worker.poster.post(prepared))) == {"RECORDED", "POSTED"}
        return counting.statements

    scene.post(*(captured(f"o{n}", 5, to=f"wallet:{kind}:{n}") for n in range(50) for kind in ("buyer", "seller")))
    few = statements(3, "few")
    assert statements(1_000, "many") == few


class CountingCursors:
    """Cursors that count what they are told to execute."""

    def __init__(self) -> None:
        self.statements = 0

    def factory(self) -> type[psycopg.Cursor[Any]]:
        counting = self

        class Counting(psycopg.Cursor[Any]):
            def execute(self, *arguments: Any, **options: Any) -> Any:
                counting.statements += 1
                return super().execute(*arguments, **options)

            def copy(self, *arguments: Any, **options: Any) -> Any:
                counting.statements += 1
                return super().copy(*arguments, **options)

        return Counting
