"""Payments from the command line: listed, followed, with their refunds, payouts and beneficiaries."""

import asyncio

import pytest

from tests.support.command_line import ledgerctl
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import everything, steps
from tests.support.read_side import ReadSide
from tests.support.shop import posting

pytestmark = pytest.mark.postgres


@pytest.fixture
def shop(machine: TestDatabase) -> TestDatabase:
    """A shop in which everything happened, projected; but for one batch that came since."""

    async def project() -> None:
        side = ReadSide(machine)
        await side.create_topic()
        await side.relay_all()
        await side.project_all()

    first, *others = everything()
    with posting(machine) as ledger:
        for batch in [*others, steps()]:
            ledger.post(batch)
        asyncio.run(project())
        ledger.post(first)
    return machine


def ids(*command: str, rows: str, name: str) -> list[str]:
    ended = ledgerctl(*command, "--book", "shop", "--json")
    assert ended.code == 0, ended
    return [one[name] for one in ended.json[rows]]


def test_payments_and_what_belongs_to_them_are_listed_shown_and_followed(shop: TestDatabase) -> None:
    assert ids("payment", "list", "--state", "FAILED", rows="payments", name="order_key") == ["s-3", "s-2"]
    assert ids("payment", "list", "--beneficiary", "wallet:seller:b", rows="payments", name="order_key") == [
        "o-4",
        "o-1",
    ]
    assert ids("payment", "list", "--since", "2026-11-22", rows="payments", name="order_key") == []
    assert ids("refund", "list", "--payment", "s-1", rows="refunds", name="part_id") == ["r-open", "r-done"]
    assert ids("refund", "list", "--state", "COMPLETED", "--limit", "1", rows="refunds", name="part_id") == ["r-done"]
    assert ids("payout", "list", "--account", "wallet:seller:a", rows="payouts", name="part_id") == ["s-p", "p-1"]
    assert ids("beneficiary", "list", rows="beneficiaries", name="account") == ["wallet:seller:a", "wallet:seller:b"]

    story = ledgerctl("payment", "timeline", "o-4", "--book", "shop", "--json").json["timeline"]["events"]
    assert [(event["event_type"], event["outcome"], event["code"]) for event in story] == [
        ("payment.refunded.v1", "PARKED", "PREDECESSOR_ABSENT"),
        ("payment.captured.v1", "POSTED", ""),
        ("payment.refunded.v1", "POSTED", ""),
    ]
    assert [event["cause"]["revision"] for event in story] == [1, 1, 2]
    assert story[0]["cause"]["event_id"] == "refund-o-4"

    safety = ledgerctl("payment", "retry-check", "s-1", "--book", "shop", "--json").json
    assert {one["what"]: one["answer"] for one in safety["answers"]} == {
        "capture": "done", "refund r-done": "done", "refund r-open": "wait",
    }  # fmt: skip
    assert safety["note"] == "Starting anew with another id is never safe: it may be done twice."

    payout = ledgerctl("payout", "show", "s-p", "--book", "shop", "--json").json
    assert (payout["payout"]["state"], payout["payout"]["failure_reason"]) == ("FAILED", "no_luck")
    assert [event["event_type"] for event in payout["timeline"]] == ["payout.requested.v1", "payout.failed.v1"]
    seller = ledgerctl("beneficiary", "show", "wallet:seller:b", "--book", "shop", "--json").json["beneficiary"]
    assert (seller["earned"]["amount_minor"], seller["commission"]["amount_minor"]) == ("4050", "450")


def test_each_says_how_far_its_read_model_has_come_and_what_is_not_there_is_named(shop: TestDatabase) -> None:
    for command in (
        ("payment", "list"), ("payment", "timeline", "o-4"), ("refund", "list"), ("refund", "show", "r-done"),
        ("payout", "show", "p-1"), ("beneficiary", "list"), ("beneficiary", "show", "wallet:seller:b"),
    ):  # fmt: skip
        ended = ledgerctl(*command, "--book", "shop")
        assert ended.code == 0, ended
        assert "the book stands at" in ended.out, command
    for command, code in (
        (("payment", "timeline", "never"), "TIMELINE_NOT_FOUND"),
        (("refund", "show", "never"), "REFUND_NOT_FOUND"),
        (("payout", "show", "never"), "PAYOUT_NOT_FOUND"),
        (("fee", "show", "never"), "FEE_NOT_FOUND"),
        (("beneficiary", "show", "never"), "BENEFICIARY_NOT_FOUND"),
    ):
        ended = ledgerctl(*command, "--book", "shop", "--json")
        assert (ended.code, ended.error["code"]) == (1, code)
