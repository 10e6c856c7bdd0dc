"""Prometheus metrics of the consumers. Names and labels as users know them; no ids as labels.

Each process has a registry of its own, so that nothing is registered at import and tests see only themselves.
"""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from threading import Thread
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from consumers.transport.ports import Partition
from ledger_core.domain.outcomes import Outcome
from ledger_core.store.batch import Decided, Vouchers
from projections.reconciliation.scan import ScanResult

LOOPBACK: Final = "127.0.0.1"
SCAN_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
BATCH_SECONDS: Final = (0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ConsumerMetrics:
    """What the processes of this package report."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = registry or CollectorRegistry()
        self._events = Counter(
            "ledger_events_consumed",
            "Upstream events by outcome; the outcomes add up to what was consumed",
            ["outcome"],
            registry=registry,
        )
        self._vouchers = Counter("ledger_vouchers_posted", "Vouchers posted", ["kind", "status"], registry=registry)
        self._replays = Counter("ledger_idempotent_replays", "Events that were decided before", registry=registry)
        self._skipped = Counter("ledger_events_skipped", "Events not for us", ["reason"], registry=registry)
        self._dead_letters = Counter("ledger_dead_letters", "Events rejected or parked", ["code"], registry=registry)
        self._missing = Counter(
            "ledger_missing_control_account", "Events parked for want of a control account", registry=registry
        )
        self._crossed = {
            "account.went_negative": Counter(
                "ledger_account_went_negative", "Accounts that fell below a minimum that warns", registry=registry
            ),
            "account.went_over": Counter(
                "ledger_account_went_over", "Accounts that rose above a maximum that warns", registry=registry
            ),
        }
        self._seconds = Histogram(
            "ledger_posting_duration_seconds",
            "Posting of one batch, commit included",
            buckets=BATCH_SECONDS,
            registry=registry,
        )
        self._lag = Gauge(
            "ledger_consumer_lag_messages", "Messages not consumed yet", ["topic", "partition"], registry=registry
        )
        self._lag_seconds = Gauge(
            "ledger_consumer_lag_seconds",
            "How long the message has waited that has waited longest, over all partitions",
            registry=registry,
        )
        self._maintenance = Gauge(
            "ledger_maintenance_mode", "1 while a maintenance row pauses this consumer", registry=registry
        )
        self._halted_books = Gauge(
            "ledger_halted_books",
            "Books that take no postings for now, as far as this consumer has met their events or their rows",
            registry=registry,
        )
        self._relayed = Counter("ledger_relayed_events", "Events acknowledged by the ledger's topic", registry=registry)
        self._relay_waiting = Gauge(
            "ledger_relay_waiting_events", "Committed events still to be relayed", registry=registry
        )
        self._webhooks = Counter(
            "ledger_webhooks_processed",
            "Stored webhooks: published, recorded by name, or unmappable",
            ["endpoint", "outcome", "code"],
            registry=registry,
        )
        self._webhooks_waiting = Gauge(
            "ledger_webhooks_waiting", "Stored webhooks still to be published", registry=registry
        )
        self._adapter_healthy = Gauge(
            "ledger_adapter_healthy",
            "1 while an endpoint's webhooks can be mapped and published",
            ["endpoint", "aspect"],
            registry=registry,
        )
        self._adapter_changes = Counter(
            "ledger_adapter_health_changes",
            "How often an aspect of an endpoint began to fail, or was well again",
            ["endpoint", "aspect", "healthy"],
            registry=registry,
        )
        self._notices = Counter(
            "ledger_webhook_notices_sent", "Events about webhooks acknowledged by their topic", registry=registry
        )
        self._projected = Counter("ledger_projected_events", "Events applied to projections", registry=registry)
        self._projection_lag = Gauge(
            "ledger_projection_lag_positions",
            "Positions a projection is behind the log",
            ["projection"],
            registry=registry,
        )
        self._projector_stopped = Gauge(
            "ledger_projector_stopped_partitions", "Partitions that can't be read on", registry=registry
        )
        self._signed = Counter("ledger_checkpoints_signed", "Checkpoints signed", registry=registry)
        self._unsigned = Counter(
            "ledger_checkpoint_failures", "Books, or whole rounds, that could not be signed", registry=registry
        )

        self._scan_seconds = Histogram(
            "ledger_scan_duration_seconds", "Scan of one book for differences", buckets=SCAN_SECONDS, registry=registry
        )
        self._postponed = Counter(
            "ledger_scans_postponed", "Books, or whole rounds, that could not be scanned when due", registry=registry
        )
        self._findings = Counter(
            "ledger_finding_changes", "Findings opened, reopened, changed and resolved", ["change"], registry=registry
        )

    # ------------------------------------------------------------------ payments consumer

    def batch_posted(self, decided: Sequence[Decided], vouchers: Vouchers, seconds: float | None) -> None:
        """One batch was committed, with so many vouchers by kind and status (posted, healed). `seconds` is None where
        that was found out afterwards."""
        for outcome, count in Tally(one.outcome for one in decided).items():
            self._events.labels(outcome.value).inc(count)
            if outcome is Outcome.REPLAYED:
                self._replays.inc(count)
        for (kind, status), count in vouchers.items():
            self._vouchers.labels(kind, status).inc(count)
        for code, count in Tally(one.code for one in decided if one.code is not None).items():
            self._dead_letters.labels(code.value).inc(count)
            if code == "CONTROL_ACCOUNT_MISSING":
                self._missing.inc(count)
        if seconds is not None:
            self._seconds.observe(seconds)

    def events_skipped(self, reasons: Mapping[str, int]) -> None:
        """How many by reason, those among them that had waited first."""
        for reason, count in reasons.items():
            self._skipped.labels(reason).inc(count)

    def limits_crossed(self, told: Sequence[str]) -> None:
        """`told` are types of events."""
        for name in told:
            self._crossed[name].inc()

    def lag(self, partition: Partition, messages: int) -> None:
        self._lag.labels(partition.topic, str(partition.partition)).set(messages)

    def lag_seconds(self, seconds: float) -> None:
        self._lag_seconds.set(seconds)

    def maintenance(self, active: bool) -> None:
        self._maintenance.set(active)

    def halted_books(self, books: int) -> None:
        self._halted_books.set(books)

    # ------------------------------------------------------------------------------ relay

    def relayed(self, events: int) -> None:
        self._relayed.inc(events)

    def relay_waiting(self, events: int) -> None:
        self._relay_waiting.set(events)

    # ------------------------------------------------------------------------- publisher

    def webhooks_processed(self, endpoint: str, outcome: str, code: str, count: int) -> None:
        """`code` says why no event was published: a name of the mapping's own, never what a webhook says."""
        self._webhooks.labels(endpoint, outcome, code).inc(count)

    def webhooks_waiting(self, count: int) -> None:
        self._webhooks_waiting.set(count)

    def adapter_healthy(self, endpoint: str, aspect: str, healthy: bool) -> None:
        self._adapter_healthy.labels(endpoint, aspect).set(healthy)

    def adapter_health_changed(self, endpoint: str, aspect: str, healthy: bool) -> None:
        self._adapter_changes.labels(endpoint, aspect, str(healthy).lower()).inc()

    def webhook_notices_sent(self, count: int) -> None:
        self._notices.inc(count)

    # -------------------------------------------------------------------------- projector

    def projected(self, events: int) -> None:
        self._projected.inc(events)

    def projection_lag(self, projection: str, positions: int) -> None:
        self._projection_lag.labels(projection).set(positions)

    def projector_stopped(self, partitions: int) -> None:
        self._projector_stopped.set(partitions)

    # ------------------------------------------------------------------------- reconciler

    def book_scanned(self, result: ScanResult, seconds: float) -> None:
        self._scan_seconds.observe(seconds)
        for change, count in result.changes.items():
            self._findings.labels(change.value).inc(count)

    def scan_postponed(self) -> None:
        self._postponed.inc()

    # ----------------------------------------------------------------------------- signer

    def checkpoint_signed(self) -> None:
        self._signed.inc()

    def checkpoint_failed(self) -> None:
        self._unsigned.inc()


def serve_metrics(metrics: ConsumerMetrics, port: int) -> tuple[WSGIServer, Thread]:
    """Answers GET /metrics on the loopback address; port 0 picks a free one."""
    return start_http_server(port, addr=LOOPBACK, registry=metrics.registry)
