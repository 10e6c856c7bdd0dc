"""Cases for `decide_batch`, and what is locked for them, without a database."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger_core.domain.cases import CaptureKey, Case, Decision, Head, HeadKey, Locked, Movement
from ledger_core.domain.decide import decide_batch
from ledger_core.domain.facts import Fact
from ledger_core.domain.holds import Hold
from ledger_core.domain.outcomes import Code, Refusal
from ledger_core.domain.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
)
from ledger_core.domain.subjects import Subject
from ledger_core.domain.vouchers import Draft, Line, Purpose, Side

BOOK = 1
BATCH = 7
EUR, USD = 978, 840
ASSETS = {"EUR": EUR, "USD": USD}
ACCOUNTS = {"clearing": 1, "seller": 2, "other": 3, "cash": 4, "dollars": 5}


def head_key(account: str) -> HeadKey:
    return BOOK << 32 | ACCOUNTS[account]


def captured(amount_minor: int = 100, currency: str = "EUR") -> PaymentCaptured:
    return PaymentCaptured("p", amount_minor, currency, "card")


def authorized(amount_minor: int = 100, currency: str = "EUR") -> PaymentAuthorized:
    return PaymentAuthorized("p", amount_minor, currency, "card")


def refunded(amount_minor: int = 100, currency: str = "EUR") -> PaymentRefunded:
    return PaymentRefunded("p", "r", amount_minor, currency)


def voided() -> PaymentVoided:
    return PaymentVoided("p")


def payout(amount_minor: int = 100, currency: str = "EUR") -> PayoutPaid:
    return PayoutPaid("w", "seller", amount_minor, currency)


def lines_of(fact: Fact | None, seller: str) -> list[Line]:
    """Two lines a voucher: which account pays does not matter to the decision."""
    if not isinstance(fact, PaymentCaptured | PaymentRefunded | PayoutPaid):
        return []
    sides: tuple[Side, Side] = ("D", "C") if isinstance(fact, PaymentCaptured) else ("C", "D")
    return [
        Line("clearing", sides[0], fact.amount_minor, fact.currency, Purpose.PAYMENT),
        Line(seller, sides[1], fact.amount_minor, fact.currency, Purpose.SELLER_SHARE),
    ]


def movement(line: Line) -> Movement:
    return Movement(head_key(line.account), ASSETS[line.currency], False, line)


@dataclass
class Desk:
    """What is known under lock, between batches; `decide` is one batch of it."""

    heads: dict[HeadKey, Head] = field(default_factory=dict)
    subjects: dict[tuple[int, str], Subject] = field(default_factory=dict)
    queues: dict[tuple[int, str], deque[Case]] = field(default_factory=dict)
    captures: dict[CaptureKey, list[Movement]] = field(default_factory=dict)
    holds: dict[tuple[int, str], Hold] = field(default_factory=dict)
    closed_through_us: int = -(2**63)
    batch: int = BATCH

    def __post_init__(self) -> None:
        for account in ACCOUNTS:
            asset = USD if account == "dollars" else EUR
            self.heads.setdefault(head_key(account), Head(0, 0, 0, asset))

    def case(
        self,
        fact: Fact | None,
        *,
        key: str = "order",
        seller: str = "seller",
        refusal: Refusal | None = None,
        effective_at_us: int = 0,
    ) -> Case:
        lines = [] if refusal is not None else lines_of(fact, seller)
        draft = Draft("kind", "rule/1", lines) if lines else None
        asset_id = ASSETS.get(getattr(fact, "currency", ""), 0)
        return Case((BOOK, key), fact, asset_id, draft, [movement(line) for line in lines], refusal, effective_at_us, 0)

    def locked(self, arrivals: int) -> Locked:
        return Locked(
            heads=self.heads,
            subjects=self.subjects,
            queues=self.queues,
            captures=dict(self.captures),
            holds=self.holds,
            closed_through_us={BOOK: self.closed_through_us},
            next_reference={BOOK: self.batch << 16 | arrivals},
        )

    def decide(self, *cases: Case, drain: Iterable[str] = ()) -> Decision:
        self.batch += 1
        for place, case in enumerate(cases):
            case.reference = self.batch << 16 | place
        locked = self.locked(len(cases))
        decision = decide_batch(cases, locked, [(BOOK, key) for key in drain])
        self.captures.update({key: list(lines) for key, lines in locked.captures.items()})
        return decision

    def freeze(self, account: str, status: str = "F") -> None:
        self.heads[head_key(account)].status = status

    def balance_minor(self, account: str) -> int:
        head = self.heads[head_key(account)]
        return head.debits_minor - head.credits_minor


def refuse(code: Code, waits_for: str = "") -> Refusal:
    return Refusal(code, "as the test wants it", waits_for)


def said(decision: Decision) -> list[str]:
    """Outcomes of the arrivals, then of the healed after a bar; the code where one was refused."""
    arrivals = [ruling.refusal.code.value if ruling.refusal else ruling.outcome.value for ruling in decision.arrivals]
    healed = [ruling.refusal.code.value if ruling.refusal else ruling.outcome.value for ruling in decision.healed]
    return [*arrivals, "|", *healed] if healed else arrivals
