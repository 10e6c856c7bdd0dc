"""What the payments consumer says it counted is what the store counted, whatever became of its connections (I19)."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from consumers.metrics import ConsumerMetrics
from deploy.demo.messages import Message
from ledger_core.domain.outcomes import Outcome
from tests.support.account_events import opened
from tests.support.consuming import QUICK, Station, until
from tests.support.postings import Scene, authorized, captured, garbage, paid_out, refunded

pytestmark = pytest.mark.postgres

SENT: list[list[Message]] = [
    [captured("o-1"), captured("o-2"), authorized("o-3")],
    [captured("o-1"), captured("o-2")],
    [refunded("late", 40), garbage(), captured("o-4", 0), captured("late")],
    [captured("vault", to="vault:1"), refunded("vault", 10, of="vault:1"), paid_out("p-1")],
    [opened("vault:1")],
]
"""Posted and recorded; nothing but replays; refused, parked and healed; what waits for an account, and the account."""

NOTHING_WAITS = """
    SELECT count(*) = 0 FROM ledger.dead_letter WHERE outcome = 'PARKED' AND resolved_position IS NULL
"""


class Lost:
    """The connection breaks at a label, the first time after each time it is armed."""

    def __init__(self, label: str, times: int = 1) -> None:
        self._label = label
        self._times = times
        self.left = 0

    def arm(self) -> None:
        self.left = self._times

    def __call__(self, name: str) -> None:
        if name == self._label and self.left:
            self.left -= 1
            raise psycopg.OperationalError("server closed the connection unexpectedly")


def consumed(metrics: ConsumerMetrics) -> dict[str, float]:
    samples = {
        outcome: metrics.registry.get_sample_value("ledger_events_consumed_total", {"outcome": outcome.value})
        for outcome in Outcome
    }
    return {outcome.value.lower(): count for outcome, count in samples.items() if count}


def vouchers(metrics: ConsumerMetrics) -> float:
    (family,) = [one for one in metrics.registry.collect() if one.name == "ledger_vouchers_posted"]
    return sum(sample.value for sample in family.samples if sample.name.endswith("_total"))


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(lambda: Lost("after_commit"), id="its reply was lost at COMMIT"),
        pytest.param(lambda: Lost("before_commit"), id="it was rolled back"),
        pytest.param(lambda: Lost("after_commit", times=2), id="the reply to what came after it was lost, too"),
    ],
)
def test_what_a_broken_connection_kept_from_us_is_counted_once(scene: Scene, lost: Callable[[], Lost]) -> None:
    fault, metrics = lost(), ConsumerMetrics()

    async def play() -> None:
        station = Station(scene)
        await station.open()
        async with station.worker(fault, replace(QUICK, heal_overdue_ms=0), metrics) as worker:
            for messages in SENT:
                fault.arm()
                station.send(*messages)
                await station.until_consumed()
                await until(lambda: consumed(metrics) == scene.counters(), "counted")
                assert fault.left < fault._times, "nothing broke"
            await until(lambda: scene.one(NOTHING_WAITS), "what waited for the account is decided")
            await until(lambda: vouchers(metrics) == scene.vouchers() == 7, "its vouchers too")
            await until(lambda: worker.consumer.healed == 3, "and that they had waited")
            assert {
                outcome.value.lower(): count for outcome, count in worker.consumer.counts.items()
            } == scene.counters()

    asyncio.run(play())
    assert scene.counters() == {"posted": 4, "recorded": 2, "replayed": 2, "rejected": 2, "parked": 3}
