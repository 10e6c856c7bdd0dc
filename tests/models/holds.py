"""Holds of one account in plain Python: what should come of their events, one at a time. It imports nothing of the
product.

The account may be overdrawn so far and no further, by what was captured and what is held together.
"""

from dataclasses import dataclass, field

OVERDRAFT = 150


@dataclass(frozen=True)
class Place:
    hold: str
    amount: int
    bps: int


@dataclass(frozen=True)
class Capture:
    hold: str
    amount: int
    final: bool


@dataclass(frozen=True)
class Release:
    hold: str


@dataclass(frozen=True)
class Expire:
    hold: str


Step = Place | Capture | Release | Expire
Sent = Place | Capture | Release


@dataclass
class Known:
    amount: int
    bps: int
    captured: int = 0
    released: int = 0
    status: str = "PLACED"

    @property
    def held(self) -> int:
        return max(self.amount - self.captured - self.released, 0)

    def close(self, status: str) -> None:
        self.released, self.status = self.released + self.held, status


@dataclass
class Model:
    """What should come of hold events."""

    holds: dict[str, Known] = field(default_factory=dict)
    waiting: dict[str, list[tuple[str, Sent]]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)
    """Holds that came to what waits for them: it is decided when the batch ends, behind all that arrived in it."""

    def take(self, name: str, sent: Sent) -> None:
        queue = self.waiting.setdefault(sent.hold, [])
        if queue and (sent.hold in self.woken or not isinstance(sent, Place)):
            self.outcomes[name] = "ORDER_KEY_PARKED"
            queue.append((name, sent))
            return
        self.outcomes[name] = self.decide(sent)
        if self.outcomes[name] == "HOLD_UNKNOWN":
            queue.append((name, sent))
        elif queue and sent.hold in self.holds:
            self.woken.append(sent.hold)

    def end_batch(self) -> None:
        """What waited for holds of this batch is decided."""
        for hold in self.woken:
            for name, waited in self.waiting.pop(hold):
                self.outcomes[name] = self.decide(waited)
        self.woken.clear()

    def decide(self, sent: Sent) -> str:
        known = self.holds.get(sent.hold)
        if isinstance(sent, Place):
            if known is not None:
                return "HOLD_EXISTS"
            if self.used() + sent.amount > OVERDRAFT:
                return "INSUFFICIENT_AVAILABLE"
            self.holds[sent.hold] = Known(sent.amount, sent.bps)
            return "RECORDED"
        if known is None:
            return "HOLD_UNKNOWN"
        if known.status in ("CAPTURED", "RELEASED", "EXPIRED"):
            return f"HOLD_{known.status}"
        if isinstance(sent, Release):
            known.close("RELEASED")
            return "RECORDED"
        if known.captured + sent.amount > known.amount + known.amount * known.bps // 10_000:
            return "CAPTURE_EXCEEDS_HOLD"
        freed = known.held if sent.final else min(known.held, sent.amount)
        if sent.amount > freed and self.used() - freed + sent.amount > OVERDRAFT:
            return "LIMIT_MINIMUM"
        known.captured, known.status = known.captured + sent.amount, "PARTIALLY_CAPTURED"
        if sent.final or not known.held:
            known.close("CAPTURED")
        return "POSTED"

    def used(self) -> int:
        """What was taken of the account, and what is held of it."""
        return sum(known.captured + known.held for known in self.holds.values())

    def expire(self, hold: str) -> None:
        known = self.holds.get(hold)
        if known is not None and known.status in ("PLACED", "PARTIALLY_CAPTURED"):
            known.close("EXPIRED")
