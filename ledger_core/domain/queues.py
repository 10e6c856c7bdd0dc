"""Who waits behind whom under one order key: what is parked holds up what comes later, save what it waits for.

A step of a refund, chargeback or settlement that waits for an earlier step of its own holds up no more than the
steps of that one: the payment, and whatever else became of it, goes on. All that is parked otherwise holds up its whole
order key, but for events that stand alone.
"""

from collections.abc import Iterable
from typing import Final

from ledger_core.domain.cases import Case
from ledger_core.domain.life_cycles import life_cycle_of
from ledger_core.domain.originals import ref_of, waits_for
from ledger_core.domain.part_life import PAYMENT_PARTS
from ledger_core.domain.parts import STEPS, PartName, name_of

QUEUED: Final = "order_key"
"""What an event waits for that only stands behind others."""
_OWN_STEPS: Final = frozenset(step.name for step in STEPS.values() if step.kind in PAYMENT_PARTS)


class HeldUp:
    """What a queue, or the part of one that was looked at, holds up."""

    def __init__(self, queue: Iterable[Case] = ()) -> None:
        self._everything = False
        self._parts: set[PartName] = set()
        self._awaited: set[str] = set()
        """What they wait for by name, but for their place in the queue."""
        self._alone = True
        for case in queue:
            self.add(case)

    def add(self, case: Case) -> None:
        """One more that stays, behind those before it."""
        self._alone = self._alone and life_cycle_of(case.fact).stands_alone
        part = _part_of(case)
        if case.waits_for != QUEUED:
            self._awaited.update(case.waits_for.split("|"))
            if part is not None and _OWN_STEPS.issuperset(case.waits_for.split("|")):
                self._parts.add(part)
            else:
                self._everything = True
        elif part not in self._parts:
            self._everything = True

    def holds(self, case: Case) -> bool:
        """True where this one must stay behind them, too."""
        if self._alone and life_cycle_of(case.fact).stands_alone:
            return False
        held = self._everything or (bool(self._parts) and _part_of(case) in self._parts)
        return held and not self._awaits(case)

    def answered_by(self, case: Case) -> bool:
        """True when this is the very event that one of them refers to."""
        return waits_for(ref_of(case.origin)) in self._awaited

    def _awaits(self, case: Case) -> bool:
        name = life_cycle_of(case.fact).heals
        if name.endswith(":"):
            name += case.subject_key[1]
        return bool(name and name in self._awaited) or self.answered_by(case)


def _part_of(case: Case) -> PartName | None:
    """The refund, chargeback or settlement of a payment that it is a step of."""
    step = STEPS.get(type(case.fact))
    if step is None or step.kind not in PAYMENT_PARTS or case.fact is None:
        return None
    return name_of(case.fact)
