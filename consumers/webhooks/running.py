"""Puts the publisher of webhooks together."""

import asyncio
from collections.abc import Mapping

from consumers.process import labels_for
from consumers.settings import MappingSettings, WebhooksProcess
from consumers.transports import choose_transport
from consumers.webhooks.mapping import EndpointMapping, WebhookMapper
from consumers.webhooks.publisher import PublisherMetrics, WebhookPublisher
from consumers.webhooks.stored import read_scales
from ledger_core.store.connection import Role, connect


async def run_webhooks(settings: WebhooksProcess, metrics: PublisherMetrics, stop: asyncio.Event) -> None:
    """The publisher of webhooks, until `stop`."""
    dsn = settings.postgres_dsn.get_secret_value()
    sink = choose_transport(settings).sink("ledger-webhooks", Role.PUBLISHER)
    endpoints = {name: mapping_of(endpoint) for name, endpoint in settings.webhooks.items()}

    def scales() -> Mapping[str, int]:
        with connect(dsn, Role.PUBLISHER) as connection:
            return read_scales(connection)

    mapper = WebhookMapper(settings.payments_topic, scales, endpoints)
    label = labels_for(settings.fault_kill_at)
    await WebhookPublisher(lambda: connect(dsn, Role.PUBLISHER), sink, mapper, labels=label, metrics=metrics).run(stop)


def mapping_of(settings: MappingSettings) -> EndpointMapping:
    """What an endpoint's settings say of its events."""
    return EndpointMapping(
        payout_account=settings.payout_account,
        captures_at_once=settings.captures_at_once,
        beneficiary_account=settings.beneficiary_account,
        test_mode=settings.test_mode,
    )
