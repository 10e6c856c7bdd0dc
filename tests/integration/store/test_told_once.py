"""What happens once, told again under another event id: refused by name, with the id of the first."""

from collections.abc import Sequence

import pytest
from psycopg import errors

from deploy.demo.messages import Message
from ledger_core.domain.told_once import ONCE
from ledger_core.store.verify import verify
from schemas.sql.runner import migrations
from tests.support.postings import BOOK, CHART, Scene, event, outcomes

pytestmark = pytest.mark.postgres

DRAWER = "cash:drawer:7"
EUR = {"amount_minor": "10", "currency": "EUR"}
OPENED = event("drawer.opened.v1", DRAWER, "opened", {
    "account": DRAWER, "counted_minor": "50", "currency": "EUR", "opened_by": "anna",
})  # fmt: skip
SOURCE = {"attempt": {"finance": {"source": {"id": "control:CASH"}}}}


def sale(event_id: str = "sold", sale_id: str = "s-1", **more: object) -> Message:
    return event("sale.completed.v1", "s-1", event_id, {**EUR, "sale_id": sale_id, **SOURCE, **more})


def cost(event_id: str) -> Message:
    return event("cogs.recorded.v1", "s-1", event_id, {**EUR, "sale_id": "s-1"})


def count(event_id: str) -> Message:
    more = {"adjustment_id": "a-1", "direction": "increase", "reason": "correction", "reference": "stock-take"}
    return event("inventory.adjusted.v1", "a-1", event_id, {**EUR, **more})


def cash(which: str, event_id: str) -> Message:
    more = {"receipt_id": "r"} if which == "received" else {"refund_id": "r", "signed_off_by": ["anna", "ben"]}
    return event(f"cash.{which}.v1", DRAWER, event_id, {**EUR, **more, "account": DRAWER, "against": "wallet:buyer:1"})


def sweep(event_id: str) -> Message:
    return event("sweep.requested.v1", "w-1", event_id, {"sweep_id": "w-1", "rule": "daily", "currency": "EUR"})


SWEEPS = {"sweeps": [{"name": "daily", "from": "control:CASH", "to": "wallet:seller:1", "currency": "EUR"}]}
TOLD: Sequence[tuple[str, Message, Message]] = [
    ("sale_id", sale("sold"), sale("sold, once more")),
    ("sale_id", cost("cost"), cost("cost, once more")),
    ("adjustment_id", count("count"), count("count, once more")),
    ("receipt_id", cash("received", "in"), cash("received", "in, once more")),
    ("refund_id", cash("refunded", "out"), cash("refunded", "out, once more")),
    ("sweep_id", sweep("swept"), sweep("swept, once more")),
]
IDS = {"sale_id": "s-1", "adjustment_id": "a-1", "receipt_id": "r", "refund_id": "r", "sweep_id": "w-1"}
AGAIN = ["POSTED", "ALREADY_TOLD"]
DETAIL = """SELECT convert_from(state, 'UTF8')::jsonb ->> 'detail' FROM ledger.event
    WHERE type = 'event.rejected' ORDER BY position DESC LIMIT 1"""


def test_every_type_that_happens_once_is_told_here_twice() -> None:
    assert len(TOLD) == len(ONCE)


@pytest.mark.parametrize("one_batch", [True, False], ids=["in one batch", "in two"])
def test_what_is_told_again_by_another_event_is_refused_with_the_id_of_the_first(scene: Scene, one_batch: bool) -> None:
    scene.apply_chart({**CHART, "transfers": SWEEPS})
    scene.post(OPENED)
    for member, first, again in TOLD:
        results = [scene.post(first, again)] if one_batch else [scene.post(first), scene.post(again)]
        assert [word for result in results for word in outcomes(result)] == AGAIN, member
        first_id = dict(first.headers)["ce_id"].decode()
        assert scene.one(DETAIL) == f"{member} {IDS[member]} was told before, by event {first_id}"
        assert outcomes(scene.post(first, again)) == ["REPLAYED", "REPLAYED"]
    scene.assert_whole()


def test_of_two_workers_that_are_told_of_one_sale_one_posts_it(scene: Scene) -> None:
    first, second = scene.worker(1), scene.worker(2)
    scene.topic.send(sale("one"), partition=1)
    scene.topic.send(sale("other"), partition=2)
    one, other = first.prepare(1), second.prepare(2)
    assert outcomes(first.poster.post(one)) + outcomes(second.poster.post(other)) == AGAIN


def test_what_waits_was_told_first_and_what_comes_behind_it_is_refused_once_it_heals(scene: Scene) -> None:
    scene.apply_chart({**CHART, "controls": []})
    assert outcomes(scene.post(cost("a"), cost("b"))) == ["CONTROL_ACCOUNT_MISSING", "ORDER_KEY_PARKED"]
    scene.apply_chart(CHART)
    healed = scene.worker().poster.heal(BOOK, "control:COGS:EUR").healed
    assert [one.code or one.outcome for _, one in healed] == AGAIN


def test_a_sale_that_was_left_out_may_be_told_again_with_a_source(scene: Scene) -> None:
    left_out = sale("left-out", attempt=None)
    assert outcomes(scene.post(left_out, sale("b"), sale("c"))) == ["SKIPPED", *AGAIN]


def test_an_id_that_is_not_the_order_key_could_be_told_under_two(scene: Scene) -> None:
    assert outcomes(scene.post(sale(sale_id="s-2"))) == ["DATA_INVALID"]


def test_what_happened_once_is_guarded_and_verified_and_counted_by_the_upgrade(scene: Scene) -> None:
    scene.post(sale("a"), cost("b"), count("c"), OPENED, cash("received", "d"))
    kept = scene.rows("SELECT * FROM ledger.subject_part ORDER BY kind")
    with pytest.raises(errors.CheckViolation, match="TOLD_ONCE_REFUSED"):
        scene.change("UPDATE ledger.subject_part SET amount_minor = 2, vouchers = '{1,2}' WHERE kind = 'sale'")
    for change in ("DELETE FROM ledger.subject_part WHERE kind = 'cogs'",
                   "UPDATE ledger.subject_part SET vouchers = '{1}' WHERE kind = 'sale'"):  # fmt: skip
        scene.tamper(change)
        (bad,) = [check for check in verify(scene.dsn).checks if not check.ok]
        assert (bad.name, bad.checked > 0) == ("parts", True)
    scene.change("DROP TRIGGER subject_part_told_once ON ledger.subject_part")
    scene.change("DROP FUNCTION ledger.refuse_told_again")
    scene.change("ALTER TABLE ledger.subject_part DROP CONSTRAINT subject_part_told_once")
    scene.tamper("DELETE FROM ledger.subject_part WHERE kind <> 'drawer'")
    (upgrade,) = [one.text for one in migrations() if one.name == "told_once"]
    scene.change(upgrade)
    assert scene.rows("SELECT * FROM ledger.subject_part ORDER BY kind") == kept
    assert outcomes(scene.post(sale("again"))) == ["ALREADY_TOLD"]
