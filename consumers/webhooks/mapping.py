"""What becomes of a stored webhook: messages for the payments topic, or a name for why there is none. Pure, but for the
ledger's assets, which are read again when a currency is not among them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import orjson
import structlog

from consumers.processors.model import Adapter, Context, Mapped, Recorded, UnmappableError
from consumers.processors.registry import ADAPTERS
from consumers.transport.ports import Outgoing
from consumers.webhooks.messages import message_of
from consumers.webhooks.stored import Feed, StoredWebhook

log = structlog.get_logger(__name__)

Outcome = Literal["PUBLISHED", "RECORDED", "UNMAPPABLE"]
ADAPTER_FAILED: Final = "ADAPTER_FAILED"


@dataclass(frozen=True, slots=True)
class EndpointMapping:
    """What the settings say of an endpoint's events; see `Context`."""

    payout_account: str = ""
    captures_at_once: bool = False
    beneficiary_account: str = ""
    test_mode: bool = False


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of one webhook. `events` are type, id and order key of each message, as they are stored."""

    webhook: StoredWebhook
    outcome: Outcome
    code: str = ""
    detail: str = ""
    events: tuple[Mapping[str, str], ...] = ()
    messages: tuple[Outgoing, ...] = ()


class WebhookMapper:
    """Maps webhooks of any endpoint. `read_scales` asks the database for the digits of its assets."""

    def __init__(
        self,
        topic: str,
        read_scales: Callable[[], Mapping[str, int]],
        endpoints: Mapping[str, EndpointMapping] | None = None,
        adapters: Mapping[str, Adapter] = ADAPTERS,
    ) -> None:
        self._topic = topic
        self._read_scales = read_scales
        self._endpoints = endpoints or {}
        self._adapters = adapters
        self._scales: Mapping[str, int] = {}

    def process(self, feed: Feed, webhook: StoredWebhook) -> Processed:
        """Never raises for what is in a webhook: one that can't be mapped must not stop those behind it."""
        try:
            mapped = self._map(feed, orjson.loads(webhook.body))
        except UnmappableError as error:
            return Processed(webhook, "UNMAPPABLE", error.code, error.detail)
        except Exception as error:
            log.exception("adapter.failed", endpoint=feed.endpoint, number=webhook.number)
            return Processed(webhook, "UNMAPPABLE", ADAPTER_FAILED, type(error).__name__)
        if isinstance(mapped, Recorded):
            return Processed(webhook, "RECORDED", mapped.reason.value, mapped.about)
        messages = tuple(
            message_of(event, topic=self._topic, book=feed.book, processor=feed.processor, endpoint=feed.endpoint)
            for event in mapped
        )
        events = tuple({"type": each.event_type, "id": each.event_id, "order_key": each.subject} for each in mapped)
        return Processed(webhook, "PUBLISHED", events=events, messages=messages)

    def _map(self, feed: Feed, document: Mapping[str, object]) -> Mapped:
        adapter = self._adapters[feed.processor]
        settings = self._endpoints.get(feed.endpoint, EndpointMapping())
        try:
            return adapter(document, self._context(settings))
        except UnmappableError as error:
            if error.code != "CURRENCY_UNKNOWN":
                raise
        self._scales = self._read_scales()
        return adapter(document, self._context(settings))

    def _context(self, settings: EndpointMapping) -> Context:
        return Context(
            self._scales,
            payout_account=settings.payout_account,
            captures_at_once=settings.captures_at_once,
            beneficiary_account=settings.beneficiary_account,
            test_mode=settings.test_mode,
        )
