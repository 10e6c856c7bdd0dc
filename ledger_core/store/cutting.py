"""Cuts a batch that would write more events than a log reference can count into several that do not.

A reference (`batch_id << 16 | ordinal`) has 16 bits for the place in its batch. How many events a batch writes is
known in part before it is posted (each member of a group is one), in part only under lock (what it heals, what has
to be told besides): whoever finds it too large says so, and `Poster.post` posts it in pieces. Each piece moves its
partitions as far as its records go.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ledger_core.domain.incoming import Incoming, Record
from ledger_core.domain.requests import VoucherGroupRequested
from ledger_core.store.batch import BatchResult, SourceAdvance
from ledger_core.store.errors import BatchTooLargeError
from ledger_core.store.positions import record_hash

MAX_BATCH_EVENTS: Final = 1 << 16
"""Events of one batch, healed ones included."""

Partition = tuple[str, int]


class Piece(NamedTuple):
    """Some of a batch's events, one behind the other, and how they move their partitions."""

    incoming: Sequence[Incoming]
    advances: Sequence[SourceAdvance]


def demand_fits(events: int) -> None:
    """Wherever references are made: none may be that of another batch's event."""
    if events > MAX_BATCH_EVENTS:
        raise BatchTooLargeError(MAX_BATCH_EVENTS)


def cut(incoming: Sequence[Incoming], advances: Sequence[SourceAdvance]) -> list[Piece]:
    """At least two pieces, none empty, of at least two events; a group stays whole.

    A piece is half as large as may be, so that there is room for what it heals; where the whole was not larger
    than that it healed more than it brought, and is halved.
    """
    assert len(incoming) > 1
    sizes = [_events_of(event) for event in incoming]
    room = max(1, min(MAX_BATCH_EVENTS, sum(sizes)) // 2)
    runs: list[list[Incoming]] = [[]]
    taken = 0
    for event, size in zip(incoming, sizes, strict=True):
        if runs[-1] and taken + size > room:
            runs.append([])
            taken = 0
        runs[-1].append(event)
        taken += size
    ahead = {(advance.topic, advance.partition): advance for advance in advances}
    pieces = [Piece(run, _advance(run, ahead)) for run in runs[:-1]]
    return [*pieces, Piece(runs[-1], list(ahead.values()))]


def joined(results: Sequence[BatchResult]) -> BatchResult:
    """What came of a batch that was posted in pieces."""
    vouchers: Counter[tuple[str, str]] = Counter()
    for result in results:
        vouchers.update(result.vouchers)
    return BatchResult(
        decided=[decided for result in results for decided in result.decided],
        healed=[pair for result in results for pair in result.healed],
        dropped=tuple(dict.fromkeys(partition for result in results for partition in result.dropped)),
        woke=tuple(dict.fromkeys(name for result in results for name in result.woke)),
        crossed=[name for result in results for name in result.crossed],
        vouchers=vouchers,
    )


def _events_of(event: Incoming) -> int:
    return len(event.fact.vouchers) if isinstance(event.fact, VoucherGroupRequested) else 1


def _advance(run: Sequence[Incoming], ahead: dict[Partition, SourceAdvance]) -> list[SourceAdvance]:
    """How far these records move their partitions; what is ahead of them begins there."""
    counts: Counter[Partition] = Counter()
    last: dict[Partition, Record] = {}
    for event in run:
        partition = event.record.topic, event.record.partition
        counts[partition] += 1
        last[partition] = event.record
    moved = []
    for partition, record in last.items():
        whole = ahead.get(partition)
        if whole is None:  # nobody consumed them: they waited for their book
            continue
        next_offset = record.offset + 1
        gaps = next_offset - whole.from_offset - counts[partition]
        moved.append(
            replace(
                whole, next_offset=next_offset, last_offset=record.offset, last_timestamp_ms=record.timestamp,
                last_hash=record_hash(record), gaps=gaps,
            )
        )  # fmt: skip
        ahead[partition] = replace(whole, from_offset=next_offset, gaps=whole.gaps - gaps)
    return moved
