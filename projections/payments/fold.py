"""The fold of payments: per order key its events' places in the log, and of a payment the sums from which its state
follows in the table.

Every event of an order key counts as one of its story, also what was refused, and types that nobody thought of here:
only the sums ask what an event is.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

from ledger_core.domain.payments import CASH_ON_DELIVERY
from projections.events import FACT_RECORDED, VOUCHER_POSTED, EventState, LedgerEvent

PAYMENT: Final = "payment"
VOUCHER: Final = "voucher"
"""Family of vouchers by hand and of reversals by request, which may concern an order key of any other family."""

FOLLOWS_PAYMENT: Final = frozenset({PAYMENT, "refund", "chargeback", "settlement"})
"""Families of upstream events whose order key is a payment's."""

ACCEPTED: Final = (VOUCHER_POSTED, FACT_RECORDED)
REVERSAL: Final = "reversal"
"""Kind of a voucher that takes back, by request, what another event had posted; a payment's void is none."""


class PaymentChange:
    """What a batch adds to one order key. Amounts in minor units of `currency` ('' while no event names one).

    No dataclass: what stays zero is the class's and costs nothing, where a batch makes thousands of these.
    """

    currency = ""
    method = ""
    authorised_minor = captured_minor = refunded_minor = voided_minor = disputed_minor = 0
    reversed_minor = 0
    """Captures taken back by request; they are no longer in their own sum."""
    commission_minor = fees_minor = 0
    """What the platform keeps of it, and what processors charge for it."""
    captures = refunds = 0
    voided = failed = expired = False
    awaits_cash = False
    """Cash on delivery was announced."""
    executed = unexecuted = final = unfinal = 0
    """Settlements: that stand as executed, that failed, that are final, whose finality failed."""

    def __init__(self, family: str, effective_at: str, position: int) -> None:
        self.family = family
        self.first_effective_at = self.last_effective_at = effective_at
        self.positions = [position]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PaymentChange) and _all_of(self) == _all_of(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"PaymentChange({vars(self)})"


def _all_of(change: PaymentChange) -> dict[str, Any]:
    defaults = {name: value for name, value in vars(PaymentChange).items() if not name.startswith("_")}
    return {**defaults, **vars(change)}


PaymentRows = dict[tuple[int, str], PaymentChange]
Effect = Callable[[PaymentChange, int, EventState], None]
"""Adds an accepted event, of an amount in minor units, to the sums of its payment."""


def fold_payments(events: Iterable[LedgerEvent], rows: PaymentRows) -> None:
    """Changes per (book_id, order key)."""
    for book_id, position, event_type, order_key, state in events:
        if not order_key:
            continue
        family, effect = _meaning(state.get("event_type") or event_type)
        effective_at = state.get("effective_at", "")
        row = rows.get((book_id, order_key))
        if row is None:
            row = rows[book_id, order_key] = PaymentChange(family, effective_at, position)
        else:
            row.positions.append(position)
            if row.family != PAYMENT:
                row.family = first_family(row.family, family)
            if effective_at > row.last_effective_at:
                row.last_effective_at = effective_at
                row.first_effective_at = row.first_effective_at or effective_at
            elif effective_at and effective_at < row.first_effective_at:
                row.first_effective_at = effective_at
        if effect is not None and event_type in ACCEPTED:
            effect(row, int(state.get("amount_minor", "0")), state)


def first_family(one: str, then: str) -> str:
    """The family of an order key by two of its events: a payment above all, a voucher by hand below all."""
    return then if one == VOUCHER or then == PAYMENT else one


@cache
def _meaning(upstream_type: str) -> tuple[str, Effect | None]:
    """Family and effect of a type; versions of a type mean the same. There are few types."""
    family = upstream_type.partition(".")[0]
    effect = EFFECTS.get(upstream_type.rpartition(".v")[0])
    return (PAYMENT if family in FOLLOWS_PAYMENT else family), effect


# What each upstream event does to the sums of its payment ----------------------------------------


def _named(row: PaymentChange, state: EventState) -> None:
    if not row.currency:
        row.currency = state.get("currency") or ""
    if not row.method:
        row.method = state.get("method") or ""


def _intent(row: PaymentChange, _amount_minor: int, state: EventState) -> None:
    _named(row, state)
    row.awaits_cash = row.awaits_cash or state.get("method") == CASH_ON_DELIVERY


def _authorised(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    _named(row, state)
    row.authorised_minor += amount_minor


def _captured(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    _named(row, state)
    row.captured_minor += amount_minor
    row.captures += 1
    _commission(row, state)


def _refunded(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    row.refunded_minor += amount_minor
    row.refunds += 1
    _commission(row, state)


def _voided(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    row.voided_minor += amount_minor
    row.voided = True
    _commission(row, state)


def _failed(row: PaymentChange, _amount_minor: int, _state: EventState) -> None:
    row.failed = True


def _expired(row: PaymentChange, _amount_minor: int, _state: EventState) -> None:
    row.expired = True


def _chargeback_opened(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    row.disputed_minor += amount_minor
    row.fees_minor += int(state.get("fee_minor", "0"))
    _commission(row, state)


def _chargeback_won(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    row.disputed_minor -= amount_minor
    row.fees_minor -= int(state.get("fee_minor", "0"))
    _commission(row, state)


def _chargeback_lost(row: PaymentChange, _amount_minor: int, state: EventState) -> None:
    row.fees_minor += int(state.get("fee_minor", "0"))


def _settlement_confirmed(row: PaymentChange, _amount_minor: int, state: EventState) -> None:
    row.executed += 1
    row.fees_minor += int(state.get("fee_minor", "0"))


def _settlement_failed(row: PaymentChange, _amount_minor: int, state: EventState) -> None:
    row.unexecuted += 1
    if "lines" in state:  # it had been confirmed, and is taken back
        row.executed -= 1
        row.fees_minor += _sum_of(state, "fee", "D")


def _settlement_final(row: PaymentChange, _amount_minor: int, _state: EventState) -> None:
    row.final += 1


def _settlement_unfinal(row: PaymentChange, _amount_minor: int, state: EventState) -> None:
    row.unfinal += 1
    row.fees_minor += _sum_of(state, "fee", "D")


def _reversed(row: PaymentChange, amount_minor: int, state: EventState) -> None:
    """A voucher that takes back, by request, a capture or a refund in one step."""
    reverses = state.get("reverses", ()) if state["kind"] == REVERSAL else ()
    of_type = reverses[0]["event_type"].rpartition(".v")[0] if reverses else ""
    if of_type == "payment.captured":
        row.captured_minor -= amount_minor
        row.captures -= 1
        row.reversed_minor += amount_minor
    elif of_type == "payment.refunded":
        row.refunded_minor -= amount_minor
        row.refunds -= 1
    else:
        return
    _commission(row, state)


EFFECTS: Final[dict[str, Effect]] = {
    "payment.intent_created": _intent,
    "payment.authorized": _authorised,
    "payment.captured": _captured,
    "payment.refunded": _refunded,
    "refund.completed": _refunded,
    "payment.voided": _voided,
    "payment.failed": _failed,
    "payment.authorization_expired": _expired,
    "chargeback.opened": _chargeback_opened,
    "chargeback.won": _chargeback_won,
    "chargeback.lost": _chargeback_lost,
    "settlement.confirmed": _settlement_confirmed,
    "settlement.failed": _settlement_failed,
    "settlement.finality_confirmed": _settlement_final,
    "settlement.finality_failed": _settlement_unfinal,
    "voucher.void_requested": _reversed,
}
"""Of every type that moves a sum; others are events of their story and no more."""


def _commission(row: PaymentChange, state: EventState) -> None:
    """What the voucher moves of the platform's commission; a fact without entries moves nothing. Across currencies it
    is in the beneficiaries', and none of the payment's own sums."""
    if "exchanged" in state:
        return
    row.commission_minor += _sum_of(state, "platform_fee", "C")


def _sum_of(state: EventState, purpose: str, side: str) -> int:
    """Sum of the lines with this purpose, above zero on this side; a mirror says what its lines had been for."""
    mirrored = state.get("mirrored")
    if mirrored is None:  # nearly always
        return sum([
            int(line[2]) if line[1] == side else -int(line[2]) for line in state.get("lines", ()) if line[4] == purpose
        ])  # fmt: skip
    return sum([
        int(line[2]) if line[1] == side else -int(line[2])
        for place, line in enumerate(state["lines"])
        if (mirrored[place] if place < len(mirrored) else line[4]) == purpose
    ])  # fmt: skip
