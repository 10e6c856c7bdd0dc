"""The fold of exchange rates. The latest one of a pair is the one with the latest time of its own, whenever it was
told; of several of one time the first that was told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from projections.events import FACT_RECORDED, VOUCHER_POSTED, EventState, LedgerEvent

FX_RATE: Final = "fx_rate"


class Pair(NamedTuple):
    book_id: int
    base: str
    counter: str


@dataclass(slots=True)
class RateChange:
    """The latest rate of a pair in a batch, and how many were published."""

    rate: str
    provider: str
    source: str
    published_at: str
    valid_until: str
    """'' where its publisher names none."""
    position: int
    publications: int = 1


@dataclass(slots=True)
class RateRows:
    """By pair; and by book the latest time at which anything took effect."""

    changes: dict[Pair, RateChange] = field(default_factory=dict)
    newest: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.changes) + len(self.newest)


def fold_rates(events: Iterable[LedgerEvent], rows: RateRows) -> None:
    """Changes per pair. Refused events say nothing, and their times mean nothing."""
    newest = rows.newest
    for book_id, position, event_type, _, state in events:
        if event_type == VOUCHER_POSTED:
            effective_at = state["effective_at"]
        elif event_type == FACT_RECORDED:
            effective_at = state["effective_at"]
            if "notice" in state:
                _published(book_id, position, state, rows)
        else:
            continue
        if effective_at > newest.get(book_id, ""):
            newest[book_id] = effective_at


def _published(book_id: int, position: int, state: EventState, rows: RateRows) -> None:
    told = state["notice"]
    if told["kind"] != FX_RATE:
        return
    pair = Pair(book_id, told["base"], told["counter"])
    new = RateChange(
        told["rate"], told["provider"], told["source"], told["published_at"], told.get("valid_until", ""), position
    )
    known = rows.changes.get(pair)
    if known is None:
        rows.changes[pair] = new
        return
    publications = known.publications + 1
    if new.published_at > known.published_at:  # of six decimals and in UTC: their order is the order in time
        rows.changes[pair] = known = new
    known.publications = publications
