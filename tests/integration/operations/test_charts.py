"""Versions of a chart: put in force under the book's lock, told in the log, and never against what is open."""

from typing import Any

import pytest

from ledger_core.operations.charts import ChartCommandError, ChartCommands
from ledger_core.store.connection import Role, connect
from tests.support.postings import BOOK, Gate, Scene, captured, outcomes, paid_out

pytestmark = pytest.mark.postgres

BANK = {"code": "bank:house", "type": "asset", "currency": "EUR", "name": "House bank"}


def commands(scene: Scene) -> ChartCommands:
    return ChartCommands(lambda: connect(scene.dsn, Role.POSTER), BOOK)


def with_members(scene: Scene, **members: list[dict[str, Any]]) -> dict[str, Any]:
    chart = scene.chart()
    return {**chart, **{name: [*rows, *chart.get(name, [])] for name, rows in members.items()}}


def types(scene: Scene) -> list[str]:
    rows = scene.rows("SELECT type FROM ledger.event WHERE book_id > 0 ORDER BY position")
    return [row[0] for row in rows]


def test_the_next_version_opens_what_it_declares_and_tells_every_change(scene: Scene) -> None:
    limited = {**BANK, "limits": {"minimum_minor": "0", "policy": "deny"}}
    document = with_members(scene, accounts=[limited], groups=[{"code": "banks"}])
    plan = commands(scene).plan(document)
    assert types(scene) == ["book.created"], "a plan writes nothing"
    assert (plan.version, plan.opens, len(plan.changes)) == (2, ["bank:house"], 2)

    scene.apply_chart(document)
    assert types(scene) == ["book.created", "chart.applied", "account.opened"]
    shown = commands(scene).show()
    assert (shown.version, shown.in_force, shown.document) == (2, True, document)
    assert commands(scene).show(1).in_force is False
    head = scene.one("SELECT minimum_minor, limit_policy::text, normal_side::text FROM ledger.account_head")
    assert head == (0, "D", "D")


def test_a_document_that_changes_nothing_makes_no_version(scene: Scene) -> None:
    assert scene.apply_chart(scene.chart()).changes == []
    assert types(scene) == ["book.created"]


def test_limits_of_a_declared_account_follow_the_chart(scene: Scene) -> None:
    scene.apply_chart(with_members(scene, accounts=[BANK]))
    document = scene.chart()
    document["accounts"][0]["limits"] = {"overdraft_minor": "70", "policy": "warn"}
    assert scene.apply_chart(document).limits == ["bank:house"]
    assert scene.one("SELECT minimum_minor, limit_policy::text FROM ledger.account_head") == (-70, "W")
    assert types(scene)[-2:] == ["chart.applied", "account.limits_set"]


def test_what_contradicts_an_open_account_is_refused_by_name(scene: Scene) -> None:
    scene.post(captured("o-1"))
    chart = scene.chart()
    chart["templates"][0] = {**chart["templates"][0], "type": "asset"}
    with pytest.raises(ChartCommandError, match="wallet:seller:1 is open as liability, not as asset") as refused:
        scene.apply_chart(chart)
    assert refused.value.code == "CHART_TYPE_CHANGED"
    assert [found.account for found in commands(scene).plan(chart).contradictions] == ["wallet:seller:1"]


def test_a_declared_account_in_an_unknown_currency_is_refused(scene: Scene) -> None:
    with pytest.raises(ValueError, match="bank:house: there is no currency XXQ"):
        scene.apply_chart(with_members(scene, accounts=[{**BANK, "currency": "XXQ"}]))


def test_a_worker_posts_by_the_version_in_force_when_its_batch_commits(scene: Scene) -> None:
    """Prepared by version 1, posted after version 2: prepared anew, the whole batch."""
    worker = scene.worker()
    scene.topic.send(captured("o-1"))
    prepared = worker.prepare()
    chart = scene.chart()
    chart["controls"][0] = {**chart["controls"][0], "code": "clearing:other:{currency}"}
    scene.apply_chart(chart)
    assert outcomes(worker.poster.post(prepared)) == ["POSTED"]
    assert (scene.balance_minor("clearing:processor:EUR"), scene.balance_minor("clearing:other:EUR")) == (0, 100)
    scene.topic.send(captured("o-2"))
    assert outcomes(worker.work()) == ["POSTED"]
    assert scene.balance_minor("clearing:other:EUR") == 200
    assert scene.rows(
        "SELECT version, position = (SELECT min(position) FROM ledger.event AS told WHERE told.book_id = chart.book_id"
        " AND told.type IN ('book.created', 'chart.applied') AND told.position >= chart.position)"
        " FROM ledger.chart WHERE book_id > 0 ORDER BY version"
    ) == [(1, True), (2, True)], "each version says where it came into force"


def test_a_chart_waits_for_the_posting_that_holds_the_book(scene: Scene) -> None:
    scene.post(captured("o-0"))
    gate = Gate("before_commit")
    worker = scene.worker(label=gate)
    scene.topic.send(captured("o-1"))
    posting = scene.start(worker.work)
    gate.wait()
    chart = scene.chart()
    chart["controls"][0] = {**chart["controls"][0], "code": "clearing:other:{currency}"}
    applying = scene.threads.submit(scene.apply_chart, chart)
    scene.until_waiting()
    gate.open()
    assert outcomes(posting.result()) == ["POSTED"]
    assert applying.result().version == 2
    last = scene.rows("SELECT type FROM ledger.event WHERE book_id > 0 ORDER BY position DESC LIMIT 2")
    assert last == [("chart.applied",), ("voucher.posted",)]


def test_an_account_opens_by_the_version_in_force_or_not_at_all(scene: Scene) -> None:
    """The worker knows version 1, by which the wallet would open as a liability."""
    worker = scene.worker()
    scene.topic.send(paid_out("p-1", of="wallet:buyer:7"))
    worker.work()
    chart = scene.chart()
    chart["templates"].insert(0, {"pattern": "wallet:buyer:8", "type": "asset"})
    scene.apply_chart(chart)
    scene.topic.send(paid_out("p-2", of="wallet:buyer:8"))
    assert outcomes(worker.work()) == ["POSTED"]
    assert scene.one("SELECT type FROM ledger.account WHERE code = 'wallet:buyer:8'") == "asset"
