"""What has an id of its business and happens once: a sale, its cost, a count of goods, cash over the desk, a sweep.

Producers that deliver "at least once" may tell it again under another event id, which no inbox knows. Its part
remembers the first: the second is refused, whatever it says.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger_core.domain.cases import Case, Locked, PartKey
from ledger_core.domain.cash import CashReceived, CashRefunded
from ledger_core.domain.commerce import CogsRecorded, InventoryAdjusted, SaleCompleted
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.parts import Part, PartKind
from ledger_core.domain.transfers import SweepRequested


class Once(NamedTuple):
    """The kind of its part, and which member of the fact is the id of its business."""

    kind: PartKind
    member: str


ONCE: Final[Mapping[type, Once]] = MappingProxyType({
    SaleCompleted: Once(PartKind.SALE, "sale_id"),
    CogsRecorded: Once(PartKind.COGS, "sale_id"),
    InventoryAdjusted: Once(PartKind.INVENTORY, "adjustment_id"),
    CashReceived: Once(PartKind.RECEIPT, "receipt_id"),
    CashRefunded: Once(PartKind.CASH_REFUND, "refund_id"),
    SweepRequested: Once(PartKind.SWEEP, "sweep_id"),
})  # fmt: skip


def _id_of(case: Case) -> str:
    return str(getattr(case.fact, ONCE[type(case.fact)].member))


def key_of(case: Case) -> PartKey:
    return (*case.subject_key, ONCE[type(case.fact)].kind.value, _id_of(case))


def misfit(case: Case) -> str | None:
    """Its id is its order key, so that two that tell it meet under one lock."""
    once = ONCE[type(case.fact)]
    return None if _id_of(case) == case.subject_key[1] else f"{once.member}: not the subject of the event"


def refuse(case: Case, locked: Locked) -> Refusal | None:
    key = key_of(case)
    if key not in locked.parts:
        return None
    first = locked.first_told.get(key, "")
    return Refusal(Code.ALREADY_TOLD, f"{ONCE[type(case.fact)].member} {key[3]} was told before, by event {first}")


def accept(case: Case, locked: Locked) -> None:
    key = key_of(case)
    _begin(case, locked.parts.setdefault(key, Part()))
    locked.first_told[key] = case.origin[1]


def foretell(case: Case, parts: dict[PartKey, Part]) -> bool:
    """Adds the part of what is told first. False where the batch told it before, or it does not fit its envelope."""
    key = key_of(case)
    if key in parts or misfit(case) is not None:
        return False
    _begin(case, parts.setdefault(key, Part()))
    return True


def _begin(case: Case, part: Part) -> None:
    part.amount_minor += 1
    part.vouchers.append(case.reference)
