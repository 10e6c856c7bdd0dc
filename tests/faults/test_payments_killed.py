"""SIGKILL of the real payments process at each labelled point: nothing lost, nothing twice, nothing out of order."""

import asyncio
import signal
from uuid import uuid4

import pytest

from consumers.settings import PAYMENTS_TOPIC
from consumers.transport.kafka import KafkaAdmin, KafkaSink
from consumers.transport.ports import Outgoing, Sink
from consumers.transport.postgres_log import PostgresLogAdmin, PostgresLogSink
from deploy.demo.messages import Message
from ledger_core.store.poster import LABELS
from tests.support.account_events import opened
from tests.support.hold_events import placed, released, taken
from tests.support.postings import CHART, Scene, authorized, captured, event, garbage, paid_out, refunded, voided
from tests.support.processes import PATIENCE_SECONDS, payments_process

pytestmark = [pytest.mark.postgres, pytest.mark.fault]

PLAIN = [
    *(authorized(f"o-{n}", 100) for n in range(20)),
    *(captured(f"o-{n}", 100, to=f"wallet:seller:{n % 3}") for n in range(20)),
    captured("o-1", 100, to="wallet:seller:1"),
]
"""Nothing can be refused: decided over columns."""

MIXED = [
    *PLAIN, refunded("late", 40), voided("o-2"), captured("zero", 0), garbage(), captured("late"), paid_out("p-1"),
    placed("h-1", 100), taken("h-1", 40), placed("h-2", 30), released("h-2"),
]  # fmt: skip
"""Refused, parked, healed, mirrored and held: decided one by one."""

AFTERWARDS = captured("o-afterwards")
"""Sent when the worker is dead: its successor has something to do wherever the first one got to."""

OWN_TO_COLUMNS = ("inbox", "subjects", "heads", "entries", "before_commit", "after_commit")
CONSUMER_LABELS = (*LABELS, "before_kafka_commit")


CONSUMED = "SELECT count(*) = 1 FROM ledger.source_position WHERE next_offset = %s"


def verified(beneficiary: str) -> Message:
    ref = {"iban": "GE29NB0000000101904917"}
    data = {"beneficiary": beneficiary, "status": "VERIFIED", "rails": ["sepa"], "bank_account_ref": ref}
    return event("settlement_profile.updated.v1", beneficiary, f"profile-{beneficiary}", data)


async def send(sink: Sink, messages: list[Message], topic: str) -> None:
    await sink.start()
    try:
        await sink.send([Outgoing(topic, m.key, m.value, m.headers, partition=0) for m in messages])
    finally:
        await sink.stop()


async def fill_embedded_log(dsn: str, messages: list[Message]) -> None:
    admin = PostgresLogAdmin(dsn)
    await admin.ensure_topics({PAYMENTS_TOPIC: 1})
    await admin.close()
    await send(PostgresLogSink(dsn), messages, PAYMENTS_TOPIC)


def assert_nothing_lost_or_doubled(scene: Scene, messages: list[Message]) -> None:
    """The log is what these messages leave in a calm book, where nothing happens, and what came afterwards is in it."""
    scene.create_book("calm")
    scene.post(*(_in_book("calm", message) for message in messages))
    log, afterwards = scene.log_of(), "voucher.posted captured-o-afterwards"
    assert [event for event in log if event != afterwards] == scene.log_of("calm")
    assert log.count(afterwards) == 1


def _in_book(book: str, message: Message) -> Message:
    headers = [(name, book.encode() if name == "ce_ledgerbook" else value) for name, value in message.headers]
    return Message(message.key, tuple(headers), message.value)


@pytest.mark.parametrize(
    ("label", "messages"),
    [
        *(pytest.param(label, PLAIN, id=f"columns-{label}") for label in OWN_TO_COLUMNS),
        *(pytest.param(label, MIXED, id=f"exact-{label}") for label in CONSUMER_LABELS),
    ],
)
def test_a_worker_killed_at_any_point_leaves_what_its_successor_needs(
    scene: Scene, label: str, messages: list[Message]
) -> None:
    asyncio.run(fill_embedded_log(scene.dsn, messages))
    with payments_process(scene.dsn, group="first", kill_at=label) as first:
        assert first.wait() == -signal.SIGKILL, f"the process never came to {label}"
    asyncio.run(send(PostgresLogSink(scene.dsn), [AFTERWARDS], PAYMENTS_TOPIC))
    with payments_process(scene.dsn, group="second") as second:
        scene.until(CONSUMED, len(messages) + 1, patience_seconds=PATIENCE_SECONDS)
        assert second.end() == 0
    assert_nothing_lost_or_doubled(scene, messages)


def test_every_label_stands_in_the_list_and_every_name_in_the_list_is_a_label(scene: Scene) -> None:
    """A point that is not listed would never be tested; one that is never reached would test nothing."""
    seen: list[str] = []
    worker = scene.worker(0, label=seen.append)
    scene.topic.send(*MIXED)
    worker.work()
    assert tuple(dict.fromkeys(seen)) == LABELS


def test_what_an_account_woke_is_decided_once_though_who_opened_it_was_killed_before(scene: Scene) -> None:
    """The opening is committed; what waited for it would have been decided in the transaction after that."""
    scene.post(captured("o-1", to="vault:1"), refunded("o-1", 40, of="vault:1"))
    asyncio.run(fill_embedded_log(scene.dsn, [opened("vault:1")]))
    with payments_process(scene.dsn, group="first", kill_at="after_commit") as first:
        assert first.wait() == -signal.SIGKILL
    assert (scene.vouchers(), scene.log_of()[-1]) == (0, "fact.recorded opened-vault:1")
    with payments_process(scene.dsn, group="second") as second, payments_process(scene.dsn, group="third") as third:
        scene.until("SELECT voucher_no = 2 FROM ledger.book WHERE code = 'shop'", patience_seconds=PATIENCE_SECONDS)
        assert (second.end(), third.end()) == (0, 0)
    assert scene.log_of()[-2:] == ["voucher.posted captured-o-1 2", "voucher.posted refunded-o-1 2"]


def test_what_a_profile_woke_is_decided_though_who_recorded_it_was_killed_before(scene: Scene) -> None:
    """The same of a profile, by whichever process starts next."""
    scene.apply_chart({**CHART, "marketplace": {"require_profiles": True}})
    scene.post(captured("o-1"))
    asyncio.run(fill_embedded_log(scene.dsn, [verified("wallet:seller:1")]))
    with payments_process(scene.dsn, group="first", kill_at="after_commit") as first:
        assert first.wait() == -signal.SIGKILL
    assert scene.log_of() == [
        "chart.applied", "event.parked captured-o-1 SELLER_PAYOUT_PROFILE_MISSING",
        "fact.recorded profile-wallet:seller:1",
    ]  # fmt: skip
    with payments_process(scene.dsn, group="second") as second:
        scene.until("SELECT voucher_no = 1 FROM ledger.book WHERE code = 'shop'", patience_seconds=PATIENCE_SECONDS)
        assert second.end() == 0
    assert scene.log_of()[-1] == "voucher.posted captured-o-1 2"


@pytest.mark.kafka
@pytest.mark.parametrize("label", ["fence", "before_commit", "after_commit", "before_kafka_commit"])
def test_a_worker_on_real_kafka_killed_at_any_point_leaves_what_its_successor_needs(
    scene: Scene, kafka_bootstrap: str, label: str
) -> None:
    topic = f"payments-{uuid4().hex[:8]}"

    async def fill() -> None:
        await KafkaAdmin(kafka_bootstrap).ensure_topics({topic: 1})
        await send(KafkaSink(kafka_bootstrap), MIXED, topic)

    asyncio.run(fill())
    kafka = {"broker": "kafka", "kafka_bootstrap": kafka_bootstrap, "payments_topic": topic}
    with payments_process(scene.dsn, group=f"{topic}-1", kill_at=label, **kafka) as first:
        assert first.wait() == -signal.SIGKILL, f"the process never came to {label}"
    asyncio.run(send(KafkaSink(kafka_bootstrap), [AFTERWARDS], topic))
    with payments_process(scene.dsn, group=f"{topic}-2", **kafka) as second:
        scene.until(CONSUMED, len(MIXED) + 1, patience_seconds=PATIENCE_SECONDS)
        assert second.end() == 0
    assert_nothing_lost_or_doubled(scene, MIXED)
