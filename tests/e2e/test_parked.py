"""What waits, from the command line: shown with its reason, looked at again, and answered in place of what is lost."""

from pathlib import Path

import orjson
import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.event_lines import captured, event, write

pytestmark = pytest.mark.postgres

PARKED = ("parked", "--book", "shop")


@pytest.fixture(autouse=True)
def shop(machine: TestDatabase) -> TestDatabase:
    assert ledgerctl("book", "create", "shop").code == 0
    return machine


def ingest(tmp_path: Path, *lines: bytes) -> list[str]:
    ended = ledgerctl("ingest", write(tmp_path / "events.ndjson", lines), "--json")
    return [said["code"] or said["outcome"] for said in ended.lines]


def void(order: str, of: str) -> bytes:
    return event(f"void-{order}", "voucher.void_requested.v1", order, {"voucher": {"event_id": of}, "reason": "twice"})


def test_a_void_that_names_an_event_of_another_order_key_is_shown_and_refused_when_it_is_looked_at_again(
    tmp_path: Path,
) -> None:
    said = ingest(tmp_path, void("o2", "payment-capture-o1"), captured("o2"), captured("o1"))
    assert said == ["PREDECESSOR_ABSENT", "ORDER_KEY_PARKED", "POSTED"]
    (key,) = ledgerctl(*PARKED, "--json").json["parked"]
    assert (key["order_key"], key["event_id"], key["code"], key["events"]) == ("o2", "void-o2", said[0], 2)
    assert key["waits_for"] == "voucher:/shop/payments#payment-capture-o1"
    assert "void-o2" in ledgerctl(*PARKED).out
    again = ledgerctl(*PARKED, "--again", "--json").json
    assert (again["decided"], again["parked"]) == (2, [])
    assert ledgerctl(*PARKED, "--again", "--json").json["decided"] == 0


def test_looking_again_takes_all_that_waits_however_few_are_listed(tmp_path: Path) -> None:
    crossed = [("o2", "o1"), ("o4", "o3"), ("o6", "o5")]
    ingest(tmp_path, *(void(order, f"payment-capture-{other}") for order, other in crossed))
    ingest(tmp_path, *(captured(other) for _, other in crossed), void("o8", "lost"))
    again = ledgerctl(*PARKED, "--again", "--limit", "1", "--json").json
    assert (again["decided"], [key["order_key"] for key in again["parked"]]) == (3, ["o8"])


def test_what_still_has_to_wait_waits_on_and_an_event_that_is_lost_can_be_answered_for(tmp_path: Path) -> None:
    assert ingest(tmp_path, void("o2", "lost"), captured("o2")) == ["PREDECESSOR_ABSENT", "ORDER_KEY_PARKED"]
    again = ledgerctl(*PARKED, "--again", "--json").json
    assert (again["decided"], len(again["parked"])) == (0, 1)
    in_its_place = event("lost", "voucher.requested.v1", "o2", {"kind": "transfer", "lines": []})
    assert ingest(tmp_path, in_its_place) == ["DATA_INVALID"]
    assert ledgerctl(*PARKED, "--json").json["parked"] == []
    assert ledgerctl("voucher", "show", "1", "--book", "shop", "--json").json["voucher"]["order_key"] == "o2"


def test_a_chart_that_posts_what_is_late_into_the_open_period_decides_what_waited_for_it(tmp_path: Path) -> None:
    closing = ("period", "close", "shop", "--through", "2019-12-31", "--reason", "year end", "--requested-by", "ana")
    assert ledgerctl(*closing, "--apply").code == 0
    data: dict[str, object] = {"payment_id": "o1", "amount_minor": "100", "currency": "BRL", "method": "card"}
    late = event("late", "payment.captured.v1", "o1", data, time="2019-06-01T00:00:00Z")
    assert ingest(tmp_path, late) == ["PERIOD_CLOSED"]
    chart = ledgerctl("chart", "show", "shop", "--json").json["chart"]["document"]
    file = tmp_path / "chart.json"
    file.write_bytes(orjson.dumps({**chart, "late_events": "redirect"}))
    applied = ledgerctl("chart", "apply", "shop", str(file), "--reason", "year end", "--apply", "--json")
    assert (applied.json["healed"], ledgerctl(*PARKED, "--json").json["parked"]) == (1, [])


def test_a_chart_that_asks_for_no_intent_decides_the_captures_that_waited_for_one(tmp_path: Path) -> None:
    assert ledgerctl("chart", "apply", "shop", "payment-facilitator", "--reason", "we drive it", "--apply").code == 0
    assert ingest(tmp_path, captured("o1")) == ["PREDECESSOR_ABSENT"]
    applied = ledgerctl("chart", "apply", "shop", "marketplace", "--reason", "they report", "--apply", "--json")
    assert (applied.json["healed"], ledgerctl(*PARKED, "--json").json["parked"]) == (1, [])
    assert ledgerctl("payment", "retry-check", "o1", "--book", "shop").code == 0
