"""What waits for something that is there by now: whoever made it true was gone before it had the waiting decided."""

import pytest

from ledger_core.store.batch import BatchResult
from tests.support.account_events import closed
from tests.support.postings import BOOK, Gate, Scene, captured, outcomes, paid_out

pytestmark = pytest.mark.postgres

SELLER, VAULT = "wallet:seller:1", "vault:1"


def said(result: BatchResult) -> dict[str, str]:
    return {event.event_id: decided.code or decided.outcome.value for event, decided in result.healed}


def open_account(scene: Scene, code: str = VAULT) -> None:
    """As a command does that is killed before it heals."""
    scene.accounts().open_account(code, account_type="asset", currency="EUR")


def test_accounts_and_books_that_are_there_wake_what_waits_for_them_and_no_others(scene: Scene) -> None:
    scene.post(captured("o-1"))
    scene.accounts().freeze(SELLER, reason="a test")
    scene.post(captured("o-2"), captured("b-1", book="later"), captured("b-2", book="never"))
    scene.post(*(paid_out(vault, 10, of=vault) for vault in (VAULT, "vault:2", "vault:3")))
    open_account(scene)
    open_account(scene, "vault:3")
    scene.accounts().close("vault:3", reason="a mistake")
    scene.create_book("later")
    poster = scene.worker().poster
    healed = {f"paid-out-{VAULT}": "POSTED", "paid-out-vault:3": "ACCOUNT_CLOSED", "captured-b-1": "POSTED"}
    assert said(poster.heal_overdue()) == healed
    position = scene.position()
    assert said(poster.heal_overdue()) == {}
    assert scene.position() == position
    scene.accounts().unfreeze(SELLER, reason="a test")
    assert said(poster.heal_overdue()) == {"captured-o-2": "POSTED"}


def test_two_that_find_the_same_overdue_events_decide_them_once(scene: Scene) -> None:
    scene.post(paid_out("p-1", 10, of=VAULT))
    open_account(scene)
    gate = Gate("before_commit")
    first, second = scene.worker(0, label=gate), scene.worker(1)
    one = scene.start(first.poster.heal_overdue)
    gate.wait()
    two = scene.start(second.poster.heal_overdue)
    scene.until_waiting()
    gate.open()
    assert [said(one.result()), said(two.result())] == [{"paid-out-p-1": "POSTED"}, {}]
    assert scene.vouchers() == 1


def test_a_book_that_takes_no_posting_now_keeps_nobody_else_waiting(scene: Scene) -> None:
    scene.create_book("halted")
    scene.post(paid_out("p-1", 10, of=VAULT), paid_out("p-1", 10, of=VAULT, book="halted"))
    for book in (BOOK, "halted"):
        scene.accounts(book).open_account(VAULT, account_type="asset", currency="EUR")
    scene.change("UPDATE ledger.book SET posting_mode = 'halted' WHERE code = 'halted'")
    poster = scene.worker().poster
    assert len(said(poster.heal_overdue())) == 1
    scene.change("UPDATE ledger.book SET posting_mode = 'open' WHERE code = 'halted'")
    assert len(said(poster.heal_overdue())) == 1
    assert scene.vouchers("halted") == 1


def test_an_account_that_waits_for_another_to_close_into_is_overdue_too(scene: Scene) -> None:
    scene.post(captured("o-1"))
    assert outcomes(scene.post(closed(SELLER, to=VAULT))) == ["ACCOUNT_MISSING"]
    open_account(scene)
    assert said(scene.worker().poster.heal_overdue()) == {f"closed-{SELLER}": "POSTED"}
