"""The fold of refunds, chargebacks, settlements, payouts and fees: which steps each was told, and what they said.

Which types are steps of what is the table of the write side, so a new kind is folded as soon as it is there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from ledger_core.domain.parts import BITS, STEPS, PartKind
from ledger_core.domain.stories import ID_OF
from projections.events import FACT_RECORDED, VOUCHER_POSTED, EventState, LedgerEvent

REVERSAL: Final = "reversal"


class PartKey(NamedTuple):
    book_id: int
    order_key: str
    kind: str
    part_id: str


class StepOf(NamedTuple):
    """Which step a type is, of what, and which member of a state names it."""

    kind: str
    told: int
    member: str


STEP_OF_TYPE: Final[Mapping[str, StepOf]] = MappingProxyType({
    f"{step.name}.v1": StepOf(step.kind.value, 1 << BITS * step.number, ID_OF[fact]) for fact, step in STEPS.items()
})  # fmt: skip
OWN_ACCOUNT: Final = frozenset({PartKind.PAYOUT.value, PartKind.FEE.value})
"""Kinds whose first voucher begins with the account that they are about."""
GIVEN_BACK: Final = "fee.refunded.v1"
FEE_BACK: Final = "chargeback.won.v1"
"""The step whose `fee_minor` a processor gives back; every other one's it charges."""


@dataclass(slots=True)
class PartChange:
    """What a batch tells one part. What it is, its first steps say; amounts in minor units of `currency`."""

    first_effective_at: str
    last_effective_at: str
    positions: list[int] = field(default_factory=list)
    told: int = 0
    amount_minor: int = 0
    fee_minor: int = 0
    """What a processor charged for a settlement or dispute."""
    refunded_minor: int = 0
    """What was given back of a fee."""
    currency: str = ""
    account: str = ""
    reference: str = ""
    failure_reason: str = ""


@dataclass(slots=True)
class PartRows:
    """Changes by key; and of vouchers taken back by request the book, the order key and the place in the log."""

    changes: dict[PartKey, PartChange] = field(default_factory=dict)
    taken_back: list[tuple[int, str, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.changes) + len(self.taken_back)


def fold_parts(events: Iterable[LedgerEvent], rows: PartRows) -> None:
    """Changes per part. Refused events tell a part nothing."""
    for book_id, position, event_type, order_key, state in events:
        if event_type != VOUCHER_POSTED and event_type != FACT_RECORDED:
            continue
        upstream = state["event_type"]
        step = STEP_OF_TYPE.get(upstream)
        if step is not None:
            part_id = state.get(step.member)
            if part_id is None:
                continue  # the first release kept no ids of refunds and payouts: no parts to the write side either
            key = PartKey(book_id, order_key, step.kind, str(part_id))
            effective_at = state["effective_at"]
            change = rows.changes.get(key)
            if change is None:
                change = rows.changes[key] = PartChange(effective_at, effective_at)
            _tell(change, step, upstream, state)
            change.positions.append(position)
        elif state["kind"] == REVERSAL:
            rows.taken_back += [(book_id, order_key, link["position"]) for link in state.get("reverses", ())]


def _tell(change: PartChange, step: StepOf, upstream: str, state: EventState) -> None:
    change.told += step.told
    change.first_effective_at = min(change.first_effective_at, state["effective_at"])
    change.last_effective_at = max(change.last_effective_at, state["effective_at"])
    amount_minor = int(state.get("amount_minor", "0"))
    if upstream == GIVEN_BACK:
        change.refunded_minor += amount_minor
    else:
        change.amount_minor = change.amount_minor or amount_minor
    fee_minor = int(state.get("fee_minor", "0"))
    change.fee_minor += -fee_minor if upstream == FEE_BACK else fee_minor
    change.currency = change.currency or state.get("currency") or ""
    change.reference = change.reference or state.get("reference", "")
    change.failure_reason = state.get("failure_reason") or change.failure_reason
    if step.kind in OWN_ACCOUNT and not change.account and (lines := state.get("lines")):
        change.account = lines[0][0]
