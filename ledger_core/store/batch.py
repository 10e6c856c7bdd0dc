"""What goes into the posting transaction and what comes out of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ledger_core.domain.incoming import Incoming
from ledger_core.domain.outcomes import Code, Outcome, SkipReason


@dataclass(slots=True, frozen=True)
class SourceAdvance:
    """How one batch moves one partition (docs/explanation/posting.md). `next_offset` is the consumer's position after
    it, not the last record's offset + 1; `gaps` counts offsets without a record (transaction markers, compaction)."""

    topic: str
    partition: int
    incarnation: int
    from_offset: int
    next_offset: int
    last_offset: int
    last_timestamp_ms: int
    last_hash: bytes
    gaps: int


class Decided(NamedTuple):
    """What became of one incoming event. `position` 0 only for a partition that the fence dropped."""

    outcome: Outcome
    book: str
    position: int
    voucher_no: int
    code: Code | None = None
    detail: str = ""
    skipped: SkipReason | None = None


Vouchers = Mapping[tuple[str, str], int]
"""Number of vouchers by kind, and by whether their event was just consumed (`posted`) or had waited (`healed`)."""


@dataclass(slots=True)
class BatchResult:
    """`decided[i]` belongs to `incoming[i]`; None where the fence dropped its partition: not ours any more.

    `healed` are parked events of earlier batches that this batch made right, in log order.
    """

    decided: Sequence[Decided | None]
    healed: Sequence[tuple[Incoming, Decided]] = field(default_factory=tuple)
    dropped: Sequence[tuple[str, int]] = field(default_factory=tuple)
    woke: Sequence[tuple[str, str]] = field(default_factory=tuple)
    """Books, and what came true in them that parked events may wait for."""
    crossed: Sequence[str] = field(default_factory=tuple)
    """Limits that warn and were crossed: types of the events that tell so."""
    vouchers: Vouchers = field(default_factory=dict)

    def drained(self, strays: Sequence[Incoming]) -> "BatchResult":
        """The same of a batch that nobody consumed: what waited, and what had waited for its book to be created."""
        healed = [(event, one) for event, one in zip(strays, self.decided, strict=True) if one is not None]
        healed += [pair for pair in self.healed if pair[1].skipped is not SkipReason.DECIDED_ELSEWHERE]
        return replace(self, decided=(), healed=healed)
