"""However the events of a payment are dealt out, it ends as the story in its order does, or a refusal says why not."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from random import Random

import pytest

from deploy.demo.messages import Message
from projections.queries.beneficiaries import beneficiary
from projections.queries.payment_stories import PaymentStory, payment_story
from projections.queries.snapshot import Reads, snapshot
from tests.invariants.programs import assert_invariants
from tests.support.databases import TestDatabase
from tests.support.posted_ledger import BOOK, authorized, captured, step
from tests.support.read_side import ReadSide
from tests.support.shop import posting, reading_pool

pytestmark = pytest.mark.postgres

SHUFFLES = 25
NOW = datetime(2030, 1, 1, tzinfo=UTC)


def in_steps(key: str) -> list[Message]:
    """Authorised, captured and shared, partly refunded, disputed and won, settled for good."""
    seller = f"seller-{key}"
    share = [{"account": f"wallet:seller:{seller}", "amount_minor": "200", "commission_bps": 1000}]
    return [
        authorized(key, 1_000),
        captured(key, 1_000, {seller: 1_000}),
        step("refund.requested", key, amount=200, refund_id=f"r-{key}"),
        step("refund.approved", key, refund_id=f"r-{key}"),
        step("refund.completed", key, amount=200, refund_id=f"r-{key}", beneficiaries=share),
        step("chargeback.opened", key, amount=300, chargeback_id=f"c-{key}", fee_minor="15"),
        step("chargeback.won", key, amount=300, chargeback_id=f"c-{key}", fee_minor="15"),
        step("settlement.confirmed", key, amount=600, settlement_id=f"t-{key}", fee_minor="9"),
        step("settlement.finality_confirmed", key, amount=591, settlement_id=f"t-{key}"),
    ]


def called_off(key: str) -> list[Message]:
    """A settlement that fails, a refund that fails, and a void that comes before, between or after them."""
    seller = f"seller-{key}"
    return [
        step("payment.intent_created", key, amount=500, method="card"),
        captured(key, 500, {seller: 300, "other": 200}),
        step("refund.requested", key, amount=500, refund_id=f"r-{key}"),
        step("refund.failed", key, refund_id=f"r-{key}", failure_reason="no_luck"),
        step("settlement.confirmed", key, amount=500, settlement_id=f"t-{key}"),
        step("settlement.failed", key, settlement_id=f"t-{key}", failure_reason="no_luck"),
        step("payment.voided", key),
    ]


STORIES = {"in_steps": in_steps, "called_off": called_off}


def dealt(random: Random) -> tuple[dict[str, list[str]], list[list[Message]]]:
    """Order keys of each story, the one in its order first; and batches in which the stories come mixed."""
    keys: dict[str, list[str]] = {}
    queues: list[list[Message]] = []
    for name, story in STORIES.items():
        keys[name] = [f"{name}-{number}" for number in range(1 + SHUFFLES)]
        for key in keys[name]:
            events = story(key)
            if key != keys[name][0]:
                random.shuffle(events)
            queues.append(events)
    batches: list[list[Message]] = []
    while queues:
        batch: list[Message] = []
        for queue in queues:
            taken = random.randint(0, 4)
            batch += queue[:taken]
            del queue[:taken]
        batches.append(batch)
        queues = [queue for queue in queues if queue]
    return keys, [batch for batch in batches if batch]


def end_of(story: PaymentStory) -> Mapping[str, object]:
    """What a payment comes to, whatever it is called and wherever its events stand."""
    payment = asdict(story.payment)
    places = {"order_key", "last_position", "entry"}
    parts = sorted((part.kind, part.state, part.amount.minor, part.fee, part.failure_reason) for part in story.parts)
    return {**{name: value for name, value in payment.items() if name not in places}, "parts": parts}


def refusals(story: PaymentStory) -> Sequence[str]:
    """Codes of what was refused for good: what had only to wait was accepted since."""
    return [event.code for event in story.timeline.events if event.outcome == "REJECTED"]


@pytest.mark.parametrize("seed", [7])
def test_every_order_of_events_ends_alike_or_says_why_not(database: TestDatabase, seed: int) -> None:
    keys, batches = dealt(Random(seed))
    with posting(database) as ledger:
        for batch in batches:
            ledger.post(batch)

    async def project() -> None:
        side = ReadSide(database)
        await side.create_topic()
        await side.relay_all()
        await side.project_all()

    asyncio.run(project())
    with reading_pool(database) as pool:
        with snapshot(pool, BOOK, reads=Reads.PAYMENTS) as at:
            stories = {key: payment_story(at, key, NOW) for of_story in keys.values() for key in of_story}
        with snapshot(pool, BOOK, reads=Reads.BENEFICIARIES) as at:
            earned = {key: beneficiary(at, f"wallet:seller:seller-{key}") for key in keys["in_steps"]}
    assert not refusals(stories["in_steps-0"])
    for name, of_story in keys.items():
        expected = end_of(stories[of_story[0]])
        alike = [key for key in of_story[1:] if end_of(stories[key]) == expected]
        for key in of_story[1:]:
            assert key in alike or refusals(stories[key]), (key, end_of(stories[key]), expected)
        # All that can wait heals: where a story refuses nothing in its order, nothing is refused in any other.
        assert len(alike) == SHUFFLES if name == "in_steps" else alike
    for key in keys["in_steps"]:
        one = earned[key]
        assert (one.earned.amount.minor, one.commission.amount.minor, one.refunded.amount.minor) == (900, 80, 180)
        assert (one.disputed.amount.minor, one.available.amount.minor) == (0, 720)
    assert_invariants(database.dsn())
