"""What happens to webhooks and their adapters is told on a topic: all of it, in order, and again after a crash."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg import errors
from pydantic import TypeAdapter

from consumers.metrics import ConsumerMetrics
from consumers.process import no_fault
from consumers.transport.memory import MemoryLog, MemorySink
from consumers.transport.ports import Partition, Record, SendFailed, TransportUnavailable
from consumers.webhooks.mapping import WebhookMapper
from consumers.webhooks.notices import LABELS, NoticeTeller
from consumers.webhooks.publisher import WebhookPublisher
from consumers.webhooks.stored import read_scales
from ledger_core.store.connection import Role, connect
from schemas.events.registry import WEBHOOK_TYPES
from tests.support.processor_webhooks import charge, stripe
from tests.support.webhook_shop import WebhookShop
from tests.support.webhook_signing import JSON

pytestmark = pytest.mark.postgres
PAYMENTS, NOTICES = "payments", "webhooks"


class Crash(Exception):
    """Stands for the death of the process at a labelled point."""


def crash_at(label: str) -> Callable[[str], None]:
    def strike(reached: str) -> None:
        if reached == label:
            raise Crash(label)

    return strike


def captured(number: int, currency: str = "eur") -> dict[str, object]:
    thing = charge(id=f"ch_{number}", payment_intent=f"pi_{number}", currency=currency)
    return stripe("charge.captured", thing, event_id=f"evt_{number}")


@dataclass
class Telling:
    """A publisher and a teller of one database, over a log in memory."""

    shop: WebhookShop
    log: MemoryLog = field(default_factory=MemoryLog)
    metrics: ConsumerMetrics = field(default_factory=ConsumerMetrics)

    def connect(self) -> psycopg.Connection:
        return connect(self.shop.database.dsn(), Role.PUBLISHER)

    def create(self, topic: str) -> None:
        asyncio.run(self.log.ensure_topics({topic: 1}))

    def publish(self) -> None:
        async def work() -> None:
            with self.connect() as connection:
                scales = read_scales(connection)
            mapper = WebhookMapper(PAYMENTS, lambda: scales)
            publisher = WebhookPublisher(self.connect, MemorySink(self.log), mapper, metrics=self.metrics)
            await publisher.publish_once()
            await publisher.close()

        asyncio.run(work())

    def tell(self, labels: Callable[[str], None] = no_fault) -> int:
        async def work() -> int:
            sink = MemorySink(self.log)
            teller = NoticeTeller(self.connect, sink, NOTICES, metrics=self.metrics, labels=labels)
            try:
                return await teller.tell_once()
            finally:
                await teller.close()

        return asyncio.run(work())

    def told(self) -> list[Record]:
        return list(self.log.log_of(Partition(NOTICES, 0)).records)

    def ids(self) -> list[str]:
        return [attributes(record)["id"] for record in self.told()]

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0


def attributes(record: Record) -> dict[str, str]:
    return {name.removeprefix("ce_"): value.decode() for name, value in record.headers}


@pytest.fixture
def telling(shop: WebhookShop) -> Telling:
    telling = Telling(shop)
    telling.create(PAYMENTS)
    telling.create(NOTICES)
    return telling


def test_everything_that_happens_to_webhooks_is_told_and_counted(shop: WebhookShop, telling: Telling) -> None:
    for _ in range(3):
        shop.post("stripe", b"{}", JSON)
    for document in (captured(1), captured(2, "xts"), captured(1)):
        assert shop.stripe(document).status_code == 200
    telling.publish()
    assert telling.tell() == 9
    assert telling.ids() == [
        "adapter.health_changed:stripe:signatures:1", "webhook.received:stripe:1:1",
        "adapter.health_changed:stripe:signatures:2", "webhook.received:stripe:2:1",
        "webhook.duplicate_dropped:stripe:1:2", "webhook.processed:stripe:1:1", "webhook.processed:stripe:2:1",
        "adapter.health_changed:stripe:publishing:1", "adapter.health_changed:stripe:mapping:1",
    ]  # fmt: skip
    for record in telling.told():
        said = attributes(record)
        assert (said["source"], said["ledgerbook"], record.key) == ("/webhooks/stripe", "shop", b"shop/stripe")
        TypeAdapter(WEBHOOK_TYPES[said["type"]]).validator.validate_json(record.value or b"")
    published, unmappable = (json.loads(record.value or b"") for record in telling.told()[5:7])
    assert (published["outcome"], published["events"][-1]["id"]) == ("PUBLISHED", "payment-captured-ch_1")
    assert (unmappable["outcome"], unmappable["code"]) == ("UNMAPPABLE", "CURRENCY_UNKNOWN")
    assert telling.tell() == 0
    assert telling.counted("ledger_webhook_notices_sent_total") == 9
    assert telling.counted("ledger_webhooks_processed_total", endpoint="stripe", outcome="PUBLISHED", code="") == 1
    mapping = {"endpoint": "stripe", "aspect": "mapping"}
    assert telling.counted("ledger_adapter_health_changes_total", **mapping, healthy="false") == 1
    assert telling.counted("ledger_adapter_healthy", **mapping) == 0
    metrics = shop.client.get("/metrics").text
    for sample in (
        'ledger_webhooks_received_total{endpoint="stripe"} 2.0',
        'ledger_webhooks_duplicates_dropped_total{endpoint="stripe"} 1.0',
        'ledger_adapter_health_changes_total{aspect="signatures",endpoint="stripe",healthy="false"} 1.0',
        'ledger_adapter_health_changes_total{aspect="signatures",endpoint="stripe",healthy="true"} 1.0',
        'ledger_adapter_healthy{aspect="signatures",endpoint="stripe"} 1.0',
    ):
        assert sample in metrics


@pytest.mark.parametrize("label", LABELS)
def test_a_crash_at_any_point_tells_again_under_the_same_id_and_loses_nothing(
    shop: WebhookShop, telling: Telling, label: str
) -> None:
    wanted = [f"webhook.received:stripe:{number}:1" for number in (1, 2, 3)]
    shop.stripe(captured(1))
    shop.stripe(captured(2))
    with pytest.raises(Crash):
        telling.tell(crash_at(label))
    shop.stripe(captured(3))
    telling.tell()
    told = [event_id for event_id in telling.ids() if event_id.startswith("webhook.")]
    assert list(dict.fromkeys(told)) == wanted
    assert (len(told) > len(wanted)) is (label == "notices.sent")


def test_a_topic_that_cannot_be_written_keeps_what_is_to_be_told_and_payments_go_on(shop: WebhookShop) -> None:
    telling = Telling(shop)
    telling.create(PAYMENTS)
    shop.stripe(captured(1))
    with pytest.raises(TransportUnavailable, match="missing"):
        telling.tell()
    telling.publish()
    telling.create(NOTICES)
    telling.log.faults.send_fails_after = 0
    with pytest.raises(SendFailed):
        telling.tell()
    telling.tell()
    assert {"webhook.received:stripe:1:1", "webhook.processed:stripe:1:1"} <= set(telling.ids())
    assert shop.rows("SELECT count(*) FROM webhook.untold") == [(0,)]


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.PUBLISHER, "UPDATE webhook.untold SET detail = '{}'"),
        (Role.PUBLISHER, "TRUNCATE webhook.untold"),
        (Role.INBOX, "SELECT * FROM webhook.untold"),
        (Role.INBOX, "DELETE FROM webhook.untold"),
        (Role.READER, "DELETE FROM webhook.untold"),
    ],
)
def test_a_notice_is_removed_by_the_publisher_alone_and_changed_by_nobody(
    shop: WebhookShop, role: Role, statement: str
) -> None:
    with connect(shop.database.dsn(), role) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())
    if not statement.startswith(("SELECT", "DELETE")):
        with pytest.raises(errors.IntegrityConstraintViolation, match="LOG_IS_APPEND_ONLY"):
            shop.admin.execute(statement.encode())
