"""Payment stories decided by the real rules and life cycles, without a database: events in, what became of them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from consumers.facts import FACTS
from ledger_core.domain.cases import Case, Head, Movement
from ledger_core.domain.cash import DRAWER_FACTS
from ledger_core.domain.charts import Chart, chart_from_document
from ledger_core.domain.facts import UpstreamFact
from ledger_core.domain.holds import HoldCaptured, HoldPlaced, HoldTerms
from ledger_core.domain.outcomes import Outcome, Refusal
from ledger_core.domain.parts import COUNTED, PartKind, state_of
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft
from ledger_core.rules.catalogue import propose
from schemas.charts import load_chart
from schemas.events.registry import EVENT_TYPES
from tests.support.cases import BOOK, EUR, Desk

SAVINGS, SAVED_MINOR = "wallet:seller:savings", 90
SWEEPS = [{"name": "daily", "from": SAVINGS, "to": "control:CASH", "currency": "EUR", "keep_minor": "20"}]
CHART = chart_from_document({**load_chart(), "transfers": {"sweeps": SWEEPS}})
KEY = "story"
SELLER = "wallet:seller:1"
BUYER, DRAWER = "wallet:buyer:1", "cash:drawer:1"
SHARE = [{"account": SELLER, "amount_minor": "40", "commission_bps": 1000}]

STORIES = {
    "payment": ("payment.", "refund.", "chargeback.", "settlement."),
    "payout": ("payout.",),
    "fee": ("fee.",),
    "drawer": ("drawer.", "cash."),
    "reservation": ("reservation.",),
    "payment method": ("payment_method.",),
    "sale": ("sale.", "cogs."),
    "inventory": ("inventory.",),
    "beneficiary": ("settlement_profile.",),
    "transfer": ("transfer.", "transaction."),
    "sweep": ("sweep.",),
    "customer": ("verification.",),
    "pair of currencies": ("fx.",),
}
"""Which types of events share an order key."""

_AMOUNTS = {
    "payment": "100", "refund": "40", "chargeback": "40", "settlement": "60", "payout": "30", "fee": "10",
    "cash": "7", "reservation": "90", "sale": "100", "cogs": "60", "inventory": "20",
    "transfer": "80",
}  # fmt: skip
VERIFIED = {"status": "VERIFIED", "rails": ["sepa"], "bank_account_ref": {"user": "u-1"}}
_MORE: Mapping[str, Mapping[str, object]] = {
    "payment.captured.v1": {"beneficiaries": [{**SHARE[0], "amount_minor": "100"}]},
    "payment.refunded.v1": {"amount_minor": "40", "beneficiaries": SHARE},
    "refund.completed.v1": {"beneficiaries": SHARE},
    "chargeback.opened.v1": {"beneficiaries": SHARE, "fee_minor": "5"},
    "settlement.confirmed.v1": {"fee_minor": "3"},
    "settlement.finality_confirmed.v1": {"amount_minor": "57"},
    **{name: {"account": DRAWER, "counted_minor": "50"} for name in ("drawer.opened.v1", "drawer.closed.v1")},
    "reservation.held.v1": {"account": BUYER},
    "reservation.no_show.v1": {"first_night": [{"account": SELLER, "amount_minor": "30"}]},
    "cash.received.v1": {"account": DRAWER, "against": BUYER},
    "cash.refunded.v1": {"account": DRAWER, "against": BUYER, "signed_off_by": ["anna", "ben"]},
    "sale.completed.v1": {"attempt": {"finance": {"source": {"id": "control:CASH"}}}},
    "settlement_profile.updated.v1": {"beneficiary": KEY, **VERIFIED},
    "fx.rate_published.v1": {"base": "EUR", "counter": "BRL", "rate": "6.2", "published_at": "2026-10-01T14:00:00Z"},
    "inventory.adjusted.v1": {"direction": "increase", "reason": "correction"},
    "transfer.settled.v1": {"to": SELLER},
    "transfer.approved.v1": {"approved_by": "anna"},
    "sweep.requested.v1": {"rule": "daily"},
    "verification.changed.v1": {"customer": KEY, "status": "VERIFIED"},
}


BEGUN: Mapping[str, str] = {"payment": "payment.captured.v1", "transfer": "transfer.requested.v1"}
"""What comes first in a story of which most events need a beginning."""


def types_of(story: str) -> list[str]:
    """The registry's types that belong to a story, in its order."""
    return [name for name in EVENT_TYPES if name.startswith(STORIES[story])]


def data_of(event_type: str, part_id: str = "1") -> dict[str, object]:
    """The data of an event that fits its story: same ids, amounts that go together."""
    family = event_type.partition(".")[0]
    required: frozenset[str] = EVENT_TYPES[event_type].__required_keys__  # type: ignore[attr-defined]  # it has them
    words = {"currency": "EUR", "method": "card", "account": SELLER, "failure_reason": "no_luck", "payment_id": KEY,
             "transfer_id": KEY, "sale_id": KEY, "adjustment_id": KEY, "sweep_id": KEY,
             "reason": "no_luck"}  # fmt: skip
    data: dict[str, object] = {name: words.get(name, part_id) for name in required}
    if "amount_minor" in required:
        data["amount_minor"] = _AMOUNTS[family]
    return {**data, **_MORE.get(event_type, {})}


@dataclass
class StoryDesk(Desk):
    """One order key; heads open as lines need them."""

    accounts: dict[str, int] = field(default_factory=dict)
    chart: Chart = field(default_factory=lambda: CHART)

    def __post_init__(self) -> None:
        Desk.__post_init__(self)
        self.vouchers.clearing[BOOK, "EUR"] = "clearing:processor:EUR"

    def event(self, event_type: str, part_id: str = "1") -> Case:
        fact = FACTS[event_type](data_of(event_type, part_id))
        if isinstance(fact, HoldPlaced):
            fact.side = "D"
        elif isinstance(fact, HoldCaptured):
            fact.terms = HoldTerms(BUYER, "D", "EUR")
        return self.case_of(fact)

    def case_of(self, fact: UpstreamFact) -> Case:
        """What its rule makes of it."""
        proposal = propose(fact, self.chart)  # type: ignore[arg-type]  # no groups here
        asset_id = EUR if hasattr(fact, "currency") else 0
        refusal = proposal if isinstance(proposal, Refusal) else None
        draft = proposal if isinstance(proposal, Draft) else None
        movements = [self._movement(line) for line in draft.lines] if draft else []
        key = fact.account if isinstance(fact, DRAWER_FACTS) else getattr(fact, "order_key", KEY)
        return Case((BOOK, key), fact, asset_id, draft, movements, refusal, 0, 0)  # type: ignore[arg-type]  # as above

    def _movement(self, line: object) -> Movement:
        account: str = line.account  # type: ignore[attr-defined]  # a line
        number = self.accounts.setdefault(account, 100 + len(self.accounts))
        head = BOOK << 32 | number
        saved_minor = SAVED_MINOR if account == SAVINGS else 0
        asset_id = self.asset_of(line.currency)  # type: ignore[attr-defined]  # as above
        self.heads.setdefault(head, Head(0, 0, saved_minor, asset_id, normal_side="C" if saved_minor else "D"))
        return Movement(head, asset_id, False, line)  # type: ignore[arg-type]  # as above

    def asset_of(self, currency: str) -> int:
        return EUR

    def play(self, event_types: Sequence[str]) -> list[str]:
        """One by one, each a batch; the last word on each in the order given: its code, or its outcome."""
        cases = [self.event(event_type) for event_type in event_types]
        return self.play_cases(cases)

    def play_cases(self, cases: Sequence[Case]) -> list[str]:
        words: dict[int, str] = {}
        for case in cases:
            decision = self.decide(case)
            for ruling in (*decision.arrivals, *decision.healed):
                word = ruling.refusal.code.value if ruling.refusal else ruling.outcome.value
                if ruling.outcome is Outcome.PARKED:
                    word = f"parked: {ruling.refusal.code.value}" if ruling.refusal else word
                words[id(ruling.case)] = word
        return [words[id(case)] for case in cases]

    def balances(self) -> dict[str, int]:
        """What is not zero, by account."""
        sums = {
            code: self.heads[BOOK << 32 | number].debits_minor - self.heads[BOOK << 32 | number].credits_minor
            for code, number in self.accounts.items()
        }
        return {code: balance for code, balance in sums.items() if balance}

    def state(self) -> object:
        """What is known of the order key and its parts, but for where it stands in the log."""
        subject = self.subjects.get((BOOK, KEY)) or Subject()
        sums = (
            subject.authorised_minor, subject.captured_minor, subject.refunded_minor, subject.voided, subject.marks & 3,
        )  # fmt: skip
        parts = {
            (kind, part_id): (state_of(PartKind(kind), part), part.amount_minor, part.used_minor)
            for (_, _, kind, part_id), part in self.parts.items()
            if kind not in COUNTED and kind != PartKind.PAYMENT and part.told
        }
        return sums, parts
