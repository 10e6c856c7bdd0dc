"""Sales from the topic to whoever asks what became of them: parked for want of an account and healed, or left out."""

import asyncio
import json
import re
from pathlib import Path

import psycopg
import pytest

from deploy.demo.messages import Message, Producer
from schemas.charts import load_chart
from tests.e2e.test_payment_stories import positions_of, publish
from tests.e2e.test_processes import metrics_of, running, until_logged
from tests.support.api import client_of
from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.shop import reading_pool

pytestmark = pytest.mark.postgres

BOOK, SOURCE = "shop", "/shop/tills"
CARD = "4111111111111111"
"""Numbers that services take for ids are no better in a log than others."""
LEFT_OUT = "sold-s-2"


def event(kind: str, event_id: str, sale: str, **more: object) -> Message:
    data = {"sale_id": sale, "amount_minor": "60", "currency": "EUR", **more}
    return Producer(BOOK, SOURCE).event(f"{kind}.v1", event_id, sale, "2026-11-21T08:46:53Z", data)


COST = event("cogs.recorded", "cost-s-1", "s-1")
UNSOURCED = [
    event("sale.completed", LEFT_OUT, "s-2"),
    event("sale.completed", f"sold-{CARD}", "s-3", attempt={"finance": {"source": {"id": None}}}),
]


def count(exposed: bytes, sample: str) -> float:
    """The value of one sample of a metrics endpoint; 0 while it has none."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", exposed.decode(), re.MULTILINE)
    return float(found[1]) if found else 0


@pytest.fixture
def charts(topics: TestDatabase, tmp_path: Path) -> Path:
    """The book is opened with a chart that forgot the cost of goods; returned is one that has it."""
    whole = load_chart()
    controls = whole["controls"]
    assert isinstance(controls, list)
    less = {**whole, "controls": [control for control in controls if control["role"] != "COGS"]}
    for name, chart in {"less": less, "whole": whole}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(chart))
    assert ledgerctl("book", "create", BOOK, "--chart", str(tmp_path / "less.json")).code == 0
    return tmp_path / "whole.json"


def test_cost_without_a_control_account_is_counted_and_posts_once_the_chart_has_it(
    topics: TestDatabase, charts: Path
) -> None:
    asyncio.run(publish(topics.dsn(), [COST]))
    with (
        running("consumers.bootstrap", "all", LEDGER_ALLOW_OWNER_LOGIN="true", LEDGER_METRICS_PORT="0") as child,
        reading_pool(topics) as pool,
        client_of(pool, wait_seconds=20) as api,
    ):
        port = until_logged(child, "metrics.serving")["port"]
        while count(metrics_of(port), "ledger_missing_control_account_total") < 1:
            assert child.poll() is None
        exposed = metrics_of(port)
        assert count(exposed, 'ledger_events_consumed_total{outcome="PARKED"}') == 1
        assert count(exposed, 'ledger_dead_letters_total{code="CONTROL_ACCOUNT_MISSING"}') == 1
        (waits,) = ledgerctl("parked", "--book", BOOK, "--json").json["parked"]
        assert (waits["order_key"], waits["event_id"]) == ("s-1", "cost-s-1")
        assert (waits["code"], waits["waits_for"]) == ("CONTROL_ACCOUNT_MISSING", "control:COGS:EUR")
        applied = ledgerctl("chart", "apply", BOOK, str(charts), "--reason", "cost of goods", "--apply", "--json")
        assert applied.json["healed"] == 1
        position = positions_of(topics, consumed=1)[BOOK]
        voucher = api.get(f"/v1/books/{BOOK}/vouchers/1", params={"min_position": position}).json()
        lines = [(line["account"], line["amount"]["side"], line["amount"]["amount_minor"]) for line in voucher["lines"]]
        assert lines == [("expense:cogs:EUR", "debit", "60"), ("inventory:EUR", "credit", "60")]
        asked: dict[str, str | int] = {"source": SOURCE, "id": "cost-s-1", "min_position": position}
        said = api.get(f"/v1/books/{BOOK}/events", params=asked).json()
        assert [one["outcome"] for one in said["revisions"]] == ["PARKED", "POSTED"]
        assert count(metrics_of(port), "ledger_missing_control_account_total") == 1
    assert ledgerctl("parked", "--book", BOOK, "--json").json["parked"] == []


def test_a_sale_that_names_no_source_is_left_out_aloud(topics: TestDatabase, charts: Path) -> None:
    asyncio.run(publish(topics.dsn(), UNSOURCED))
    with (
        running("consumers.bootstrap", "all", LEDGER_ALLOW_OWNER_LOGIN="true", LEDGER_METRICS_PORT="0") as child,
        reading_pool(topics) as pool,
        client_of(pool, wait_seconds=20) as api,
    ):
        port = until_logged(child, "metrics.serving")["port"]
        named: list[object] = []
        while len(named) < len(UNSOURCED):  # one line a batch
            line = until_logged(child, "voucher.skipped")
            assert line.keys() == {"event", "level", "timestamp", "reason", "count", "events"}
            assert (line["level"], line["reason"]) == ("info", "SOURCE_NOT_CHOSEN")
            assert isinstance(line["events"], list)
            assert line["count"] == len(line["events"])
            named += line["events"]
        assert named == [f"{BOOK} {SOURCE}#{LEFT_OUT}", f"{BOOK} {SOURCE}#sold-************1111"]
        exposed = metrics_of(port)
        assert count(exposed, 'ledger_events_skipped_total{reason="SOURCE_NOT_CHOSEN"}') == 2
        assert count(exposed, 'ledger_events_consumed_total{outcome="SKIPPED"}') == 2
        assert CARD.encode() not in exposed
        position = positions_of(topics, consumed=2)[BOOK]
        asked: dict[str, str | int] = {"source": SOURCE, "id": LEFT_OUT, "min_position": position}
        (decision,) = api.get(f"/v1/books/{BOOK}/events", params=asked).json()["revisions"]
        why = "attempt.finance.source.id: the sale names no account"
        assert (decision["outcome"], decision["code"], decision["detail"]) == ("SKIPPED", "SOURCE_NOT_CHOSEN", why)
        told = api.get(f"/v1/books/{BOOK}/timelines/s-2", params={"min_position": position}).json()["events"]
        assert [(one["outcome"], one["code"], one["detail"]) for one in told] == [("SKIPPED", "SOURCE_NOT_CHOSEN", why)]
    shown = ledgerctl("event", "show", LEFT_OUT, "--source", SOURCE, "--book", BOOK)
    assert (shown.code, "SKIPPED" in shown.out, why in " ".join(shown.out.split())) == (0, True, True)
    with psycopg.connect(topics.dsn()) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.entry").fetchone() == (0,)
