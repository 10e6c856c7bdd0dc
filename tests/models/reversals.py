"""Payments, payouts, voids and compensations in plain Python: what should come of each, one at a time. It imports
nothing of the product."""

from collections.abc import Sequence
from dataclasses import dataclass, field

PARKS = "would park"
"""What waits for an event of its order is left out: voucher numbers would depend on where batches end."""


@dataclass(frozen=True)
class Pay:
    """A capture, refund or payout."""

    kind: str
    order: str
    amount: int


@dataclass(frozen=True)
class VoidPayment:
    order: str


@dataclass(frozen=True)
class VoidVoucher:
    number: int
    by_event: bool
    elsewhere: bool


@dataclass(frozen=True)
class Compensate:
    number: int


Step = Pay | VoidPayment | VoidVoucher | Compensate


@dataclass
class Known:
    """A posted voucher; `worth` is what the seller got by it."""

    event: str
    kind: str
    order: str
    amount: int
    worth: int
    reversed_by: int = 0


@dataclass
class Model:
    """What should come of each event."""

    vouchers: list[Known] = field(default_factory=list)
    voided: set[str] = field(default_factory=set)
    outcomes: dict[str, str] = field(default_factory=dict)
    links: set[tuple[int, str, int]] = field(default_factory=set)

    def standing(self, order: str, kind: str) -> list[Known]:
        return [one for one in self.vouchers if (one.order, one.kind, one.reversed_by) == (order, kind, 0)]

    def total(self, order: str, kind: str) -> int:
        return sum(one.amount for one in self.standing(order, kind))

    def captured(self, order: str) -> int:
        """What no request took back: the payment's own void leaves the sum, and says so by its mark."""
        captures = [one for one in self.vouchers if (one.order, one.kind) == (order, "capture")]
        kept = [one for one in captures if not one.reversed_by or self.vouchers[one.reversed_by - 1].kind == "void"]
        return sum(one.amount for one in kept)

    def post(self, event: str, kind: str, order: str, amount: int, worth: int) -> str:
        self.vouchers.append(Known(event, kind, order, amount, worth))
        return "POSTED"

    def decide(self, event: str, step: Step) -> str:
        if isinstance(step, Pay):
            return self.pay(event, step)
        if isinstance(step, VoidPayment):
            return self.void_payment(event, step.order)
        if step.number > len(self.vouchers):
            return "VOUCHER_UNKNOWN"
        if isinstance(step, VoidVoucher):
            return self.void_voucher(event, self.vouchers[step.number - 1], elsewhere=step.elsewhere)
        self.link("compensat", step.number)
        return self.post(event, "compensation", event, 5, 5)

    def pay(self, event: str, step: Pay) -> str:
        if step.kind == "payout":
            return self.post(event, "payout", event.removeprefix("paid-out-"), step.amount, -step.amount)
        if step.order in self.voided:
            return "PAYMENT_VOIDED"
        if step.kind == "capture":
            return self.post(event, "capture", step.order, step.amount, step.amount)
        if not self.standing(step.order, "capture"):
            return PARKS
        if self.total(step.order, "refund") + step.amount > self.total(step.order, "capture"):
            return "REFUND_EXCEEDS_CAPTURED"
        return self.post(event, "refund", step.order, step.amount, -step.amount)

    def void_payment(self, event: str, order: str) -> str:
        if order in self.voided:
            return "ALREADY_VOIDED"
        if not any((one.order, one.kind) == (order, "capture") for one in self.vouchers):
            return PARKS
        if self.standing(order, "refund"):
            return "VOID_AFTER_REFUND"
        captures = self.standing(order, "capture")
        self.voided.add(order)
        return self.take_back(event, captures, "void") if captures else "RECORDED"

    def void_voucher(self, event: str, voucher: Known, *, elsewhere: bool) -> str:
        if elsewhere:
            return "ORDER_KEY_DIFFERS"
        if voucher.reversed_by:
            return "ALREADY_REVERSED"
        if voucher.kind in ("reversal", "void"):
            return "REVERSAL_NOT_REVERSIBLE"
        left = self.total(voucher.order, "capture") - voucher.amount
        if voucher.kind == "capture" and left < self.total(voucher.order, "refund"):
            return "VOID_AFTER_REFUND"
        return self.take_back(event, [voucher], "reversal")

    def take_back(self, event: str, vouchers: Sequence[Known], kind: str) -> str:
        for one in vouchers:
            self.link("revers", self.vouchers.index(one) + 1)
            one.reversed_by = len(self.vouchers) + 1
        worth = -sum(one.worth for one in vouchers)
        return self.post(event, kind, vouchers[0].order, abs(worth), worth)

    def link(self, verb: str, other: int) -> None:
        """From the next voucher to another, and back."""
        number = len(self.vouchers) + 1
        self.links |= {(number, f"{verb}es", other), (other, f"{verb}ed_by", number)}
