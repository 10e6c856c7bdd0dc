"""Periods close and reopen by commands: what is sealed is what was posted, and nothing comes in afterwards."""

from datetime import date
from typing import Any

import psycopg
import pytest

from ledger_core.domain.periods import AccountSums, PeriodCode, trial_balance
from ledger_core.operations.period_lifecycle import PeriodLifecycle, PeriodRefusedError
from ledger_core.store.connection import Role, connect
from tests.support.postings import BOOK, Gate, Scene, captured, outcomes, refunded

pytestmark = pytest.mark.postgres

JAN, FEB, MAR = date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31)
IN_JANUARY, LAST_MOMENT, IN_FEBRUARY = "2020-01-15T12:00:00Z", "2020-01-31T23:59:59.999999Z", "2020-02-01T00:00:00Z"


def periods_of(scene: Scene, book: str = BOOK) -> PeriodLifecycle:
    return PeriodLifecycle(lambda: connect(scene.dsn, Role.POSTER), book)


@pytest.fixture
def periods(scene: Scene) -> PeriodLifecycle:
    return periods_of(scene)


def reopen(periods: PeriodLifecycle, through: date = JAN) -> None:
    periods.reopen(through, reason="invoice 9 was missing", requested_by="ana", approved_by="ben")


def refusal(call: Any, *arguments: Any, **named: Any) -> PeriodCode:
    with pytest.raises(PeriodRefusedError) as refused:
        call(*arguments, **named)
    return refused.value.code


def sums_of(scene: Scene, through: date, position: int) -> list[AccountSums]:
    """Straight from the entries, one by one."""
    sums: dict[tuple[str, str], list[int]] = {}
    for code, currency, side, amount in scene.rows(
        """SELECT account.code, asset.code, side, amount_minor FROM ledger.entry
        JOIN ledger.account USING (book_id, account_id) JOIN ledger.asset ON asset.asset_id = entry.asset_id
        WHERE entry.book_id = 1 AND position <= %s AND (effective_at AT TIME ZONE 'UTC')::date <= %s""",
        position,
        through,
    ):
        sums.setdefault((code, currency), [0, 0])[side == "C"] += amount
    return [AccountSums(*key, *sums[key]) for key in sorted(sums)]


def states(scene: Scene, kind: str) -> list[dict[str, Any]]:
    rows = scene.rows(
        """SELECT convert_from(state, 'UTF8')::jsonb FROM ledger.event
        WHERE book_id = 1 AND type = %s ORDER BY position""",
        kind,
    )
    return [row[0] for row in rows]


def test_a_closing_seals_what_took_effect_until_its_last_moment(scene: Scene, periods: PeriodLifecycle) -> None:
    scene.post(
        captured("o-1", 100, time=IN_JANUARY),
        captured("o-2", 30, time=LAST_MOMENT),
        captured("o-3", 7, time=IN_FEBRUARY),
    )
    before = scene.position()
    closed = periods.close(JAN, reason="month end", requested_by="ana")
    assert (closed.status, closed.after, closed.closings, closed.changed) == ("closed", None, 1, True)
    assert scene.log_of()[-1:] == ["voucher.posted captured-o-3"]
    (sealed,) = states(scene, "period.closed")
    expected = trial_balance(BOOK, JAN, sums_of(scene, JAN, before))
    assert (sealed["trial_balance"], sealed["totals"]) == (expected.digest, [["EUR", "130"]])
    assert (sealed["accounts"], sealed["known_at_position"]) == (2, before + 1)
    assert scene.one("SELECT closed_through = '2020-01-31T23:59:59.999999Z' FROM ledger.book WHERE book_id = 1")


def test_what_falls_into_a_closed_period_parks_and_posts_when_it_is_reopened(
    scene: Scene, periods: PeriodLifecycle
) -> None:
    scene.post(captured("o-1", 100, time=IN_JANUARY))
    first = periods.close(JAN, reason="month end")
    late = [captured("o-2", 30, time=LAST_MOMENT), captured("o-3", 7, time=IN_FEBRUARY)]
    assert outcomes(scene.post(*late)) == ["PERIOD_CLOSED", "POSTED"]
    reopen(periods)
    healed = scene.worker().poster.heal(BOOK, "period").healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED"]
    again = periods.close(JAN, reason="month end, again")
    assert (again.closings, again.trial_balance == first.trial_balance) == (2, False)
    assert [sealed["totals"] for sealed in states(scene, "period.closed")] == [[["EUR", "100"]], [["EUR", "130"]]]


def test_a_repeated_closing_changes_nothing(scene: Scene, periods: PeriodLifecycle) -> None:
    scene.post(captured("o-1", time=IN_JANUARY))
    first = periods.close(JAN, reason="month end")
    position = scene.position()
    again = periods.close(JAN, reason="month end")
    assert (again.changed, again.trial_balance, scene.position()) == (False, first.trial_balance, position)


def test_a_closing_that_was_cut_off_before_its_seal_is_shut_and_finished_by_the_next(
    scene: Scene, periods: PeriodLifecycle
) -> None:
    scene.post(captured("o-1", time=IN_JANUARY))
    periods.shut(JAN, reason="month end", requested_by="ana")
    assert outcomes(scene.post(captured("o-2", time=IN_JANUARY))) == ["PERIOD_CLOSED"]
    assert refusal(periods.close, FEB, reason="x") is PeriodCode.PERIOD_CLOSING
    assert periods.preview(JAN).resumes
    assert periods.close(JAN, reason="not asked again").status == "closed"
    (sealed,) = states(scene, "period.closed")
    assert (sealed["reason"], sealed["requested_by"], sealed["totals"]) == ("month end", "ana", [["EUR", "100"]])


def test_refusals_of_commands_write_nothing(scene: Scene, periods: PeriodLifecycle) -> None:
    periods.close(JAN, reason="month end")
    periods.close(FEB, reason="month end")
    position = scene.position()
    two = {"requested_by": "ana", "approved_by": "ben"}
    assert refusal(periods.reopen, FEB, reason="x", requested_by="ana", approved_by="ANA ") is PeriodCode.SAME_PERSON
    assert refusal(periods.reopen, FEB, reason="x", requested_by="", approved_by="b") is PeriodCode.PERSON_MISSING
    assert refusal(periods.reopen, FEB, reason=" ", **two) is PeriodCode.REASON_MISSING
    assert refusal(periods.reopen, JAN, reason="x", **two) is PeriodCode.PERIOD_NOT_LAST
    assert refusal(periods.reopen, MAR, reason="x", **two) is PeriodCode.PERIOD_UNKNOWN
    assert refusal(periods.close, MAR, reason="") is PeriodCode.REASON_MISSING
    assert refusal(periods.close, date(2020, 2, 3), reason="x") is PeriodCode.PERIOD_OVERLAPS
    assert refusal(periods.close, date(9000, 1, 1), reason="x") is PeriodCode.PERIOD_NOT_OVER
    assert refusal(periods_of, scene, "nowhere") is PeriodCode.BOOK_UNKNOWN
    assert scene.position() == position


def test_reopened_periods_close_again_in_their_order(scene: Scene, periods: PeriodLifecycle) -> None:
    periods.close(JAN, reason="month end")
    periods.close(FEB, reason="month end")
    reopen(periods, FEB)
    reopen(periods, JAN)
    assert outcomes(scene.post(captured("o-1", time=IN_JANUARY))) == ["POSTED"]
    assert refusal(periods.close, FEB, reason="x") is PeriodCode.PERIOD_REOPENED
    assert refusal(periods.reopen, JAN, reason="x", requested_by="a", approved_by="b") is PeriodCode.PERIOD_NOT_CLOSED
    periods.close(JAN, reason="again")
    assert outcomes(scene.post(captured("o-2", time=IN_JANUARY), captured("o-3", time=IN_FEBRUARY))) == [
        "PERIOD_CLOSED",
        "POSTED",
    ]
    assert periods.close(FEB, reason="again").closings == 2


def test_a_preview_writes_nothing_and_says_what_closing_will_seal(scene: Scene, periods: PeriodLifecycle) -> None:
    scene.post(captured("o-1", time=IN_JANUARY), captured("o-2", time=IN_FEBRUARY))
    position = scene.position()
    preview = periods.preview(JAN)
    assert (scene.position(), preview.position, preview.totals) == (position, position, {"EUR": 100})
    assert periods.close(JAN, reason="month end").trial_balance == preview.trial_balance


# Late events that are redirected.


@pytest.fixture
def redirecting(scene: Scene) -> PeriodLifecycle:
    """The book `shop`, whose chart sends late events into the open period."""
    scene.apply_chart({**scene.chart(), "late_events": "redirect"})
    return periods_of(scene)


def test_a_late_event_posts_into_the_first_open_moment_and_says_when_it_happened(
    scene: Scene, redirecting: PeriodLifecycle
) -> None:
    redirecting.close(JAN, reason="month end")
    result = scene.post(captured("o-1", 30, time=IN_JANUARY), captured("o-2", 7, time=IN_FEBRUARY))
    assert outcomes(result) == ["POSTED", "POSTED"]
    late, timely = states(scene, "voucher.posted")
    assert late["effective_at"] == "2020-02-01T00:00:00.000000Z"
    assert late["late"] == {"effective_at": "2020-01-15T12:00:00.000000Z", "period": "2020-01-31"}
    assert "late" not in timely
    assert scene.one("SELECT min(effective_at) = '2020-02-01T00:00:00Z' FROM ledger.entry")
    assert outcomes(scene.post(captured("o-1", 30, time=IN_JANUARY))) == ["REPLAYED"]


def test_what_was_parked_before_the_policy_posts_into_the_open_period_when_it_is_healed(
    scene: Scene, periods: PeriodLifecycle
) -> None:
    periods.close(JAN, reason="month end")
    assert outcomes(scene.post(captured("o-1", 30, time=IN_JANUARY))) == ["PERIOD_CLOSED"]
    scene.apply_chart({**scene.chart(), "late_events": "redirect"})
    healed = scene.worker().poster.heal(BOOK, "period").healed
    assert [decided.outcome.value for _, decided in healed] == ["POSTED"]
    (voucher,) = states(scene, "voucher.posted")
    assert (voucher["late"]["period"], voucher["revision"]) == ("2020-01-31", 2)


def test_a_late_refund_is_redirected_and_another_refusal_still_comes_first(
    scene: Scene, redirecting: PeriodLifecycle
) -> None:
    scene.post(captured("o-1", 100, time=IN_JANUARY), captured("o-2", 100, time=IN_JANUARY, to="wallet:seller:2"))
    redirecting.close(JAN, reason="month end")
    scene.accounts().freeze("wallet:seller:2", reason="fraud")
    result = scene.post(
        refunded("o-1", 40, time=IN_JANUARY), refunded("o-2", 40, time=IN_JANUARY, of="wallet:seller:2")
    )
    assert outcomes(result) == ["POSTED", "ACCOUNT_FROZEN"]


# Races.


@pytest.mark.parametrize("policy", ["park", "redirect"])
def test_sixteen_writers_and_a_closing_lose_nothing(scene: Scene, policy: str) -> None:
    """Each post stands in the closing trial balance, or was parked or redirected after it; there is no third."""
    scene.apply_chart({**scene.chart(), "late_events": policy})
    writers, batches, size = 16, 6, 5
    workers = [scene.worker(partition) for partition in range(1, writers + 1)]
    for partition in range(1, writers + 1):
        for number in range(batches * size):
            to = f"wallet:seller:{(number + partition) % 7}"
            scene.topic.send(captured(f"o-{partition}-{number}", 10, to=to, time=IN_JANUARY), partition=partition)
    periods = periods_of(scene)
    scene.post(captured("first", 10, time=IN_JANUARY))

    def drive(number: int) -> None:
        for _ in range(batches):
            workers[number].work(limit=size)

    driving = [scene.threads.submit(drive, number) for number in range(writers)]
    scene.until("SELECT voucher_no > 100 FROM ledger.book WHERE book_id = 1")
    closing = scene.threads.submit(periods.close, JAN, reason="month end")
    for driven in driving:
        driven.result()
    closing.result()

    assert scene.deadlocks() == 0
    (sealed,) = states(scene, "period.closed")
    expected = trial_balance(BOOK, JAN, sums_of(scene, JAN, sealed["known_at_position"]))
    assert sealed["trial_balance"] == expected.digest
    in_time = sum(1 for voucher in states(scene, "voucher.posted") if "late" not in voucher)
    redirected = sum(1 for voucher in states(scene, "voucher.posted") if "late" in voucher)
    parked = len(states(scene, "event.parked"))
    assert sealed["totals"] == [["EUR", str(10 * in_time)]]
    assert in_time + redirected + parked == writers * batches * size + 1
    assert (redirected if policy == "park" else parked) == 0
    assert 0 < in_time <= writers * batches * size


def test_an_event_that_would_park_while_its_period_is_reopened_posts_instead(
    scene: Scene, periods: PeriodLifecycle
) -> None:
    """Decided on the closed period, parked after the healing: nobody would wake it any more."""
    scene.post(captured("o-1", 100, time=IN_FEBRUARY))
    periods.close(JAN, reason="month end")
    gate = Gate("subjects_written")
    worker = scene.worker(label=gate)
    scene.topic.send(captured("o-2", 30, time=IN_JANUARY))
    posting = scene.start(worker.work)
    gate.wait()
    reopen(periods)
    gate.open()
    assert outcomes(posting.result()) == ["POSTED"]


def test_a_redirected_event_whose_period_is_reopened_meanwhile_stays_where_it_happened(
    scene: Scene, redirecting: PeriodLifecycle
) -> None:
    redirecting.close(JAN, reason="month end")
    gate = Gate("subjects_written")
    worker = scene.worker(label=gate)
    scene.topic.send(captured("o-2", 30, time=IN_JANUARY))
    posting = scene.start(worker.work)
    gate.wait()
    reopen(redirecting)
    gate.open()
    assert outcomes(posting.result()) == ["POSTED"]
    (voucher,) = states(scene, "voucher.posted")
    assert ("late" in voucher, voucher["effective_at"]) == (False, "2020-01-15T12:00:00.000000Z")


def test_two_that_close_one_period_at_once_record_one_closing(scene: Scene, periods: PeriodLifecycle) -> None:
    scene.post(captured("o-1", time=IN_JANUARY))
    closings = [scene.threads.submit(periods_of(scene).close, JAN, reason=f"by {n}") for n in range(6)]
    assert {one.result().status for one in closings} == {"closed"}
    assert [len(states(scene, kind)) for kind in ("period.closing", "period.closed")] == [1, 1]


# What the database refuses, whoever writes.


def test_closed_through_does_not_move_without_its_event(scene: Scene, periods: PeriodLifecycle) -> None:
    periods.close(JAN, reason="month end")
    for value in ("-infinity", "2020-06-30T23:59:59.999999Z"):
        with pytest.raises(psycopg.errors.CheckViolation, match="PERIOD_EVENT_MISSING"):
            scene.change("UPDATE ledger.book SET closed_through = %s WHERE book_id = 1", value)
