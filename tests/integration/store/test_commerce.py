"""Sales, their cost and inventories through the store: skipped by design, parked for a role, healed by a chart."""

import pytest

from deploy.demo.messages import Message
from tests.support.postings import BOOK, CHART, Scene, captured, event, outcomes

pytestmark = pytest.mark.postgres

CASH, SALES = "cash:bank:EUR", "revenue:sales:EUR"
INVENTORY, COGS = "inventory:EUR", "expense:cogs:EUR"


def sold(sale: str, source: str | None = "control:CASH", amount: int = 100) -> Message:
    data: dict[str, object] = {"sale_id": sale, "amount_minor": str(amount), "currency": "EUR"}
    if source is not None:
        data["attempt"] = {"finance": {"source": {"id": source}}}
    return event("sale.completed.v1", sale, f"sold-{sale}", data)


def cost(sale: str, amount: int = 60) -> Message:
    data = {"sale_id": sale, "amount_minor": str(amount), "currency": "EUR"}
    return event("cogs.recorded.v1", sale, f"cost-{sale}", data)


def counted(adjustment: str, amount: int, direction: str) -> Message:
    data = {
        "adjustment_id": adjustment, "amount_minor": str(amount), "currency": "EUR", "direction": direction,
        "reason": "correction", "reference": "stock-take",
    }  # fmt: skip
    return event("inventory.adjusted.v1", adjustment, adjustment, data)


def test_a_sale_its_cost_and_a_count_post_and_one_without_a_source_is_skipped(scene: Scene) -> None:
    messages = [sold("s-1"), cost("s-1"), sold("s-2", None), counted("a-1", 70, "increase"), captured("p-1")]
    said = scene.post(*messages)
    assert outcomes(said) == ["POSTED", "POSTED", "SKIPPED", "POSTED", "POSTED"]
    assert said.decided[2] is not None
    assert said.decided[2].skipped == "SOURCE_NOT_CHOSEN"
    balances = {CASH: 100, SALES: -100, INVENTORY: 10, COGS: 60}
    assert {account: scene.balance_minor(account) for account in balances} == balances
    assert "event.skipped sold-s-2 SOURCE_NOT_CHOSEN" in scene.log_of()
    assert outcomes(scene.post(*messages)) == ["REPLAYED"] * 5
    assert scene.counters() == {"posted": 4, "skipped": 1, "replayed": 5}
    scene.assert_whole()


def test_a_skipped_sale_on_the_exact_path_is_the_same(scene: Scene) -> None:
    """A batch that refuses something is decided one by one."""
    assert outcomes(scene.post(sold("s-1", None), captured("p", 0), sold("s-2", "vault:1"))) == [
        "SKIPPED", "AMOUNT_NOT_POSITIVE", "ACCOUNT_MISSING"
    ]  # fmt: skip
    assert scene.rows("SELECT order_key FROM ledger.subject") == [("s-2",)]
    scene.assert_whole()


@pytest.mark.parametrize("role", ["COGS", "INVENTORY"])
def test_cost_waits_for_its_control_accounts_and_heals_with_the_chart(scene: Scene, role: str) -> None:
    controls = CHART["controls"]
    assert isinstance(controls, list)
    scene.apply_chart({**CHART, "controls": [control for control in controls if control["role"] != role]})
    assert outcomes(scene.post(cost("s-1"), sold("s-1"), sold("s-2", None))) == [
        "CONTROL_ACCOUNT_MISSING", "ORDER_KEY_PARKED", "SKIPPED"
    ]  # fmt: skip
    scene.apply_chart(CHART)
    assert len(scene.worker().poster.heal(BOOK, f"control:{role}:EUR").healed) == 2
    assert (scene.balance_minor(COGS), scene.balance_minor(SALES)) == (60, -100)
    scene.assert_whole()
