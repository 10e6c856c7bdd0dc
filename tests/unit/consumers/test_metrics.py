"""Metrics: what was consumed adds up, and no id is a label."""

import urllib.request

from prometheus_client import generate_latest

from consumers.metrics import ConsumerMetrics, serve_metrics
from consumers.transport.ports import Partition
from ledger_core.domain.outcomes import Code, Outcome, SkipReason
from ledger_core.store.batch import Decided


def decided(outcome: Outcome, code: Code | None = None) -> Decided:
    return Decided(outcome, "shop", 1, 0, code)


def test_every_consumed_event_is_counted_under_its_outcome() -> None:
    metrics = ConsumerMetrics()
    batch = [
        decided(Outcome.POSTED),
        decided(Outcome.POSTED),
        decided(Outcome.RECORDED),
        decided(Outcome.REPLAYED),
        decided(Outcome.REJECTED, Code.NOT_JSON),
        decided(Outcome.PARKED, Code.CONTROL_ACCOUNT_MISSING),
        decided(Outcome.SKIPPED)._replace(skipped=SkipReason.SOURCE_NOT_CHOSEN),
    ]
    vouchers = {("capture", "posted"): 2, ("refund", "healed"): 1}
    metrics.batch_posted(batch, vouchers, seconds=0.02)
    metrics.events_skipped({SkipReason.SOURCE_NOT_CHOSEN: 1})
    metrics.limits_crossed(["account.went_negative", "account.went_over", "account.went_negative"])
    sample = metrics.registry.get_sample_value
    counts = {outcome: sample("ledger_events_consumed_total", {"outcome": outcome.value}) or 0 for outcome in Outcome}
    assert sum(counts.values()) == len(batch)
    assert counts[Outcome.POSTED] == 2
    assert sample("ledger_vouchers_posted_total", {"kind": "capture", "status": "posted"}) == 2
    assert sample("ledger_vouchers_posted_total", {"kind": "refund", "status": "healed"}) == 1
    assert sample("ledger_idempotent_replays_total") == 1
    assert sample("ledger_dead_letters_total", {"code": "NOT_JSON"}) == 1
    assert sample("ledger_missing_control_account_total") == 1
    assert sample("ledger_events_skipped_total", {"reason": "SOURCE_NOT_CHOSEN"}) == 1
    assert sample("ledger_account_went_negative_total") == 2
    assert sample("ledger_account_went_over_total") == 1
    assert sample("ledger_posting_duration_seconds_count") == 1


def test_two_processes_in_one_test_do_not_share_metrics() -> None:
    first, second = ConsumerMetrics(), ConsumerMetrics()
    first.relayed(5)
    assert second.registry.get_sample_value("ledger_relayed_events_total") == 0


def test_metrics_are_served_on_loopback() -> None:
    metrics = ConsumerMetrics()
    metrics.lag(Partition("payments.events.v1", 3), 42)
    server, thread = serve_metrics(metrics, 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert 'ledger_consumer_lag_messages{partition="3",topic="payments.events.v1"} 42.0' in text
    assert generate_latest(metrics.registry).decode() == text
