"""Puts the publisher of webhooks together."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from consumers.process import labels_for
from consumers.settings import MappingSettings, WebhooksProcess
from consumers.transports import choose_transport
from consumers.webhooks.mapping import EndpointMapping, WebhookMapper
from consumers.webhooks.notices import NoticeMetrics, NoticeTeller
from consumers.webhooks.publisher import PublisherMetrics, WebhookPublisher
from consumers.webhooks.stored import read_scales
from ledger_core.store.connection import Role, connect


class WebhookMetrics(PublisherMetrics, NoticeMetrics, Protocol):
    """What both tasks report."""


async def run_webhooks(settings: WebhooksProcess, metrics: WebhookMetrics, stop: asyncio.Event) -> None:
    """The publisher of webhooks, and beside it the teller of what happens to them, until `stop`."""
    dsn = settings.postgres_dsn.get_secret_value()
    connections = partial(connect, dsn, Role.PUBLISHER)
    transport = choose_transport(settings)
    endpoints = {name: mapping_of(endpoint) for name, endpoint in settings.webhooks.items()}

    def scales() -> Mapping[str, int]:
        with connections() as connection:
            return read_scales(connection)

    mapper = WebhookMapper(settings.payments_topic, scales, endpoints)
    label = labels_for(settings.fault_kill_at)
    sink = transport.sink("ledger-webhooks", Role.PUBLISHER)
    publisher = WebhookPublisher(connections, sink, mapper, labels=label, metrics=metrics)
    notices = transport.sink("ledger-webhook-notices", Role.PUBLISHER)
    teller = NoticeTeller(connections, notices, settings.webhooks_topic, labels=label, metrics=metrics)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publisher.run(stop))
        tasks.create_task(teller.run(stop))


def mapping_of(settings: MappingSettings) -> EndpointMapping:
    """What an endpoint's settings say of its events."""
    return EndpointMapping(
        payout_account=settings.payout_account,
        captures_at_once=settings.captures_at_once,
        beneficiary_account=settings.beneficiary_account,
        test_mode=settings.test_mode,
    )
