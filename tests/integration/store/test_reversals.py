"""Voids by request on a real store: links both ways, at most once, whoever asks and however often at the same time."""

from datetime import date

import psycopg
import pytest

from tests.support.closed_years import periods_of
from tests.support.postings import (
    Gate,
    Scene,
    by_hand,
    captured,
    compensation,
    event,
    outcomes,
    paid_out,
    refunded,
    void_requested,
    voided,
)

pytestmark = pytest.mark.postgres


def links(scene: Scene) -> list[tuple[int, str, int]]:
    return scene.rows("SELECT voucher_no, link, other_voucher_no FROM read.voucher_link ORDER BY 1, 2")


def state(scene: Scene, voucher_no: int, member: str) -> object:
    return scene.one(
        "SELECT convert_from(state, 'UTF8')::jsonb -> %s FROM ledger.event WHERE voucher_no = %s", member, voucher_no
    )


def test_a_void_by_number_posts_the_mirror_and_both_vouchers_name_each_other(scene: Scene) -> None:
    scene.post(captured("o-1", 70))
    assert outcomes(scene.post(void_requested("o-1", voucher_no=1))) == ["POSTED"]
    assert links(scene) == [(1, "reversed_by", 2), (2, "reverses", 1)]
    assert [state(scene, 2, member) for member in ("kind", "rule", "amount_minor", "reason")] == [
        "reversal", "void_requested/1", "70", "posted twice",
    ]  # fmt: skip
    assert [state(scene, 2, "lines"), scene.balance_minor("wallet:seller:1")] == [
        [["clearing:processor:EUR", "C", "70", "EUR", "reversal"], ["wallet:seller:1", "D", "70", "EUR", "reversal"]],
        0,
    ]
    assert scene.one("SELECT captured_minor, captures FROM ledger.subject") == (0, [])


@pytest.mark.parametrize("source", ["", "/psp"])
def test_a_void_names_its_voucher_by_the_event_that_posted_it(scene: Scene, source: str) -> None:
    scene.post(paid_out("p-1", 70))
    assert outcomes(scene.post(void_requested("p-1", of="paid-out-p-1", of_source=source))) == ["POSTED"]
    assert scene.balance_minor("wallet:seller:1") == 0


def test_a_foreign_voucher_answers_as_a_missing_one(scene: Scene) -> None:
    scene.create_book("other")
    scene.post(captured("o-1"), captured("o-2"), captured("o-1", book="other"))
    foreign = scene.post(
        void_requested("o-2", voucher_no=2, book="other"), void_requested("o-2", of="captured-o-2", book="other")
    )
    missing = scene.post(
        void_requested("o-9", voucher_no=9, book="other"), void_requested("o-9", of="captured-o-9", book="other")
    )
    assert outcomes(foreign) == outcomes(missing) == ["VOUCHER_UNKNOWN", "PREDECESSOR_ABSENT"]
    details = [[one.detail.replace("9", "2") for one in result.decided if one] for result in (foreign, missing)]
    assert details[0] == details[1]


def test_refusals_by_name_leave_nothing_behind(scene: Scene) -> None:
    scene.post(captured("o-1"), captured("o-2"))
    scene.post(void_requested("o-1", voucher_no=1))
    before = scene.vouchers()
    answers = scene.post(
        void_requested("o-1", voucher_no=1, event_id="again"),
        void_requested("o-1", voucher_no=3, event_id="back"),
        void_requested("o-2", voucher_no=99, event_id="beyond"),
        void_requested("o-1", voucher_no=2, event_id="elsewhere"),
    )
    assert outcomes(answers) == [
        "ALREADY_REVERSED", "REVERSAL_NOT_REVERSIBLE", "VOUCHER_UNKNOWN", "ORDER_KEY_DIFFERS",
    ]  # fmt: skip
    assert (scene.vouchers(), len(links(scene))) == (before, 2)


def test_a_voucher_of_a_closed_period_is_taken_back_in_the_open_one_only_by_who_says_so(scene: Scene) -> None:
    scene.post(captured("o-1", time="2026-03-01T00:00:00Z"), captured("o-2", time="2026-03-01T00:00:00Z"))
    periods_of(scene.dsn).close(date(2026, 3, 31), reason="quarter end", requested_by="ana")
    late = void_requested("o-1", voucher_no=1, time="2026-03-31T00:00:00Z")
    unaware = void_requested("o-2", voucher_no=2, time="2026-04-01T00:00:00Z", event_id="unaware")
    timely = void_requested("o-2", voucher_no=2, time="2026-04-01T00:00:00Z", in_open_period=True)
    assert outcomes(scene.post(late, unaware, timely)) == ["PERIOD_CLOSED", "VOUCHER_PERIOD_CLOSED", "POSTED"]
    said = scene.one("""SELECT convert_from(state, 'UTF8')::jsonb -> 'closed_period' FROM ledger.event
        WHERE voucher_no = 3""")
    assert said == {"effective_at": "2026-03-01T00:00:00.000000Z", "period": "2026-03-31"}


def test_a_void_does_not_wait_for_an_event_that_is_parked_under_another_order_key(scene: Scene) -> None:
    """Nothing of that order key would ever wake it, and its own would wait behind it."""
    missing = captured("o-1", to="vault:1", event_id="e-1")
    together = [missing, void_requested("o-2", of="e-1"), captured("o-2")]
    assert outcomes(scene.post(*together)) == ["ACCOUNT_MISSING", "ORDER_KEY_DIFFERS", "POSTED"]
    assert outcomes(scene.post(void_requested("o-3", of="e-1"), captured("o-3"))) == ["ORDER_KEY_DIFFERS", "POSTED"]
    assert outcomes(scene.post(void_requested("o-1", of="e-1"))) == ["ORDER_KEY_PARKED"]


def test_a_void_whose_event_came_under_another_order_key_is_refused_once_it_is_looked_at_again(scene: Scene) -> None:
    assert outcomes(scene.post(void_requested("o-2", of="e-1"), captured("o-2"))) == [
        "PREDECESSOR_ABSENT", "ORDER_KEY_PARKED",
    ]  # fmt: skip
    assert outcomes(scene.post(captured("o-1", event_id="e-1"))) == ["POSTED"]
    healed = scene.worker().poster.heal("shop", "voucher:/psp#e-1").healed
    assert [decided.code or decided.outcome for _, decided in healed] == ["ORDER_KEY_DIFFERS", "POSTED"]


def test_after_a_reopening_nobody_needs_to_say_so(scene: Scene) -> None:
    scene.post(captured("o-1", time="2026-03-01T00:00:00Z"))
    periods = periods_of(scene.dsn)
    periods.close(date(2026, 3, 31), reason="quarter end", requested_by="ana")
    assert outcomes(scene.post(void_requested("o-1", voucher_no=1, event_id="first"))) == ["VOUCHER_PERIOD_CLOSED"]
    periods.reopen(date(2026, 3, 31), reason="posted twice", requested_by="ana", approved_by="ben")
    assert outcomes(scene.post(void_requested("o-1", voucher_no=1, event_id="second"))) == ["POSTED"]


def test_a_book_that_moves_what_is_late_takes_vouchers_of_closed_periods_back(scene: Scene) -> None:
    scene.apply_chart({**scene.chart(), "late_events": "redirect"})
    scene.post(captured("o-1", time="2026-03-01T00:00:00Z"), captured("o-2", time="2026-03-01T00:00:00Z"))
    periods_of(scene.dsn).close(date(2026, 3, 31), reason="quarter end", requested_by="ana")
    late = void_requested("o-1", voucher_no=1, time="2026-03-31T00:00:00Z")
    assert outcomes(scene.post(late, void_requested("o-2", voucher_no=2))) == ["POSTED", "POSTED"]


def test_the_void_of_a_payment_is_a_fact_of_its_own_time(scene: Scene) -> None:
    scene.post(captured("o-1", time="2026-03-01T00:00:00Z"))
    periods_of(scene.dsn).close(date(2026, 3, 31), reason="quarter end", requested_by="ana")
    assert outcomes(scene.post(voided("o-1"))) == ["POSTED"]


def test_a_void_into_a_closed_period_waits_until_it_is_reopened_by_two_persons(scene: Scene) -> None:
    scene.post(captured("o-1", time="2026-03-01T00:00:00Z"))
    periods = periods_of(scene.dsn)
    periods.close(date(2026, 3, 31), reason="quarter end", requested_by="ana")
    assert outcomes(scene.post(void_requested("o-1", voucher_no=1, time="2026-03-02T00:00:00Z"))) == ["PERIOD_CLOSED"]
    periods.reopen(date(2026, 3, 31), reason="posted twice", requested_by="ana", approved_by="ben")
    healed = scene.worker().poster.heal("shop", "period").healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED"]
    assert links(scene) == [(1, "reversed_by", 2), (2, "reverses", 1)]


def test_a_void_keeps_to_the_limits_of_accounts_and_a_crossing_tells_of_it(scene: Scene) -> None:
    templates = [
        {"pattern": f"wallet:seller:{number}", "type": "liability", "limits": {"minimum_minor": "0", "policy": policy}}
        for number, policy in ((1, "deny"), (2, "warn"))
    ]
    scene.apply_chart({**scene.chart(), "templates": [*templates, *scene.chart()["templates"]]})
    scene.post(captured("o-1"), captured("o-2", to="wallet:seller:2"))
    scene.post(paid_out("p-1", 1), paid_out("p-2", 1, of="wallet:seller:2"))
    answers = scene.post(void_requested("o-1", voucher_no=1), void_requested("o-2", voucher_no=2))
    assert outcomes(answers) == ["LIMIT_MINIMUM", "POSTED"]
    assert links(scene) == [(2, "reversed_by", 5), (5, "reverses", 2)]
    assert scene.one("SELECT count(*) FROM ledger.event WHERE type = 'account.went_negative'") == 1


def test_a_void_on_a_frozen_account_parks_and_posts_when_it_thaws(scene: Scene) -> None:
    scene.post(captured("o-1"))
    scene.accounts().freeze("wallet:seller:1", reason="under suspicion")
    assert outcomes(scene.post(void_requested("o-1", voucher_no=1))) == ["ACCOUNT_FROZEN"]
    scene.accounts().unfreeze("wallet:seller:1", reason="cleared")
    healed = scene.worker().poster.heal("shop", "account:wallet:seller:1").healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED"]
    assert links(scene) == [(1, "reversed_by", 2), (2, "reverses", 1)]


# Payments whose vouchers were taken back.


def test_sums_of_a_payment_fall_with_what_was_reversed(scene: Scene) -> None:
    scene.post(captured("o-1", 70, event_id="c-1"), captured("o-1", 30, event_id="c-2"))
    scene.post(void_requested("o-1", of="c-1"))
    assert outcomes(scene.post(refunded("o-1", 31, event_id="r-1"))) == ["REFUND_EXCEEDS_CAPTURED"]
    assert outcomes(scene.post(refunded("o-1", 30, event_id="r-2"))) == ["POSTED"]
    scene.post(void_requested("o-1", of="r-2"))
    assert scene.one("SELECT captured_minor, refunded_minor, cardinality(captures) FROM ledger.subject") == (30, 0, 1)


def test_a_payments_void_mirrors_what_was_not_reversed_and_links_all_that_it_mirrors(scene: Scene) -> None:
    scene.post(*(captured("o-1", amount, event_id=f"c-{amount}") for amount in (10, 20, 30)))
    scene.post(void_requested("o-1", of="c-20"))
    assert outcomes(scene.post(voided("o-1"))) == ["POSTED"]
    assert links(scene) == [
        (1, "reversed_by", 5), (2, "reversed_by", 4), (3, "reversed_by", 5), (4, "reverses", 2),
        (5, "reverses", 1), (5, "reverses", 3),
    ]  # fmt: skip
    assert scene.balance_minor("wallet:seller:1") == 0
    assert outcomes(scene.post(void_requested("o-1", of="c-10", event_id="late"))) == ["ALREADY_REVERSED"]


# One batch.


def test_a_voucher_and_its_void_in_one_batch_are_numbered_as_in_two(scene: Scene) -> None:
    by_event = [captured("o-1"), void_requested("o-1", of="captured-o-1")]
    by_number = [captured("o-2"), void_requested("o-2", voucher_no=3)]
    assert outcomes(scene.post(*by_event, *by_number)) == ["POSTED"] * 4
    assert links(scene) == [(1, "reversed_by", 2), (2, "reverses", 1), (3, "reversed_by", 4), (4, "reverses", 3)]
    positions = scene.rows("SELECT voucher_no, position FROM ledger.event WHERE voucher_no > 0 ORDER BY 1")
    assert state(scene, 4, "reverses") == [
        {"position": positions[2][1], "voucher_no": 3, "event_type": "payment.captured.v1"}
    ]


def test_a_void_that_came_first_waits_for_its_voucher_and_is_healed_by_it(scene: Scene) -> None:
    assert outcomes(scene.post(void_requested("p-1", of="paid-out-p-1"))) == ["PREDECESSOR_ABSENT"]
    assert scene.one("SELECT waits_for FROM ledger.dead_letter") == "voucher:/psp#paid-out-p-1"
    result = scene.post(paid_out("p-1"))
    assert [decided.outcome.value for _, decided in result.healed] == ["POSTED"]
    assert links(scene) == [(1, "reversed_by", 2), (2, "reverses", 1)]


def test_a_voucher_by_hand_and_its_void_in_one_batch_say_the_same_amount(scene: Scene) -> None:
    scene.post(
        event("voucher.requested.v1", "h-1", "h-1", by_hand()),
        void_requested("h-1", of="h-1"),
    )
    assert [state(scene, number, "amount_minor") for number in (1, 2)] == ["5", "5"]


# Compensation.


def test_a_compensation_is_linked_both_ways_under_an_order_key_of_its_own(scene: Scene) -> None:
    scene.post(captured("o-1"))
    by_number, by_event = compensation("a-1", voucher_no=1), compensation("a-2", of="captured-o-1")
    assert outcomes(scene.post(by_number, by_event)) == ["POSTED", "POSTED"]
    assert links(scene) == [
        (1, "compensated_by", 2), (1, "compensated_by", 3), (2, "compensates", 1), (3, "compensates", 1),
    ]  # fmt: skip
    assert state(scene, 3, "compensates") == [
        {"position": scene.one("SELECT position FROM ledger.event WHERE voucher_no = 1"), "voucher_no": 1,
         "event_type": "payment.captured.v1"}
    ]  # fmt: skip


def test_members_of_a_group_may_compensate_and_a_void_takes_back_a_compensation(scene: Scene) -> None:
    scene.post(captured("o-1"))
    data = {"vouchers": [by_hand(), {**by_hand(), "compensates": {"voucher_no": "1"}}]}
    assert outcomes(scene.post(event("voucher.group_requested.v1", "g-1", "g-1", data))) == ["POSTED"]
    assert outcomes(scene.post(void_requested("g-1", voucher_no=3))) == ["POSTED"]
    assert links(scene) == [
        (1, "compensated_by", 3), (3, "compensates", 1), (3, "reversed_by", 4), (4, "reverses", 3),
    ]  # fmt: skip


def test_a_compensation_of_what_does_not_stand_in_its_book_is_refused_and_links_nothing(scene: Scene) -> None:
    scene.create_book("other")
    scene.post(captured("o-1"), compensation("a-0", of="captured-o-1", event_id="elsewhere", book="other"))
    foreign = compensation("a-1", voucher_no=1, event_id="foreign", book="other")
    missing = compensation("a-2", voucher_no=9, event_id="missing")
    assert outcomes(scene.post(foreign, missing)) == ["VOUCHER_UNKNOWN", "VOUCHER_UNKNOWN"]
    assert (links(scene), scene.vouchers()) == ([], 1)


# At the same time.


def test_of_two_voids_at_once_one_posts_and_the_other_finds_it_reversed(scene: Scene) -> None:
    scene.post(captured("o-1"))
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(void_requested("o-1", voucher_no=1, event_id="v-1"), partition=1)
    scene.topic.send(void_requested("o-1", of="captured-o-1", event_id="v-2"), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) + outcomes(two.result()) == ["POSTED", "ALREADY_REVERSED"]
    assert scene.deadlocks() == 0


def test_a_void_and_the_void_of_its_payment_at_once_reverse_it_once(scene: Scene) -> None:
    scene.post(captured("o-1"))
    gate = Gate("before_commit")
    first, second = scene.worker(1, label=gate), scene.worker(2)
    scene.topic.send(voided("o-1"), partition=1)
    scene.topic.send(void_requested("o-1", voucher_no=1), partition=2)
    one = scene.start(first.work)
    gate.wait()
    two = scene.start(second.work)
    scene.until_waiting()
    gate.open()
    assert outcomes(one.result()) + outcomes(two.result()) == ["POSTED", "ALREADY_REVERSED"]


def test_sixteen_writers_void_the_same_vouchers_in_opposite_orders_and_each_is_reversed_once(scene: Scene) -> None:
    count, writers = 12, 16
    scene.post(
        *(
            captured(f"o-{n}", 10, payer=f"wallet:buyer:{n % 5}", to=f"wallet:seller:{(n * 3) % 5}")
            for n in range(count)
        )
    )
    workers = [scene.worker(partition) for partition in range(1, writers + 1)]
    for partition in range(1, writers + 1):
        numbers = list(range(count))[:: 1 if partition % 2 else -1]
        numbers = numbers[partition % count :] + numbers[: partition % count]
        for n in numbers:
            name = f"v-{partition}-{n}"
            void = (
                void_requested(f"o-{n}", voucher_no=n + 1, event_id=name)
                if partition % 3
                else void_requested(f"o-{n}", of=f"captured-o-{n}", event_id=name)
            )
            scene.topic.send(void, partition=partition)

    def drive(number: int) -> list[str]:
        return [answer for _ in range(4) for answer in outcomes(workers[number].work(limit=3))]

    answers = [answer for one in [scene.threads.submit(drive, n) for n in range(writers)] for answer in one.result()]
    assert {answer: answers.count(answer) for answer in set(answers)} == {
        "POSTED": count, "ALREADY_REVERSED": count * (writers - 1),
    }  # fmt: skip
    assert scene.deadlocks() == 0


# What the database refuses by itself.


def test_a_second_reversal_of_one_voucher_is_refused_by_its_key_and_rows_stay(scene: Scene) -> None:
    scene.post(captured("o-1"), captured("o-2"))
    scene.post(void_requested("o-1", voucher_no=1), void_requested("o-2", voucher_no=2))
    again = """INSERT INTO ledger.reversal SELECT reversed_position, (SELECT max(position) FROM ledger.event), book_id
        FROM ledger.reversal"""
    with pytest.raises(psycopg.errors.UniqueViolation, match="reversal_pkey"):
        scene.change(again)
    for change in ("UPDATE ledger.reversal SET book_id = 1", "DELETE FROM ledger.reversal"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="LOG_IS_APPEND_ONLY"):
            scene.change(change)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        scene.change("INSERT INTO ledger.reversal VALUES (1, 9999, 1)")
