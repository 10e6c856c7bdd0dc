"""Prometheus metrics of the webhook inbox. Labels are names of endpoints from the settings, never a sender's word."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge


class InboxMetrics:
    """What the inbox reports. Every endpoint has its rows from the start, so that none is missing for being quiet."""

    def __init__(self, registry: CollectorRegistry, endpoints: Iterable[str] = ()) -> None:
        self.received = Counter("ledger_webhooks_received", "Webhooks stored", ["endpoint"], registry=registry)
        self.duplicates = Counter(
            "ledger_webhooks_duplicates_dropped", "Webhooks that came before", ["endpoint"], registry=registry
        )
        self.refused = Counter(
            "ledger_webhooks_refused", "Webhooks answered with a problem", ["endpoint", "code"], registry=registry
        )
        self.healthy = Gauge(
            "ledger_adapter_healthy",
            "1 while an endpoint's signatures are accepted",
            ["endpoint", "aspect"],
            registry=registry,
        )
        self.health_changes = Counter(
            "ledger_adapter_health_changes",
            "How often an endpoint's signatures began to be refused, or were accepted again",
            ["endpoint", "aspect", "healthy"],
            registry=registry,
        )
        for endpoint in endpoints:
            self.received.labels(endpoint)
            self.duplicates.labels(endpoint)
