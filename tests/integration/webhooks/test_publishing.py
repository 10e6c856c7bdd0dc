"""The publisher on a real database: in order, without gaps, at least once, and nothing is lost or stuck."""

import asyncio
import threading
from collections.abc import Callable

import pytest
from psycopg import errors

from consumers.processors.model import Context, Json, Mapped, Reason, Recorded
from consumers.processors.registry import ADAPTERS
from consumers.transport.ports import SendFailed
from consumers.webhooks.mapping import EndpointMapping
from consumers.webhooks.publisher import LABELS
from ledger_core.operations.assets import add_asset
from ledger_core.store.connection import Role, connect
from tests.support.processor_webhooks import adyen_item, charge, held_charge, paypal, paypal_thing, refund, stripe
from tests.support.publishing import Publishing, open_publishing
from tests.support.webhook_shop import WebhookShop

pytestmark = pytest.mark.postgres


class Crash(Exception):
    """Stands for the death of the process at a labelled point."""


def crash_at(label: str) -> Callable[[str], None]:
    def strike(reached: str) -> None:
        if reached == label:
            raise Crash(label)

    return strike


@pytest.fixture
def publishing(shop: WebhookShop) -> Publishing:
    return open_publishing(shop.database)


def captures(shop: WebhookShop, *numbers: int) -> None:
    for number in numbers:
        thing = charge(id=f"ch_{number}", payment_intent=f"pi_{number}")
        assert shop.stripe(stripe("charge.captured", thing, event_id=f"evt_{number}")).status_code == 200


def processed(shop: WebhookShop) -> list[tuple[object, ...]]:
    return shop.rows("SELECT number, attempt, outcome, code FROM webhook.processed ORDER BY endpoint, number, attempt")


def test_webhooks_become_events_on_the_topic_in_their_order(shop: WebhookShop, publishing: Publishing) -> None:
    shop.stripe(stripe("charge.succeeded", held_charge(), event_id="evt_1"))
    shop.stripe(stripe("charge.captured", charge(), event_id="evt_2"))
    shop.stripe(stripe("refund.created", refund(), event_id="evt_3"))
    assert publishing.publish_all() == 3
    assert publishing.sent_ids() == [
        "payment-authorized-ch_1", "payment-authorized-ch_1", "payment-captured-ch_1", "refund-requested-re_1",
        "payment-refunded-re_1",
    ]  # fmt: skip
    captured = publishing.sent()[2]
    assert captured == {
        "specversion": "1.0", "id": "payment-captured-ch_1", "source": "/processors/stripe",
        "type": "payment.captured.v1", "time": "2025-11-21T08:46:53Z", "subject": "stripe:pi_1", "ledgerbook": "shop",
        "content-type": "application/json", "key": "stripe:pi_1",
        "data": {
            "amount_minor": "10000", "currency": "EUR", "gateway_response": "succeeded",
            "gateway_transaction_id": "ch_1", "method": "card", "payment_id": "stripe:pi_1",
        },
    }  # fmt: skip
    assert shop.rows("SELECT received, published FROM webhook.feed") == [(3, 3)]
    assert shop.rows("SELECT events FROM webhook.processed WHERE number = 2") == [
        (
            [
                {"type": "payment.authorized.v1", "id": "payment-authorized-ch_1", "order_key": "stripe:pi_1"},
                {"type": "payment.captured.v1", "id": "payment-captured-ch_1", "order_key": "stripe:pi_1"},
            ],
        )
    ]
    assert publishing.publish_all() == 0
    assert publishing.metrics.processed == {("stripe", "PUBLISHED", ""): 3}


def test_webhooks_of_every_processor_are_published(shop: WebhookShop, publishing: Publishing) -> None:
    captures(shop, 1)
    shop.adyen(adyen_item("CAPTURE"))
    shop.paypal(paypal("PAYMENT.CAPTURE.COMPLETED", paypal_thing("C1")))
    event = {
        "specversion": "1.0", "id": "own-1", "source": "/processors/stripe", "type": "payment.voided.v1",
        "subject": "own-1", "time": "2025-11-21T08:46:53Z", "data": {"payment_id": "own-1"},
    }  # fmt: skip
    shop.cloud_event(event, "msg_1")
    publishing.publish_all()
    assert {(event["source"], event["id"]) for event in publishing.sent()} == {
        ("/processors/stripe", "payment-authorized-ch_1"), ("/processors/stripe", "payment-captured-ch_1"),
        ("/processors/adyen", "payment-captured-CAPTURE1"), ("/processors/paypal", "payment-intent-created-C1"),
        ("/processors/paypal", "payment-captured-C1"), ("/services/cloudevents", "own-1"),
    }  # fmt: skip


def test_what_has_no_event_is_recorded_by_name_and_what_cannot_be_mapped_stops_nothing(
    shop: WebhookShop, publishing: Publishing
) -> None:
    shop.stripe(stripe("customer.created", {}, event_id="evt_1"))
    shop.stripe(stripe("transfer.created", {}, event_id="evt_2"))
    shop.stripe(stripe("charge.captured", charge(currency="xts"), event_id="evt_3"))
    captures(shop, 4)
    publishing.publish_all()
    assert processed(shop) == [
        (1, 1, "RECORDED", "TYPE_UNKNOWN"), (2, 1, "RECORDED", "NO_EVENT_TYPE"),
        (3, 1, "UNMAPPABLE", "CURRENCY_UNKNOWN"), (4, 1, "PUBLISHED", ""),
    ]  # fmt: skip
    assert publishing.captures() == ["payment-captured-ch_4"]


def test_what_the_processor_calls_a_test_is_posted_only_where_the_endpoint_is_one_for_tests(
    shop: WebhookShop, publishing: Publishing
) -> None:
    shop.stripe(stripe("charge.succeeded", charge(), livemode=False))
    shop.adyen(adyen_item("CAPTURE"), live="false")
    publishing.publish_all()
    assert processed(shop) == [(1, 1, "RECORDED", "TEST_MODE")] * 2
    assert publishing.sent() == []
    shop.stripe(stripe("charge.succeeded", charge(id="ch_2"), event_id="evt_2", livemode=False))
    publishing.publish_all(endpoints={"stripe": EndpointMapping(test_mode=True)})
    assert publishing.captures() == ["payment-captured-ch_2"]


def test_an_adapter_that_fails_by_mistake_stops_nothing(shop: WebhookShop, publishing: Publishing) -> None:
    def broken(webhook: Json, context: Context) -> Mapped:
        raise ZeroDivisionError

    captures(shop, 1)
    publishing.publish_all(adapters={**ADAPTERS, "stripe": broken})
    assert processed(shop) == [(1, 1, "UNMAPPABLE", "ADAPTER_FAILED")]


def test_an_asset_that_was_added_meanwhile_is_known(shop: WebhookShop, publishing: Publishing) -> None:
    captures(shop, 1)

    async def work() -> None:
        publisher = publishing.publisher()
        await publisher.publish_once()
        with connect(shop.database.dsn(), Role.POSTER) as connection:
            add_asset(connection, "XTS", scale=3, name="for tests", reason="a test")
        shop.stripe(stripe("charge.captured", charge(currency="xts", id="ch_2"), event_id="evt_2"))
        await publisher.publish_once()
        await publisher.close()

    asyncio.run(work())
    assert publishing.sent()[-1]["data"]["amount_minor"] == "100000"  # type: ignore[index]


@pytest.mark.parametrize("label", LABELS)
def test_a_crash_at_any_point_repeats_and_never_skips(shop: WebhookShop, publishing: Publishing, label: str) -> None:
    captures(shop, 1, 2)
    with pytest.raises(Crash):
        publishing.publish_all(crash_at(label))
    captures(shop, 3)
    publishing.publish_all()
    ids = publishing.captures()
    assert list(dict.fromkeys(ids)) == [f"payment-captured-ch_{number}" for number in (1, 2, 3)]
    assert (len(ids) > 3) is (label == "webhooks.sent")
    assert [row[0] for row in processed(shop)] == [1, 2, 3]


@pytest.mark.parametrize("fault", ["send_fails_after", "send_lost_acknowledgement"])
def test_a_send_that_fails_is_sent_again_from_the_feeds_place(
    shop: WebhookShop, publishing: Publishing, fault: str
) -> None:
    captures(shop, 1, 2)
    setattr(publishing.log.faults, fault, 1)
    with pytest.raises(SendFailed):
        publishing.publish_all()
    assert processed(shop) == []
    publishing.publish_all()
    assert list(dict.fromkeys(publishing.captures())) == ["payment-captured-ch_1", "payment-captured-ch_2"]
    assert shop.rows("SELECT received, published FROM webhook.feed") == [(2, 2)]


def test_health_changes_while_the_topic_is_away_and_when_it_is_back(shop: WebhookShop, publishing: Publishing) -> None:
    captures(shop, 1)

    async def work() -> None:
        stop = asyncio.Event()
        publisher = publishing.publisher()
        running = asyncio.create_task(publisher.run(stop))
        publishing.log.faults.send_fails_after = 0
        while not shop.rows("SELECT FROM webhook.health WHERE aspect = 'publishing' AND healthy"):
            assert not running.done()
            await asyncio.sleep(0.01)
        stop.set()
        await running

    asyncio.run(work())
    changes = shop.rows("SELECT healthy, reason FROM webhook.health WHERE aspect = 'publishing' ORDER BY change")
    assert changes == [(False, "SendFailed"), (True, "")]
    assert publishing.metrics.healthy["stripe", "publishing"] is True


def test_mapping_is_unwell_while_the_latest_webhook_cannot_be_mapped(shop: WebhookShop, publishing: Publishing) -> None:
    for number, currency in enumerate(["eur", "xts", "xts", "eur"]):
        shop.stripe(stripe("charge.captured", charge(currency=currency, id=f"ch_{number}"), event_id=f"evt_{number}"))
        publishing.publish_all()
    changes = shop.rows("SELECT healthy, reason FROM webhook.health WHERE aspect = 'mapping' ORDER BY change")
    assert changes == [(True, ""), (False, "CURRENCY_UNKNOWN"), (True, "")]


def test_two_publishers_at_once_repeat_and_settle_once(shop: WebhookShop, publishing: Publishing) -> None:
    captures(shop, *range(12))
    threads = [threading.Thread(target=publishing.publish_all) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(dict.fromkeys(publishing.captures())) == [f"payment-captured-ch_{number}" for number in range(12)]
    assert [row[0] for row in processed(shop)] == list(range(1, 13))


def test_webhooks_received_while_others_are_published_are_all_published(
    shop: WebhookShop, publishing: Publishing
) -> None:
    """Tailing `id > last` loses rows under concurrent writers; here numbers are in commit order."""
    done = threading.Event()

    def publish() -> None:
        while not done.is_set():
            publishing.publish_all()
        publishing.publish_all()

    publisher = threading.Thread(target=publish)
    senders = [threading.Thread(target=captures, args=(shop, *range(n, 200, 4))) for n in range(4)]
    for thread in (publisher, *senders):
        thread.start()
    for sender in senders:
        sender.join()
    done.set()
    publisher.join()
    numbers = [row[0] for row in shop.rows("SELECT event_id FROM webhook.received ORDER BY number")]
    assert publishing.captures() == [f"payment-captured-ch_{event_id.removeprefix('evt_')}" for event_id in numbers]
    assert len(numbers) == 200


REFUSED = [
    "UPDATE webhook.received SET body = ''", "DELETE FROM webhook.processed", "INSERT INTO webhook.received SELECT",
    "UPDATE webhook.feed SET received = 9", "INSERT INTO webhook.replay SELECT", "SELECT * FROM ledger.event",
    "INSERT INTO ledger.inbox SELECT", "DELETE FROM transport.segment",
]  # fmt: skip


@pytest.mark.parametrize("statement", REFUSED)
def test_the_publisher_may_publish_and_nothing_else(shop: WebhookShop, statement: str) -> None:
    with connect(shop.database.dsn(), Role.PUBLISHER) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_recorded_webhooks_say_nothing_about_health(shop: WebhookShop, publishing: Publishing) -> None:
    shop.stripe(stripe("customer.created", {}, event_id="evt_1"))
    publishing.publish_all()
    assert shop.rows("SELECT FROM webhook.health WHERE aspect = 'mapping'") == []
    assert ADAPTERS["stripe"](stripe("customer.created", {}), Context({})) == Recorded(Reason.TYPE_UNKNOWN)
