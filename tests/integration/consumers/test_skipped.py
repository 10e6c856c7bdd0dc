"""What is left out by design is said and counted once, whatever happens on the way to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import psycopg
import pytest
from structlog.testing import capture_logs

from consumers.metrics import ConsumerMetrics
from deploy.demo.messages import Message
from ledger_core.store.poster import Label, no_label
from tests.support.consuming import QUICK, Station, until
from tests.support.postings import Scene, captured, event, void_requested

pytestmark = pytest.mark.postgres
REASON = "SOURCE_NOT_CHOSEN"


def sale(sale_id: str) -> Message:
    data = {"sale_id": sale_id, "amount_minor": "100", "currency": "EUR"}
    return event("sale.completed.v1", sale_id, f"sold-{sale_id}", data)


def counted(metrics: ConsumerMetrics) -> float | None:
    return metrics.registry.get_sample_value("ledger_events_skipped_total", {"reason": REASON})


def said(scene: Scene, messages: Sequence[Message], label: Label = no_label) -> list[list[str]]:
    """What the log names, line by line, until as many are counted as the store has left out."""
    metrics = ConsumerMetrics()

    async def play() -> None:
        station = Station(scene)
        await station.open()
        async with station.worker(label, replace(QUICK, heal_overdue_ms=0), metrics):
            for message in messages:
                station.send(message)
                await station.until_consumed()
            await until(lambda: scene.one("SELECT count(*) FROM ledger.event WHERE type = 'event.skipped'"), "decided")
            await until(lambda: counted(metrics), "counted")

    with capture_logs() as lines:
        asyncio.run(play())
    told = [line for line in lines if line["event"] == "voucher.skipped"]
    assert all((line["log_level"], line["reason"]) == ("info", REASON) for line in told)
    assert counted(metrics) == scene.one("SELECT count(*) FROM ledger.event WHERE type = 'event.skipped'")
    return [line["events"] for line in told]


def test_a_sale_that_was_left_out_while_the_reply_was_lost_is_said_once(scene: Scene) -> None:
    left = [1]

    def lost(label: str) -> None:
        if label == "after_commit" and left:
            left.clear()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    assert said(scene, [sale("s-1")], lost) == [["shop /psp#sold-s-1"]]
    assert not left


def test_a_sale_that_had_to_wait_first_is_said_when_it_is_left_out(scene: Scene) -> None:
    """It queues behind a void of its order key, which names an event of another."""
    assert said(scene, [void_requested("s-1", of="captured-o-1"), sale("s-1"), captured("o-1")]) == [
        ["shop /psp#sold-s-1"]
    ]


def test_a_replay_of_what_was_left_out_is_not_said_again(scene: Scene) -> None:
    assert said(scene, [sale("s-1"), sale("s-1"), sale("s-2")]) == [["shop /psp#sold-s-1"], ["shop /psp#sold-s-2"]]
