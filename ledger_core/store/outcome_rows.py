"""What a batch says of its events once they have their places: positions, sealed blocks, dead letters, answers."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ledger_core.domain.outcomes import Outcome
from ledger_core.store.batch import BatchResult, Decided
from ledger_core.store.columns import POSTGRES_EPOCH_US, Int64s, field_bytes
from ledger_core.store.items import ADDED, FOLLOWER, Item, Prepared
from ledger_core.store.kept_values import kept_of
from ledger_core.store.rows import Layout


def places(layout: Layout, firsts: Sequence[int], voucher_firsts: Sequence[int]) -> tuple[Int64s, Int64s]:
    """Positions and voucher numbers of all events, from those that their books' first ones get; 0 is no voucher."""
    sizes = [span.stop - span.start for span in layout.spans]
    starts = np.repeat(np.array([span.start for span in layout.spans], dtype=np.int64), sizes)
    positions = np.repeat(np.array(firsts, dtype=np.int64), sizes) + np.arange(len(starts), dtype=np.int64) - starts
    running = np.cumsum(layout.is_voucher)
    before = np.repeat(
        np.array([running[span.start] - layout.is_voucher[span.start] for span in layout.spans], dtype=np.int64),
        sizes,
    )
    voucher_nos = (np.repeat(np.array(voucher_firsts, dtype=np.int64), sizes) + running - before) * layout.is_voucher
    return positions, voucher_nos


def block_row(
    book_id: int, numbers: tuple[int, int, int, int, int], hashes: tuple[bytes, bytes, bytes], marks: bytes
) -> bytes:
    """`numbers`: block number, batch, first and last position, recorded at (microseconds since 1970)."""
    *counts, recorded_at_us = numbers
    fields = [value.to_bytes(8, "big") for value in (*counts, recorded_at_us - POSTGRES_EPOCH_US)]
    return b"\0\x0a" + b"".join(map(field_bytes, (book_id.to_bytes(4, "big"), *fields, *hashes, marks)))


def dead_letter(item: Item, position: int, prepared: Prepared) -> dict[str, object]:
    """A refused event as it is kept: with what may be kept of its bytes, its coordinates and why."""
    record = item.incoming.record
    refusal = item.refused
    assert refusal is not None
    incarnations = {(a.topic, a.partition): a.incarnation for a in prepared.advances}
    return {
        "book_id": item.book.book_id, "position": position, "source_id": item.source_id, "event_id": item.event_id,
        "revision": item.revision, "outcome": item.outcome.value, "code": refusal.code.value, "detail": refusal.detail,
        "waits_for": item.waits_for if item.outcome is Outcome.PARKED else "",
        "order_key": item.incoming.order_key, "topic": record.topic, "partition": record.partition,
        "incarnation": incarnations.get((record.topic, record.partition), 1), "log_offset": record.offset,
        "timestamp_ms": record.timestamp, **kept_of(item),
    }  # fmt: skip


def result_of(prepared: Prepared, items: Sequence[Item], positions: list[int], voucher_nos: list[int]) -> BatchResult:
    """The answer for each incoming event, and for each that the batch healed."""
    decided: list[Decided | None] = [None] * len(prepared.incoming)
    healed = []
    for item, position, voucher_no in zip(items, positions, voucher_nos, strict=True):
        if item.arrival in (FOLLOWER, ADDED):
            continue
        refusal = item.refused
        if item.followers:
            refusal = item.at_fault.refused
        outcome = Decided(
            item.outcome,
            item.book.code,
            position,
            voucher_no,
            refusal and refusal.code,
            refusal.detail if refusal else "",
            item.skipped,
        )
        if item.arrival >= 0 and item.revision == 1:
            decided[item.arrival] = outcome
        else:
            healed.append((item.incoming, outcome))
    for replay in prepared.replays:
        incoming = prepared.incoming[replay.arrival]
        decided[replay.arrival] = Decided(Outcome.REPLAYED, incoming.book, 0, 0)
    return BatchResult(decided, healed, vouchers=_vouchers(items, prepared.items))


def _vouchers(items: Sequence[Item], arrivals: Sequence[Item]) -> Counter[tuple[str, str]]:
    """How many of each kind. A slice of the state, which begins with the kind, is counted in C: 0.2 us an event."""
    starts = Counter([item.state[9:41] for item in items if item.outcome is Outcome.POSTED])
    healed: Counter[bytes] = Counter()
    if items is not arrivals:
        healed.update(item.state[9:41] for item in items if item.outcome is Outcome.POSTED and item.revision > 1)
    kinds: Counter[tuple[str, str]] = Counter()
    for start, count in starts.items():
        kind = start.partition(b'"')[0].decode()
        kinds[kind, "posted"] += count - healed[start]
        kinds[kind, "healed"] += healed[start]
    return +kinds
