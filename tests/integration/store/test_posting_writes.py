"""What the posting transaction writes, before BEGIN and after the last lock; and what is left when it fails."""

import threading

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from deploy.demo.messages import Message
from tests.support.databases import TestDatabase
from tests.support.postings import (
    BOOK,
    Gate,
    Scene,
    Worker,
    authorized,
    captured,
    event,
    garbage,
    outcomes,
    paid_out,
    refunded,
    voided,
)
from tests.support.proxy import Proxy

pytestmark = pytest.mark.postgres


def test_an_account_is_opened_on_the_fly_once_by_workers_that_need_it_at_once(scene: Scene) -> None:
    workers = [scene.worker(partition) for partition in range(4)]
    together = threading.Barrier(4)
    sellers = [f"wallet:seller:{n}" for n in range(40)]
    for partition in range(4):
        ordered = sellers if partition % 2 else sellers[::-1]
        scene.topic.send(*(captured(f"o-{partition}-{to}", to=to) for to in ordered), partition=partition)

    def open_and_post(worker: Worker) -> list[str]:
        together.wait(20)
        return outcomes(worker.work())

    said = [scene.threads.submit(open_and_post, worker) for worker in workers]
    assert {outcome for one in said for outcome in one.result()} == {"POSTED"}
    opened = "SELECT count(*) FROM ledger.event WHERE type = 'account.opened'"
    assert scene.one(opened) == scene.one("SELECT count(*) FROM ledger.account") == 41
    assert scene.deadlocks() == 0


def test_the_first_event_that_names_a_new_account_says_its_currency_however_batches_are_cut(scene: Scene) -> None:
    said = outcomes(scene.post(captured("o-1", currency="EUR"), captured("o-2", currency="USD")))
    assert said == ["POSTED", "ACCOUNT_CURRENCY_MISMATCH"]


def test_a_batch_that_names_more_accounts_than_a_process_remembers_still_finds_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger_core.store.books.ACCOUNTS_KEPT", 5)
    worker = scene.worker(0)
    scene.topic.send(*(captured(f"a-{n}", to=f"wallet:seller:{n}") for n in range(10)))
    worker.work()
    scene.topic.send(*(captured(f"b-{n}", to=f"wallet:seller:{n}") for n in range(12)))
    assert set(outcomes(worker.work())) == {"POSTED"}


def test_counters_gaps_and_offsets_add_up_per_partition(scene: Scene) -> None:
    first = [captured("o-1"), authorized("o-2"), captured("o-1"), captured("o-3", 0), refunded("o-4"), garbage()]
    scene.topic.send(*first, partition=0)
    scene.topic.leave_gap(2, partition=0)
    scene.topic.send(voided("o-2"), partition=0)
    scene.topic.leave_gap(1, partition=1)
    scene.topic.send(captured("o-5"), captured("o-1"), partition=1)
    scene.worker(0, 1).work()
    assert scene.counters(0) == {"posted": 1, "recorded": 2, "replayed": 1, "rejected": 2, "parked": 1, "gaps": 2}
    assert scene.counters(1) == {"posted": 1, "replayed": 1, "gaps": 1}
    rows = "SELECT partition, next_offset, last_offset FROM ledger.source_position ORDER BY 1"
    assert scene.rows(rows) == [(0, 9, 8), (1, 3, 2)]


def test_a_healed_event_does_not_count_a_second_time(scene: Scene) -> None:
    scene.post(refunded("o-1", 10))
    scene.post(captured("o-1"))
    assert scene.counters() == {"parked": 1, "posted": 1}


def test_one_batch_may_hold_a_thousand_books(scene: Scene) -> None:
    codes = [f"book-{number:04}" for number in range(1_000)]
    scene.create_books(codes)
    said = outcomes(scene.post(*(captured("o-1", book=code) for code in codes), refunded("o-1", 40, book=codes[500])))
    assert set(said) == {"POSTED"}
    assert scene.one("SELECT count(*) FROM ledger.block JOIN ledger.book USING (book_id) WHERE voucher_no > 0") == 3_000
    assert scene.vouchers(codes[500]) == 2


def test_lines_are_numbered_and_each_entry_carries_its_running_balance(scene: Scene) -> None:
    scene.post(captured("o-1", 70), captured("o-2", 30), refunded("o-1", 20), paid_out("p-1", 50))
    rows = scene.rows(
        """SELECT posting_sequence, side::text, amount_minor, running_minor FROM ledger.entry
        JOIN ledger.account USING (book_id, account_id) WHERE code = 'wallet:seller:1' ORDER BY 1"""
    )
    assert rows == [(1, "C", 70, -70), (2, "C", 30, -100), (3, "D", 20, -80), (4, "D", 50, -30)]


def test_amounts_at_the_limit_of_a_line_post_and_one_too_many_overflows(scene: Scene) -> None:
    """Nine of 10^18 - 1 fit a signed 64-bit counter; sums across accounts may pass it, and must not matter."""
    most = 10**18 - 1
    scene.post(*(captured(f"o-{n}", most, payer=f"wallet:buyer:{n}", to=f"wallet:seller:{n}") for n in range(12)))
    said = outcomes(scene.post(*(captured(f"p-{n}", most) for n in range(10))))
    assert said == ["POSTED"] * 8 + ["OVERFLOW"] * 2
    many = [authorized("big", most, event_id=f"a-{n}") for n in range(10)]
    assert outcomes(scene.post(*many)) == ["RECORDED"] * 9 + ["OVERFLOW"]
    assert outcomes(scene.post(authorized("big", most, event_id="a-10"))) == ["OVERFLOW"]


def test_the_order_key_stands_on_the_entries_of_keyed_accounts_only(scene: Scene) -> None:
    scene.post(captured("o-1", 100, to="wallet:seller:1"), _without_shares("o-2"), _without_shares("o-3"))
    rows = scene.rows(
        "SELECT DISTINCT code, order_key FROM ledger.entry JOIN ledger.account USING (book_id, account_id)"
    )
    assert sorted(rows) == [
        ("clearing:processor:EUR", ""),
        ("suspense:orders:EUR", "o-2"),
        ("suspense:orders:EUR", "o-3"),
        ("wallet:seller:1", ""),
    ]


def _without_shares(order: str) -> Message:
    data = {"payment_id": order, "amount_minor": "50", "currency": "EUR", "method": "card"}
    return event("payment.captured.v1", order, f"captured-{order}", data)


# What a failure leaves.


@pytest.mark.parametrize(
    "label", ["fence", "inbox", "subjects", "heads", "books", "blocks", "entries", "before_commit"]
)
def test_a_session_that_dies_at_any_step_leaves_nothing_and_the_same_records_post_after(
    scene: Scene, label: str
) -> None:
    gate = Gate(label)
    worker = scene.worker(0, label=gate)
    scene.topic.send(captured("o-1"), refunded("o-1", 10))
    position = scene.position()
    batch = worker.prepare()
    opened = scene.position()
    posting = scene.start(worker.poster.post, batch)
    gate.wait()
    scene.kill_idle_in_transaction()
    gate.open()
    assert isinstance(posting.exception(), psycopg.OperationalError)
    assert (scene.position() == opened > position, scene.counters()) == (True, {})
    worker.poster.reopen()
    assert outcomes(worker.take(0).work()) == ["POSTED", "POSTED"]


def test_a_reply_lost_after_commit_converges_on_one_posting(database: TestDatabase, scene: Scene) -> None:
    parts = conninfo_to_dict(database.dsn())
    server = (str(parts["host"]), int(str(parts["port"])))
    with Proxy(server) as proxy:
        gate = Gate("before_commit")
        dsn = make_conninfo(database.dsn(), host="127.0.0.1", port=proxy.port, hostaddr="127.0.0.1")
        worker = Worker(dsn, scene.topic, scene.decoder, gate)
        worker.poster.open()
        try:
            scene.topic.send(captured("o-1"), authorized("o-2"))
            posting = scene.start(worker.take(0).work)
            gate.wait()
            proxy.mute()
            gate.open()
            scene.until("SELECT next_offset = 2 FROM ledger.source_position")
            proxy.cut()
            assert isinstance(posting.exception(), psycopg.OperationalError)
            worker.poster.reopen()
            scene.topic.send(captured("o-3"))
            assert outcomes(worker.take(0).work()) == ["POSTED"]
        finally:
            worker.poster.close()
    assert scene.counters() == {"posted": 2, "recorded": 1}
    assert scene.log_of(BOOK) == [
        "voucher.posted captured-o-1",
        "fact.recorded authorized-o-2",
        "voucher.posted captured-o-3",
    ]


def test_a_batch_tells_its_vouchers_by_kind_and_which_of_them_had_waited(scene: Scene) -> None:
    assert scene.post(refunded("o-1", 40), captured("o-2"), garbage()).vouchers == {("capture", "posted"): 1}
    healing = scene.post(captured("o-1"), paid_out("p-1"), captured("o-3"), voided("o-3"), captured("o-2"))
    assert healing.vouchers == {
        ("capture", "posted"): 2, ("payout", "posted"): 1, ("void", "posted"): 1, ("refund", "healed"): 1,
    }  # fmt: skip
