"""Cases for `decide_batch`, and what is locked for them, without a database."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ledger_core.domain.cases import Case, Crossing, Decision, Head, HeadKey, Locked, Movement, PartKey
from ledger_core.domain.decide import decide_batch
from ledger_core.domain.exchanges import Exchanged
from ledger_core.domain.facts import Fact
from ledger_core.domain.holds import Hold
from ledger_core.domain.notices import Notice, NoticeKey
from ledger_core.domain.originals import Original, Vouchers
from ledger_core.domain.outcomes import Code, Outcome, Refusal
from ledger_core.domain.parts import Part
from ledger_core.domain.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentRefunded,
    PaymentVoided,
    PayoutPaid,
)
from ledger_core.domain.references import VoidRequested, VoucherLink
from ledger_core.domain.requests import CompensationRequested, VoucherRef
from ledger_core.domain.subjects import Subject
from ledger_core.domain.transfer_policy import TransferPolicy
from ledger_core.domain.transfers import TransferStand
from ledger_core.domain.vouchers import Draft, Line, Purpose, Side

BOOK = 1
BATCH = 7
EUR, USD = 978, 840
ASSETS = {"EUR": EUR, "USD": USD}
SOURCE = "/psp"
EVENT_TYPES = {PaymentCaptured: "payment.captured.v1", PaymentRefunded: "payment.refunded.v1"}
ACCOUNTS = {"clearing": 1, "seller": 2, "other": 3, "cash": 4, "dollars": 5}


def head_key(account: str) -> HeadKey:
    return BOOK << 32 | ACCOUNTS[account]


def captured(amount_minor: int = 100, currency: str = "EUR") -> PaymentCaptured:
    return PaymentCaptured("p", amount_minor, currency, "card")


def authorized(amount_minor: int = 100, currency: str = "EUR") -> PaymentAuthorized:
    return PaymentAuthorized("p", amount_minor, currency, "card")


def refunded(amount_minor: int = 100, currency: str = "EUR", refund_id: str = "") -> PaymentRefunded:
    """Refunds of different amounts are different refunds."""
    return PaymentRefunded("p", refund_id or f"r-{amount_minor}", amount_minor, currency)


def voided() -> PaymentVoided:
    return PaymentVoided("p")


def payout(amount_minor: int = 100, currency: str = "EUR") -> PayoutPaid:
    return PayoutPaid("w", "seller", amount_minor, currency)


def void_of(voucher_no: int = 0, *, event: str = "") -> VoidRequested:
    return VoidRequested(VoucherRef(voucher_no, event, SOURCE if event else ""), "posted twice")


def compensation(voucher_no: int = 0, *, event: str = "") -> CompensationRequested:
    return CompensationRequested("adjustment", (), compensates=VoucherRef(voucher_no, event, SOURCE if event else ""))


@dataclass(slots=True)
class NamedCase(Case):
    """A case of an upstream event to which others can refer."""

    event_id: str = field(default="", kw_only=True)

    @property
    def origin(self) -> tuple[str, str, str]:
        return SOURCE, self.event_id, EVENT_TYPES.get(type(self.fact), "")


def lines_of(fact: Fact | None, seller: str) -> list[Line]:
    """Two lines a voucher: which account pays does not matter to the decision."""
    if isinstance(fact, CompensationRequested):
        return [Line("cash", "D", 5, "EUR", Purpose.PAYMENT), Line(seller, "C", 5, "EUR", Purpose.PAYMENT)]
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
    vouchers: Vouchers = field(default_factory=Vouchers)
    holds: dict[tuple[int, str], Hold] = field(default_factory=dict)
    crossings: list[Crossing] = field(default_factory=list)
    parts: dict[PartKey, Part] = field(default_factory=dict)
    exchanges: dict[tuple[int, str], Exchanged] = field(default_factory=dict)
    notices: dict[NoticeKey, Notice] = field(default_factory=dict)
    transfers: dict[tuple[int, str], TransferStand] = field(default_factory=dict)
    gates: TransferPolicy = field(default_factory=TransferPolicy)
    closed_through_us: int = -(2**63)
    batch: int = BATCH
    position: int = 0
    voucher_no: int = 0

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
        event_id: str = "",
        kind: str = "kind",
    ) -> Case:
        lines = [] if refusal is not None else lines_of(fact, seller)
        draft = Draft(kind, "rule/1", lines) if lines else None
        asset_id = ASSETS.get(getattr(fact, "currency", ""), 0)
        movements = [movement(line) for line in lines]
        return NamedCase((BOOK, key), fact, asset_id, draft, movements, refusal, effective_at_us, 0, event_id=event_id)

    def take_up(self, key: tuple[int, str], subject: Subject) -> None:
        """A payment of which this is known, and that one capture brought what was captured."""
        self.subjects[key] = subject
        if subject.captured_minor:
            movements = [movement(line) for line in lines_of(captured(subject.captured_minor), "seller")]
            event_type, amount_minor = EVENT_TYPES[PaymentCaptured], subject.captured_minor
            subject.captures.append(1)
            self.vouchers.add(
                BOOK, Original(1, VoucherLink(1, 1), key[1], "capture", event_type, amount_minor, movements, 0)
            )

    def locked(self, arrivals: int) -> Locked:
        return Locked(
            heads=self.heads,
            subjects=self.subjects,
            queues=self.queues,
            vouchers=self.vouchers,
            holds=self.holds,
            crossings=self.crossings,
            parts=self.parts,
            exchanges=self.exchanges,
            notices=self.notices,
            transfers=self.transfers,
            transfer_policies={BOOK: self.gates},
            closed_through_us={BOOK: self.closed_through_us},
            next_reference={BOOK: self.batch << 16 | arrivals},
        )

    def decide(self, *cases: Case, drain: Iterable[str] = ()) -> Decision:
        self.batch += 1
        for place, case in enumerate(cases):
            case.reference = self.batch << 16 | place
        self.vouchers.stands = {BOOK: VoucherLink(self.position, self.voucher_no)}
        decision = decide_batch(cases, self.locked(len(cases)), [(BOOK, key) for key in drain])
        rulings = (*decision.arrivals, *decision.healed)
        self.position += len(rulings)
        self.voucher_no += sum(ruling.outcome is Outcome.POSTED for ruling in rulings)
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
