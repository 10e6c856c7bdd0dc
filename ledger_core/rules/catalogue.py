"""The table of posting rules: to add one is a function, a row here and an example."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ledger_core.domain.account_facts import AccountClosed, AccountFrozen, AccountOpened, AccountUnfrozen
from ledger_core.domain.charts import Chart
from ledger_core.domain.facts import Fact
from ledger_core.domain.holds import HoldCaptured, HoldPlaced, HoldReleased
from ledger_core.domain.merchants import MerchantChanged
from ledger_core.domain.outcomes import Refusal
from ledger_core.domain.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
)
from ledger_core.domain.references import VoidRequested
from ledger_core.domain.requests import CompensationRequested, VoucherRequested
from ledger_core.domain.vouchers import Draft, Line
from ledger_core.rules import holds, merchants, openings, payments, payouts, requested


@dataclass(slots=True, frozen=True)
class Rule:
    """How one kind of fact is posted. A rule that comes to post something else gets a new version.

    `propose` None: no entries of its own (a void mirrors what was captured, as the locked subject knows it).
    A rule that answers with a whole draft says the kind itself.
    """

    kind: str
    name: str
    version: int
    # Any: the key of the table says which fact the function takes.
    propose: Callable[[Any, Chart], list[Line] | Draft | Refusal] | None

    @property
    def label(self) -> str:
        return f"{self.name}/{self.version}"


RULES: Mapping[type[Fact], Rule] = MappingProxyType({
    PaymentAuthorized: Rule("authorization", "payment_authorized", 1, None),
    PaymentCaptured: Rule("capture", "payment_captured", 1, payments.captured),
    PaymentVoided: Rule("void", "payment_voided", 1, None),
    PaymentRefunded: Rule("refund", "payment_refunded", 1, payments.refunded),
    PayoutPaid: Rule("payout", "payout_paid", 1, payouts.paid),
    VoucherRequested: Rule("", "voucher_requested", 1, requested.requested),
    HoldPlaced: Rule("hold", "hold_placed", 1, holds.placed),
    HoldCaptured: Rule("capture", "hold_captured", 1, holds.captured),
    HoldReleased: Rule("release", "hold_released", 1, holds.released),
    CompensationRequested: Rule("", "compensation_requested", 1, requested.requested),
    MerchantChanged: Rule("merchant", "merchant_changed", 1, merchants.changed),
    VoidRequested: Rule("reversal", "void_requested", 1, None),
    AccountOpened: Rule("account", "account_opened", 1, openings.opened),
    AccountFrozen: Rule("account", "account_frozen", 1, None),
    AccountUnfrozen: Rule("account", "account_unfrozen", 1, None),
    AccountClosed: Rule("closing", "account_closed", 1, None),
})  # fmt: skip

_LABELS: Mapping[type[Fact], str] = MappingProxyType({fact: rule.label for fact, rule in RULES.items()})


def propose(fact: Fact, chart: Chart) -> Draft | Refusal | None:
    """The voucher for this fact by the book's chart; None where the fact has no entries of its own."""
    rule = RULES[type(fact)]
    if rule.propose is None:
        return None
    lines = rule.propose(fact, chart)
    if isinstance(lines, list):
        return Draft(rule.kind, _LABELS[type(fact)], lines)
    if isinstance(lines, Draft):
        lines.rule = _LABELS[type(fact)]
    return lines
