"""Payments across currencies: what was paid, what was credited for it, and what of both went back.

What goes back of a payment is never quoted anew. It follows from what was captured: of what was credited in all so
much as the amount is of what was paid in all. That is added up over everything that went back and rounded down once, so
that each refund or dispute is within one minor unit of exact, their order doesn't matter to the sum, and when the whole
amount has gone back everything that was credited has, to the last unit.
"""

from dataclasses import dataclass

from ledger_core.domain.money import MAX_COUNTER_MINOR
from ledger_core.domain.payments import Exchange, ExchangedCaptured, SplitCaptured


@dataclass(slots=True)
class Exchanged:
    """The locked row of one payment across currencies. `currency` is that of its beneficiaries; `paid` is in the
    payment's own. What went back is less what came again, when a dispute was won."""

    currency: str
    paid_minor: int = 0
    credited_minor: int = 0
    paid_back_minor: int = 0
    credited_back_minor: int = 0

    def share_minor(self, amount_minor: int) -> int:
        """What goes back in the beneficiaries' currency with an amount of the payment's own."""
        if not self.paid_minor:
            return 0
        whole_minor = self.credited_minor * (self.paid_back_minor + amount_minor) // self.paid_minor
        return max(whole_minor - self.credited_back_minor, 0)

    def overflows(self, amount_minor: int, credited_minor: int) -> bool:
        """True when the sums could not hold another capture."""
        return max(self.paid_minor + amount_minor, self.credited_minor + credited_minor) > MAX_COUNTER_MINOR


def exchange_of(fact: object) -> Exchange | None:
    """The exchange of a capture across currencies, split or not."""
    if isinstance(fact, SplitCaptured):
        fact = fact.told
    return fact.exchange if isinstance(fact, ExchangedCaptured) else None
