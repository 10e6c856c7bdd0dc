"""Limits of accounts on the posting path: what denies refuses, what warns is told once, and both stay batched."""

import pytest
from psycopg import errors

from ledger_core.store.connection import Role, connect
from tests.support.account_events import closed
from tests.support.hold_events import placed, released
from tests.support.hold_events import taken as held_and_taken
from tests.support.postings import Scene, captured, event, outcomes, paid_out

pytestmark = pytest.mark.postgres

SELLER, OTHER = "wallet:seller:1", "wallet:seller:2"


def limit(scene: Scene, code: str = SELLER, **limits: str) -> None:
    """Puts limits into the chart, before the account opens."""
    template = {"pattern": code, "type": "liability", "limits": limits}
    scene.apply_chart({**scene.chart(), "templates": [template, *scene.chart()["templates"]]})


def taken(amount: int, to: str) -> dict[str, object]:
    """A transfer from the seller, as data of a voucher by hand."""
    sides = ((SELLER, "debit"), (to, "credit"))
    lines = [{"account": a, "side": side, "amount_minor": str(amount), "currency": "EUR"} for a, side in sides]
    return {"kind": "transfer", "lines": lines}


def told(scene: Scene) -> list[tuple[object, ...]]:
    """What was said of limits: type, balance, and the voucher that caused it."""
    return scene.rows(
        """SELECT told.type, s ->> 'balance_minor',
            coalesce(s ->> 'minimum_minor', s ->> 'maximum_minor'), cause.voucher_no
        FROM (SELECT *, convert_from(state, 'UTF8')::jsonb AS s FROM ledger.event) told
        JOIN ledger.event AS cause ON cause.book_id = told.book_id
            AND cause.position = told.position + (s ->> 'cause_offset')::bigint
        WHERE told.type LIKE 'account.went_%' ORDER BY told.position"""
    )


def test_what_would_fall_below_a_minimum_that_denies_is_refused_and_the_rest_posts(scene: Scene) -> None:
    limit(scene, minimum_minor="0", policy="deny")
    batch = [captured("o-1", 100), paid_out("p-1", 60), paid_out("p-2", 60), captured("o-2", 30), paid_out("p-3", 70)]
    result = scene.post(*batch)
    assert outcomes(result) == ["POSTED", "POSTED", "LIMIT_MINIMUM", "POSTED", "POSTED"]
    refused = result.decided[2]
    assert refused is not None
    assert refused.detail == "wallet:seller:1 would have -20 available, its minimum is 0"
    assert scene.balance_minor(SELLER) == 0


def test_an_overdraft_is_a_minimum_below_zero(scene: Scene) -> None:
    limit(scene, overdraft_minor="50", policy="deny")
    assert outcomes(scene.post(paid_out("p-1", 50), paid_out("p-2", 1))) == ["POSTED", "LIMIT_MINIMUM"]


def test_what_would_rise_above_a_maximum_that_denies_is_refused(scene: Scene) -> None:
    limit(scene, maximum_minor="100", policy="deny")
    assert outcomes(scene.post(captured("o-1", 100), captured("o-2", 1))) == ["POSTED", "LIMIT_MAXIMUM"]


def test_a_limit_that_allows_is_for_information(scene: Scene) -> None:
    limit(scene, minimum_minor="0", maximum_minor="9", policy="allow")
    assert outcomes(scene.post(paid_out("p-1", 5), captured("o-1", 100))) == ["POSTED", "POSTED"]
    assert told(scene) == []


def test_a_limit_that_warns_posts_and_says_so_once_per_crossing(scene: Scene) -> None:
    limit(scene, minimum_minor="0", maximum_minor="100", policy="warn")
    scene.post(captured("o-1", 50), paid_out("p-1", 60), paid_out("p-2", 1))
    scene.post(paid_out("p-3", 1), captured("o-2", 100), captured("o-3", 13))
    scene.post(paid_out("p-4", 150))
    assert told(scene) == [
        ("account.went_negative", "-10", "0", 2),
        ("account.went_over", "101", "100", 6),
        ("account.went_negative", "-49", "0", 7),
    ]
    assert scene.balance_minor(SELLER) == 49
    result = scene.post(captured("o-4", 1_000))
    assert list(result.crossed) == ["account.went_over"]


def test_a_group_that_is_refused_leaves_no_crossing_behind(scene: Scene) -> None:
    limit(scene, minimum_minor="0", policy="warn")
    scene.post(captured("o-1", 50))
    beyond, missing = taken(60, OTHER), taken(1, "vault:1")
    group = event("voucher.group_requested.v1", "g-1", "g-1", {"vouchers": [beyond, missing]})
    whole = event("voucher.group_requested.v1", "g-2", "g-2", {"vouchers": [taken(10, OTHER), beyond]})
    frozen = event("voucher.group_requested.v1", "g-3", "g-3", {"vouchers": [beyond, taken(1, "wallet:seller:3")]})
    scene.accounts().open_account("wallet:seller:3", account_type="liability", currency="EUR")
    scene.accounts().freeze("wallet:seller:3", reason="a test")
    assert outcomes(scene.post(group, frozen)) == ["ACCOUNT_MISSING", "ACCOUNT_FROZEN"]
    assert (told(scene), scene.balance_minor(SELLER)) == ([], -50)
    assert outcomes(scene.post(whole)) == ["POSTED"]
    assert told(scene) == [("account.went_negative", "-20", "0", 3)]


def test_an_account_that_is_overdrawn_may_still_be_paid_into(scene: Scene) -> None:
    scene.post(paid_out("p-1", 50))
    limit(scene, minimum_minor="0", policy="deny")
    scene.change(
        "UPDATE ledger.account_head SET minimum_minor = 0, limit_policy = 'D', normal_side = 'C' "
        "WHERE account_id = (SELECT account_id FROM ledger.account WHERE code = 'wallet:seller:1')"
    )
    assert outcomes(scene.post(captured("o-1", 20), paid_out("p-2", 1))) == ["POSTED", "LIMIT_MINIMUM"]
    scene.change("UPDATE ledger.account_head SET minimum_minor = NULL, limit_policy = 'A', normal_side = NULL")


def test_limits_that_nothing_reaches_are_decided_over_columns(scene: Scene) -> None:
    limit(scene, minimum_minor="0", maximum_minor="1000", policy="deny")
    scene.post(captured("o-1", 101), paid_out("p-before", 1))  # opens what is not limited
    worker = scene.worker()
    scene.topic.send(*(captured(f"o-{n}", 10) for n in range(2, 12)), *(paid_out(f"p-{n}", 20) for n in range(10)))
    worker.work()
    assert "decided" not in worker.poster.timings
    scene.topic.send(paid_out("p-10", 1))
    assert outcomes(worker.work()) == ["LIMIT_MINIMUM"]
    assert "decided" in worker.poster.timings
    scene.topic.send(captured("o-99", 10))
    before = worker.poster.timings["decided"]
    worker.work()
    assert worker.poster.timings["decided"] == before, (
        "one refusal sends one batch to the exact path, not those after it"
    )


def test_what_is_held_counts_against_a_minimum_until_it_is_given_back(scene: Scene) -> None:
    limit(scene, minimum_minor="0", policy="deny")
    scene.post(captured("o-1", 100))
    batch = [placed("h-1", 60, of=SELLER), placed("h-2", 50, of=SELLER), paid_out("p-1", 50)]
    assert outcomes(scene.post(*batch)) == ["RECORDED", "INSUFFICIENT_AVAILABLE", "LIMIT_MINIMUM"]
    assert outcomes(scene.post(paid_out("p-2", 40), paid_out("p-3", 1))) == ["POSTED", "LIMIT_MINIMUM"]
    more = placed("h-3", 1, of=SELLER)
    assert outcomes(scene.post(held_and_taken("h-1", (OTHER, 20)), more)) == ["POSTED", "INSUFFICIENT_AVAILABLE"]
    assert outcomes(scene.post(released("h-1"), paid_out("p-4", 40))) == ["RECORDED", "POSTED"]
    assert scene.balance_minor(SELLER) == 0


def test_a_capture_over_its_hold_minds_the_minimum_with_what_the_hold_does_not_cover(scene: Scene) -> None:
    limit(scene, minimum_minor="0", policy="deny")
    scene.post(captured("o-1", 100), placed("h-1", 100, of=SELLER, tolerance_bps=1_000))
    batch = [held_and_taken("h-1", (OTHER, 101)), held_and_taken("h-1", (OTHER, 100))]
    assert outcomes(scene.post(*batch)) == ["LIMIT_MINIMUM", "POSTED"]


def test_a_hold_below_a_minimum_that_warns_says_so_once(scene: Scene) -> None:
    limit(scene, minimum_minor="0", policy="warn")
    scene.post(
        captured("o-1", 50), placed("h-1", 60, of=SELLER), held_and_taken("h-1", (OTHER, 60)), paid_out("p-1", 1)
    )
    assert [row[:3] for row in told(scene)] == [("account.went_negative", "-10", "0")]


@pytest.mark.parametrize("policy", ["deny", "warn"])
def test_no_minimum_of_its_own_keeps_an_account_from_closing(policy: str, scene: Scene) -> None:
    limit(scene, minimum_minor="60", policy=policy)
    scene.post(captured("o-1", 100), captured("o-2", 1, to=OTHER))
    batch = [closed(SELLER, to=OTHER), captured("o-3", 1)]
    assert outcomes(scene.post(*batch)) == ["POSTED", "ACCOUNT_CLOSED"]
    assert scene.balance_minor(SELLER) == 0
    assert told(scene) == []


def test_an_account_that_closes_minds_the_limits_of_the_one_that_gets_its_rest(scene: Scene) -> None:
    limit(scene, OTHER, maximum_minor="50", policy="deny")
    scene.post(captured("o-1", 100), captured("o-2", 1, to=OTHER))
    assert outcomes(scene.post(closed(SELLER, to=OTHER))) == ["LIMIT_MAXIMUM"]
    assert scene.balance_minor(SELLER) == -100


def test_a_hold_that_is_given_back_in_the_batch_that_closes_its_account_keeps_nothing(scene: Scene) -> None:
    limit(scene, minimum_minor="10", policy="deny")
    scene.post(captured("o-1", 100), captured("o-2", 1, to=OTHER), placed("h-1", 60, of=SELLER))
    batch = [closed(SELLER, to=OTHER, event_id="early"), released("h-1"), closed(SELLER, to=OTHER)]
    assert outcomes(scene.post(*batch)) == ["ACCOUNT_HELD", "RECORDED", "POSTED"]


@pytest.mark.parametrize("column", ["debits_posted", "debits_pending"])
def test_raw_sql_cannot_pass_a_limit_that_denies(scene: Scene, column: str) -> None:
    limit(scene, minimum_minor="0", policy="deny")
    scene.post(captured("o-1", 100))
    update = f"UPDATE ledger.account_head SET {column} = %s FROM ledger.account WHERE account.code = %s AND "
    where = "(account.book_id, account.account_id) = (account_head.book_id, account_head.account_id)"
    with connect(scene.dsn, Role.POSTER) as connection:
        with pytest.raises(errors.CheckViolation, match="LIMIT_REFUSED"), connection.transaction():
            connection.execute((update + where).encode(), (101, SELLER))
        with connection.transaction(force_rollback=True):
            connection.execute((update + where).encode(), (100, SELLER))
