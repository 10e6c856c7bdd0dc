"""Where a payment stands, exactly and at once: read from the rows that decide, which no projection needs to copy."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger_core.domain.parts import COUNTED, Part, PartKind, State, state_of
from ledger_core.domain.payment_state import PaymentState, Progress, execution_of, finality_of, payment_state
from ledger_core.domain.subjects import Subject
from projections.queries.amounts import Amount
from projections.queries.errors import NotFoundError
from projections.queries.snapshot import QUERIES, Snapshot


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """A refund, chargeback, settlement, payout or fee. `used`: refunded of a fee, a settlement less its fee."""

    kind: str
    part_id: str
    state: State
    amount: Amount
    used: Amount


@dataclass(frozen=True, slots=True)
class PaymentStanding:
    """`state` is None where the order key is no payment's. `set_aside` is what open refunds and disputes keep back."""

    order_key: str
    state: PaymentState | None
    execution: Progress
    finality: Progress
    authorised: Amount
    captured: Amount
    refunded: Amount
    set_aside: Amount
    settled: Amount
    parked: int
    parts: Sequence[PaymentPart]


def payment_standing(at: Snapshot, order_key: str) -> PaymentStanding:
    """Of one order key. Raises NotFoundError."""
    asked = {"book_id": at.book_id, "order_key": order_key}
    row = at.connection.execute(QUERIES["payment_subject"], asked).fetchone()
    if row is None:
        raise NotFoundError("payment")
    authorised, captured, refunded, asset_id, voided, parked, marks, currency, scale = row
    subject = Subject(authorised, captured, refunded, asset_id, voided, parked, marks)
    parts, taken, awaits_cash = [], Part(), False
    for kind, part_id, told, amount, used, code, digits, taken_back in at.connection.execute(
        QUERIES["payment_parts"], asked
    ):
        part = Part(told, amount, used)
        if kind == PartKind.PAYMENT:
            taken = part
            continue
        if kind in COUNTED:
            awaits_cash |= kind == PartKind.DELIVERY
            continue
        money = (code or currency or "", digits if code else scale or 0)
        state = State.TAKEN_BACK if taken_back else state_of(PartKind(kind), part)
        parts.append(PaymentPart(kind, part_id, state, Amount(amount, *money), Amount(used, *money)))
    settlements = [part.state for part in parts if part.kind == PartKind.SETTLEMENT]

    def amount_of(minor: int) -> Amount:
        return Amount(minor, currency or "", scale or 0)

    return PaymentStanding(
        order_key, payment_state(subject, awaits_cash=awaits_cash), execution_of(settlements), finality_of(settlements),
        amount_of(authorised), amount_of(captured), amount_of(refunded), amount_of(taken.amount_minor),
        amount_of(taken.used_minor), parked, parts,
    )  # fmt: skip
