"""What was left out by design is said aloud: one line of the log a reason and batch, and a counter."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog

from ledger_core.domain.incoming import Incoming
from ledger_core.domain.outcomes import Outcome, SkipReason
from ledger_core.store.batch import BatchResult, Decided

log = structlog.get_logger(__name__)

EVENTS_NAMED: Final = 20
"""Events that one line of the log names; the line says how many there were."""


def tell_skipped(events: Sequence[Incoming], result: BatchResult) -> Mapping[str, int]:
    """Says which events of a batch, and of those that had waited, were left out; returns how many by reason."""
    named: dict[str, list[str]] = defaultdict(list)
    for incoming, decided in _pairs(events, result):
        if decided is not None and decided.outcome is Outcome.SKIPPED and decided.skipped is not None:
            named[decided.skipped].append(f"{incoming.book} {incoming.source}#{incoming.event_id}")
    for reason, skipped in named.items():
        log.info("voucher.skipped", reason=reason, count=len(skipped), events=skipped[:EVENTS_NAMED])
    return {reason: len(skipped) for reason, skipped in named.items()}


def _pairs(events: Sequence[Incoming], result: BatchResult) -> Iterator[tuple[Incoming, Decided | None]]:
    if result.decided:  # nobody consumed what a healing decided
        yield from zip(events, result.decided, strict=True)
    for incoming, decided in result.healed:
        if decided.skipped is not SkipReason.DECIDED_ELSEWHERE:
            yield incoming, decided
