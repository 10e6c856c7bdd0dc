"""Holds: money of an account that is promised, then taken whole or in parts, given back, or left to expire.

| | captured | released | expired |
|---|---|---|---|
| PLACED | PARTIALLY_CAPTURED, or CAPTURED when nothing is left or the capture is final | RELEASED | EXPIRED |
| PARTIALLY_CAPTURED | the same | RELEASED | EXPIRED |
| CAPTURED, RELEASED, EXPIRED | refused by that name | refused by that name | nothing happens |

What an open hold still keeps back is its amount less what was captured; it lowers what is available of its account,
and no balance. Time decides nothing here: a hold is expired once the log says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from ledger_core.domain.money import BASIS_POINTS
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.vouchers import Purpose, Side

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOLD_PLACED = "hold.placed"
"""What an event that knows no hold waits for."""


class HoldTerms(NamedTuple):
    """What never changes of a hold, so that it may be read without a lock: `side` is the one its captures post."""

    account: str
    side: Side
    currency: str


class Taker(NamedTuple):
    """An account that gets a part of a capture."""

    account: str
    amount_minor: int
    purpose: int = Purpose.PAYMENT


@dataclass(slots=True)
class HoldPlaced:
    """Money of `account` is promised. `side` None: the one that lowers the account's balance."""

    hold_id: str
    account: str
    amount_minor: int
    currency: str
    side: Side | None = None
    tolerance_bps: int = 0
    expires_at_us: int | None = None
    memo: str = ""


@dataclass(slots=True)
class HoldCaptured:
    """A part of what is held, or all of it, goes to its takers; with `final` the rest is given back.

    `stated_minor` is the sum as the event says it, where it does. `terms` are the hold's, filled in where they are
    known before the lock.
    """

    hold_id: str
    to: tuple[Taker, ...]
    final: bool = False
    stated_minor: int | None = None
    memo: str = ""
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    terms: HoldTerms | None = None

    @property
    def amount_minor(self) -> int:
        return sum(taker.amount_minor for taker in self.to)


@dataclass(slots=True)
class HoldReleased:
    """What is still held is given back."""

    hold_id: str
    reason: str = ""


@dataclass(slots=True)
class HoldConfirmed:
    """What it was placed for is certain; it stays as it is."""

    hold_id: str


HoldFact = HoldPlaced | HoldCaptured | HoldReleased | HoldConfirmed
HOLD_FACTS = (HoldPlaced, HoldCaptured, HoldReleased, HoldConfirmed)


class HoldStatus(StrEnum):
    """Where a hold stands in its life."""

    PLACED = "PLACED"
    PARTIALLY_CAPTURED = "PARTIALLY_CAPTURED"
    CAPTURED = "CAPTURED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


OPEN_STATUSES = frozenset({HoldStatus.PLACED, HoldStatus.PARTIALLY_CAPTURED})

_CLOSED_CODES = MappingProxyType({
    HoldStatus.CAPTURED: Code.HOLD_CAPTURED,
    HoldStatus.RELEASED: Code.HOLD_RELEASED,
    HoldStatus.EXPIRED: Code.HOLD_EXPIRED,
})  # fmt: skip


@dataclass(slots=True)
class Hold:
    """One hold as its locked row says. `head` is its account's, amounts in minor units of `asset_id`."""

    head: int
    asset_id: int
    terms: HoldTerms
    amount_minor: int
    tolerance_bps: int = 0
    expires_at_us: int | None = None
    captured_minor: int = 0
    released_minor: int = 0
    status: HoldStatus = HoldStatus.PLACED
    placed_reference: int = 0
    closed_reference: int = 0
    """Where its first and its last event stand (batch_id << 16 | ordinal), of the batch that is decided; else 0."""

    @property
    def held_minor(self) -> int:
        """What is still kept back: its account's pending counter has this much of it."""
        return max(self.amount_minor - self.captured_minor - self.released_minor, 0)

    @property
    def ceiling_minor(self) -> int:
        """The most that its captures may come to, rounded down."""
        return self.amount_minor + self.amount_minor * self.tolerance_bps // BASIS_POINTS


def rfc3339(moment_us: int) -> str:
    """A moment, microseconds since 1970-01-01 UTC, as events write it."""
    moment = EPOCH + timedelta(microseconds=moment_us)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def refuse(fact: HoldFact, hold: Hold | None) -> Refusal | None:
    """The first reason, in the order of `Code`, why this may not happen to the hold now; None when it may."""
    if isinstance(fact, HoldPlaced):
        return Refusal(Code.HOLD_EXISTS, "a hold of this id was placed before") if hold is not None else None
    if hold is None:
        return Refusal(Code.HOLD_UNKNOWN, "no hold of this id was placed", HOLD_PLACED)
    if hold.status not in OPEN_STATUSES:
        return Refusal(_CLOSED_CODES[hold.status], f"the hold was {hold.status.lower()} before")
    if isinstance(fact, HoldCaptured):
        left_minor = hold.ceiling_minor - hold.captured_minor
        if fact.amount_minor > left_minor:
            detail = f"{fact.amount_minor} is more than the {left_minor} that may be captured"
            return Refusal(Code.CAPTURE_EXCEEDS_HOLD, detail)
    return None


def advance(fact: HoldCaptured | HoldReleased, hold: Hold) -> int:
    """Writes an accepted fact into its hold; returns how much of it was given back."""
    if isinstance(fact, HoldReleased):
        return _close(hold, HoldStatus.RELEASED)
    hold.captured_minor += fact.amount_minor
    if fact.final or not hold.held_minor:
        return _close(hold, HoldStatus.CAPTURED)
    hold.status = HoldStatus.PARTIALLY_CAPTURED
    return 0


def expire(hold: Hold) -> int:
    """Lets an open hold expire; returns how much of it was given back."""
    return _close(hold, HoldStatus.EXPIRED)


def _close(hold: Hold, status: HoldStatus) -> int:
    given_back_minor = hold.held_minor
    hold.released_minor += given_back_minor
    hold.status = status
    return given_back_minor
