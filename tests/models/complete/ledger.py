"""Batches of events, and the queues of those that must wait."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from tests.models.complete import accounts, holds, payments, vouchers
from tests.models.complete.books import FINAL, PARKING, Books, Refusal
from tests.models.complete.events import (
    Authorize,
    Event,
    Group,
    HoldEvent,
    OpenAccount,
    Pay,
    PaymentEvent,
    Place,
    Refund,
    Unfreeze,
    Void,
    Voucher,
)

QUEUED = Refusal("ORDER_KEY_PARKED", "order_key")


@dataclass
class Waiting:
    """An event that is parked; `since` is its place among all that ever were."""

    event: Event
    waits_for: str
    since: int


@dataclass
class Ledger:
    books: Books
    decided: set[str] = field(default_factory=set)
    queues: dict[str, list[Waiting]] = field(default_factory=lambda: defaultdict(list))
    _woken: dict[str, None] = field(default_factory=dict)
    _risen: dict[str, None] = field(default_factory=dict)
    _postponed: set[str] = field(default_factory=set)
    """Events that came behind a queue which was about to drain: what they wait for is what the drain says first."""
    _numbers: "count[int]" = field(default_factory=count)

    # What happens

    def post(self, batch: Sequence[Event]) -> None:
        """Each in its order; an id that came before is not decided again."""
        new = {event.event_id: event for event in reversed(batch) if event.event_id not in self.decided}
        arrivals = [new.pop(event.event_id) for event in batch if event.event_id in new]
        self.decided |= {event.event_id for event in arrivals}
        for event in arrivals:
            if isinstance(event, OpenAccount):
                accounts.open_in_advance(self.books, event)
        self._expire_touched(arrivals)
        for event in arrivals:
            self._arrive(event)
        self._finish()

    def heal(self, waits_for: str) -> None:
        """It has come true: whoever waits for it is asked again."""
        waiting = [one for queue in self.queues.values() for one in queue if one.waits_for == waits_for]
        self._woken = {one.event.order: None for one in sorted(waiting, key=lambda one: one.since)}
        self._expire_touched([])
        self._finish()

    def expire_all(self) -> None:
        """What a scheduler does."""
        for hold in self.books.holds.values():
            if hold.due and hold.status == "open":
                holds.close(self.books, hold, "expired")

    def _expire_touched(self, arrivals: Sequence[Event]) -> None:
        """Holds that are due expire before anything is decided on them."""
        touched = {event.order for event in arrivals} | set(self._woken)
        events = [*arrivals, *(one.event for order in touched for one in self.queues[order])]
        for order in {event.order for event in events if isinstance(event, HoldEvent)}:
            hold = self.books.holds.get(order)
            if hold is not None and hold.due and hold.status == "open":
                holds.close(self.books, hold, "expired")

    def _finish(self) -> None:
        """Queues that were woken, then those that wait for accounts which take entries from now on."""
        woken, self._woken = self._woken, {}
        for order in woken:
            self._drain(order)
        self._postponed.clear()
        risen, self._risen = self._risen, {}
        for account in risen:
            self.heal(f"account:{account}")

    # Queues

    def _arrive(self, event: Event) -> None:
        queue = self.queues[event.order]
        refusal = self._refuse(event)
        final = refusal is not None and refusal.code in FINAL
        if not queue or final:
            self._file(event, refusal)
            if final and queue and self._answers(event, queue[0]):
                self._woken[event.order] = None
        elif event.order in self._woken or not self._heals(event, queue[0]):
            self._file(event, QUEUED)
            if event.order in self._woken:
                self._postponed.add(event.event_id)
        else:
            answers = self._answers(event, queue[0])
            self._file(event, refusal)
            parked = self.books.outcomes[event.event_id] in PARKING
            if not parked and (answers or refusal is None):
                self._woken[event.order] = None

    def _file(self, event: Event, refusal: Refusal | None) -> None:
        """Writes down what becomes of an event that is looked at for the first time."""
        if refusal is not None and refusal.code in PARKING:
            self.books.outcomes[event.event_id] = refusal.code
            self.queues[event.order].append(Waiting(event, refusal.waits_for, next(self._numbers)))
        else:
            self.books.outcomes[event.event_id] = refusal.code if refusal else self._accept(event)

    def _drain(self, order: str) -> None:
        """Oldest first, until one must go on waiting: those behind it stay, save what it waits for."""
        queue = self.queues[order]
        while queue:
            if self._leaves(queue[0]):
                continue
            healers = [one for one in queue if self._heals(one.event, queue[0])]
            if not any(self._leaves(one) for one in healers):
                return

    def _leaves(self, one: Waiting) -> bool:
        refusal = self._refuse(one.event)
        if refusal is not None and refusal.code in PARKING:
            one.waits_for = refusal.waits_for
            if one.event.event_id in self._postponed:
                self._postponed.remove(one.event.event_id)
                self.books.outcomes[one.event.event_id] = refusal.code
            return False
        self.queues[one.event.order].remove(one)
        self.books.outcomes[one.event.event_id] = refusal.code if refusal else self._accept(one.event)
        return True

    def _heals(self, event: Event, head: Waiting) -> bool:
        return _is_told_by(event) in head.waits_for.split("|") or self._answers(event, head)

    def _answers(self, event: Event, head: Waiting) -> bool:
        return head.waits_for == f"voucher:{event.event_id}"

    # One event

    def _refuse(self, event: Event) -> Refusal | None:
        if isinstance(event, Voucher):
            return vouchers.refuse(self.books, event)
        if isinstance(event, Group):
            return vouchers.refuse_group(self.books, event)
        if isinstance(event, Void):
            return vouchers.refuse_void(self.books, event)
        if isinstance(event, HoldEvent):
            return holds.refuse(self.books, event)
        if isinstance(event, PaymentEvent):
            return payments.refuse(self.books, event)
        return accounts.refuse(self.books, event)

    def _accept(self, event: Event) -> str:
        if isinstance(event, Group):
            return vouchers.accept_group(self.books, event)
        if isinstance(event, OpenAccount | Unfreeze):
            self._risen[event.order] = None
        with self.books.watched():
            if isinstance(event, Voucher):
                return vouchers.accept(self.books, event)
            if isinstance(event, Void):
                return vouchers.accept_void(self.books, event)
            if isinstance(event, HoldEvent):
                return holds.accept(self.books, event)
            if isinstance(event, PaymentEvent):
                return payments.accept(self.books, event)
            return accounts.accept(self.books, event)


def _is_told_by(event: Event) -> str:
    """The name by which others say that they wait for such an event."""
    match event:
        case Place():
            return "hold.placed"
        case Authorize():
            return "payment.authorized"
        case Refund():
            return "refund"
        case Pay():
            return "payment.captured"
        case OpenAccount() | Unfreeze():
            return f"account:{event.order}"
        case _:
            return "nothing"
