"""Accounts that freeze, close or reach a limit while sixteen writers post to them: who is first is not left to luck."""

import pytest

from ledger_core.domain.outcomes import Code
from ledger_core.operations.account_lifecycle import AccountRefusedError
from tests.support.account_events import SUSPENSE, closed, left_over, opened
from tests.support.postings import Gate, Scene, captured, outcomes, paid_out

pytestmark = pytest.mark.postgres

SELLER = "wallet:seller:1"
WRITERS = range(1, 17)
EACH = 10


def behind(scene: Scene, account: str, told: str) -> int:
    """Entries of an account behind the last event of this type."""
    return int(scene.one(
        """SELECT count(*) FROM ledger.entry JOIN ledger.account USING (book_id, account_id) WHERE account.code = %s
        AND position > (SELECT max(position) FROM ledger.event WHERE type = %s)""",
        account, told,
    ))  # fmt: skip


def test_no_entry_stands_behind_a_freeze_that_raced_sixteen_writers(scene: Scene) -> None:
    """The first writer holds the account when the freeze comes, the last one posts behind it what it had prepared
    before, and the others race."""
    scene.post(captured("o-first", 1))
    for writer in WRITERS:
        scene.topic.send(*(captured(f"o-{writer}-{n}", 1) for n in range(EACH)), partition=writer)
    gate = Gate("before_commit")
    first, *racing, last = [scene.worker(n, label=gate if n == 1 else lambda _: None) for n in WRITERS]
    prepared = last.prepare()
    before = scene.start(first.work)
    gate.wait()
    freezing = scene.threads.submit(scene.accounts().freeze, SELLER, reason="a race")
    scene.until_waiting()
    running = [scene.start(worker.work) for worker in racing]
    gate.open()
    assert freezing.result().changed
    behind_it = outcomes(last.poster.post(prepared))
    raced = [outcome for future in running for outcome in outcomes(future.result())]
    assert outcomes(before.result()) == ["POSTED"] * EACH
    assert behind_it == ["ACCOUNT_FROZEN"] * EACH
    assert len(raced) == len(racing) * EACH
    assert set(raced) <= {"POSTED", "ACCOUNT_FROZEN"}
    assert scene.balance_minor(SELLER) == -1 - EACH - raced.count("POSTED")
    assert behind(scene, SELLER, "account.frozen") == 0


def test_an_account_that_a_writer_still_holds_closes_by_what_that_writer_leaves(scene: Scene) -> None:
    scene.post(captured("o-first", 1), paid_out("p-first", 1))
    for writer in WRITERS:
        scene.topic.send(captured(f"o-{writer}", 1), partition=writer)
    gate = Gate("before_commit")
    first, *others = [scene.worker(n, label=gate if n == 1 else lambda _: None) for n in WRITERS]
    before = scene.start(first.work)
    gate.wait()
    closing = scene.threads.submit(scene.accounts().close, SELLER, reason="a race")
    scene.until_waiting()
    running = [scene.start(worker.work) for worker in others]
    gate.open()
    with pytest.raises(AccountRefusedError) as refused:
        closing.result()
    assert refused.value.code is Code.ACCOUNT_NOT_ZERO
    assert [outcome for future in (before, *running) for outcome in outcomes(future.result())] == ["POSTED"] * 16


def test_sixteen_writers_that_waited_for_a_closing_post_nothing(scene: Scene) -> None:
    scene.post(captured("o-first", 1), paid_out("p-first", 1))
    for writer in WRITERS:
        scene.topic.send(captured(f"o-{writer}", 1), partition=writer)
    scene.topic.send(closed(SELLER))
    gate = Gate("before_commit")
    closer = scene.worker(0, label=gate)
    writers = [(worker, worker.prepare()) for worker in (scene.worker(n) for n in WRITERS)]
    closing = scene.start(closer.work)
    gate.wait()
    running = [scene.start(worker.poster.post, prepared) for worker, prepared in writers]
    scene.until_waiting(len(WRITERS))
    gate.open()
    assert outcomes(closing.result()) == ["RECORDED"]
    assert {outcome for future in running for outcome in outcomes(future.result())} == {"ACCOUNT_CLOSED"}
    assert behind(scene, SELLER, "account.closed") == 0


def test_keys_that_sixteen_writers_left_uneven_keep_an_account_open(scene: Scene) -> None:
    """After every commit the account is at zero in all."""
    for writer in WRITERS:
        scene.topic.send(left_over(f"more-{writer}", 1), left_over(f"less-{writer}", -1), partition=writer)
    gate = Gate("before_commit")
    first, *others = [scene.worker(n, label=gate if n == 1 else lambda _: None) for n in WRITERS]
    before = scene.start(first.work)
    gate.wait()
    closing = [scene.threads.submit(close, scene) for close in (close_by_hand, close_by_event)]
    scene.until_waiting(2)
    running = [scene.start(worker.work) for worker in others]
    gate.open()
    assert [refused.result() for refused in closing] == ["ACCOUNT_KEYS_NOT_ZERO"] * 2
    assert {outcome for future in (before, *running) for outcome in outcomes(future.result())} == {"POSTED"}
    assert scene.balance_minor(SUSPENSE) == 0


def close_by_hand(scene: Scene) -> str:
    with pytest.raises(AccountRefusedError) as refused:
        scene.accounts().close(SUSPENSE, reason="a race")
    return refused.value.code


def close_by_event(scene: Scene) -> str:
    (said,) = outcomes(scene.post(closed(SUSPENSE)))
    return said


def test_sixteen_writers_never_pass_a_minimum_that_denies(scene: Scene) -> None:
    scene.post(opened(SELLER, limits={"minimum_minor": "0", "policy": "deny"}), captured("o-1", 50))
    workers = [scene.worker(partition) for partition in WRITERS]
    for partition in WRITERS:
        scene.topic.send(*(paid_out(f"p-{partition}-{n}", 1) for n in range(5)), partition=partition)
    running = [scene.start(worker.work, partition) for partition, worker in enumerate(workers, start=1)]
    said = [outcome for future in running for outcome in outcomes(future.result())]
    assert (said.count("POSTED"), said.count("LIMIT_MINIMUM")) == (50, len(WRITERS) * 5 - 50)
    assert scene.balance_minor(SELLER) == 0
